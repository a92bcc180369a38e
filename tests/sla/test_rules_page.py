"""Every example in docs/rules.md is executed, on the path for one ticket and on the path for many."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import yaml

from sla.agreements.agreement_set import AgreementSet
from sla.agreements.credits import service_credit_percent
from sla.agreements.loading import parse_agreements
from sla.agreements.policies import Policies
from sla.agreements.targets import METRICS, ServiceCredit
from sla.agreements.yaml_lines import read_document
from sla.clocks.replay import VerdictState, verdicts_at
from sla.clocks.ticket_clocks import replay_ticket
from sla.clocks.verdict import Verdict
from sla.durations import format_us
from sla.events import EventLog, TicketEvent
from sla.instants import SECOND_US, to_us

PAGE = Path(__file__).resolve().parents[2] / "docs" / "rules.md"
ZONE = ZoneInfo("Europe/Berlin")


def blocks(kind: str) -> list[tuple[str, Any]]:
    """The heading above each fenced block of a kind, and what the block says."""
    found, heading, text = [], "", PAGE.read_text(encoding="utf-8")
    for match in re.finditer(rf"^### ([^\n]+)$|^```{kind}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        if match[1]:
            heading = match[1]
        else:
            found.append((heading, read_document(match[2]).value))
    return found


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def the_agreements(example: dict[str, Any]) -> AgreementSet:
    goals = example.get("goals") or [{"within": example["within"]}]
    target = {"metric": example.get("metric", "resolution"), "goals": goals, **example.get("target", {})}
    agreement = {
        "name": "page",
        "owner": "reader",
        "calendar": "office",
        **example.get("agreement", {}),
        "targets": [target],
    }
    ((_, calendars),) = blocks("calendars")
    text = {
        "slacast": 1,
        "time_zone": "Europe/Berlin",
        "policies": example.get("policies", {}),
        "calendars": calendars,
        "agreements": [agreement],
    }
    return parse_agreements(yaml.safe_dump(text, sort_keys=False))


def the_events(example: dict[str, Any]) -> list[TicketEvent]:
    events = []
    for number, values in enumerate(example["events"]):
        at_us = to_us(local(values["at"]))
        recorded_us = to_us(local(values["recorded"])) if "recorded" in values else at_us
        texts = {name: str(value) for name, value in values.items() if name not in ("at", "recorded")}
        events.append(TicketEvent("T", f"{number:03d}", at_us, recorded_us, texts))
    return events


def said(verdict: Verdict) -> dict[str, Any]:
    """A verdict in the words of the page."""

    def length(seconds: float | None) -> str | None:
        return None if seconds is None else format_us(round(seconds * SECOND_US))

    def when(at: datetime | None) -> str | None:
        return None if at is None else f"{at.astimezone(ZONE):%Y-%m-%d %H:%M}"

    return {
        "state": verdict.state.words,
        "why": verdict.why,
        "target": length(verdict.target_seconds),
        "elapsed": length(verdict.elapsed_seconds),
        "paused": length(verdict.paused_seconds),
        "remaining": length(verdict.remaining_seconds),
        "started": when(verdict.started_at),
        "due": when(verdict.due_at),
        "breached": when(verdict.breached_at),
        "stopped": when(verdict.stopped_at),
        "measurement": verdict.measurement,
        "penalty": verdict.penalty,
        "warning": when(verdict.warnings[0].at) if verdict.warnings else None,
    }


EXAMPLES = blocks("example")


@pytest.mark.parametrize(("heading", "example"), EXAMPLES, ids=[heading for heading, _ in EXAMPLES])
def test_the_example_under_each_heading_is_true(heading: str, example: dict[str, Any]):
    verdict = replay_ticket(the_events(example), the_agreements(example), local(example["at"]), earlier=True)[-1]
    answers = said(verdict)
    assert {name: answers[name] for name in example["expect"]} == example["expect"], heading


@pytest.mark.parametrize(("heading", "example"), EXAMPLES, ids=[heading for heading, _ in EXAMPLES])
def test_the_path_for_many_tickets_says_the_same(heading: str, example: dict[str, Any]):
    agreements, at_us = the_agreements(example), to_us(local(example["at"]))
    (name,) = agreements.clocks
    found = verdicts_at(EventLog.from_events(the_events(example)), agreements, name, np.array([0]), np.array([at_us]))
    (verdict,) = replay_ticket(the_events(example), agreements, local(example["at"]))
    assert VerdictState(found.state[0]).words == example["expect"]["state"], heading
    assert found.elapsed_us[0] == verdict.elapsed_seconds * SECOND_US
    assert verdict.due_at is None or found.due_us[0] == to_us(verdict.due_at)


def test_the_credits_of_the_page_are_owed() -> None:
    ((_, block),) = blocks("credits")
    agreed = [ServiceCredit.model_validate(credit) for credit in block["agreed"]]
    assert [service_credit_percent(agreed, case["met"], case["breached"]) for case in block["owed"]] == [
        case["percent"] for case in block["owed"]
    ]


def test_each_choice_of_each_policy_is_shown_at_work() -> None:
    shown = {(name, choice) for _, example in EXAMPLES for name, choice in example.get("policies", {}).items()}
    default = Policies().model_dump()
    wanted = {
        (name, choice)
        for name, field in Policies.model_fields.items()
        for choice in get_args(field.annotation)
        if isinstance(choice, str) and choice != default[name]
    }
    assert {(name, choice) for name, choice in wanted if (name, choice) not in shown} == set()
    assert {("retroactive_start", False)} <= shown


def test_the_page_shows_every_metric_and_speaks_of_every_policy():
    text = PAGE.read_text(encoding="utf-8")
    shown = {example.get("metric", "resolution") for _, example in EXAMPLES}
    assert set(METRICS) - shown == set()
    assert [name for name in Policies.model_fields if f"`{name}" not in text and f"{{{name}:" not in text] == []
    assert len(EXAMPLES) > 30
