"""The worked examples of docs/rules-calendars.md, executed."""

from __future__ import annotations

import re
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

from sla.working_time.business_time import BusinessTime, compile_calendar
from sla.working_time.calendars import CalendarSpec
from sla.working_time.working_days import WorkingDays

PAGE = Path(__file__).resolve().parents[2] / "docs" / "rules-calendars.md"
INSTANT = r"(\w{3} \d{4}-\d{2}-\d{2} \d{2}:\d{2})"
BLOCK = re.compile(r"```(yaml|python)\n(.*?)```|^\| ([^|\n]+) \| ([^|\n]+) \| [^\n]*$", re.DOTALL | re.MULTILINE)


def _examples() -> list[tuple[str, str, str]]:
    """Question, answer and the calendar above them; rows of other tables are no questions."""
    found, calendar = [], ""
    for kind, block, question, answer in BLOCK.findall(PAGE.read_text()):
        if kind == "yaml":
            calendar = block
        elif question and re.match(r"elapsed|open|next|due|-?\d+ days|days from", question):
            found.append((question.strip(), answer.strip(), calendar))
    return found


def _instant(text: str, working: BusinessTime) -> datetime:
    name, clock = text.split(" ", 1)
    local = datetime.fromisoformat(clock).replace(tzinfo=ZoneInfo(working.zone))
    assert f"{local:%a}" == name, f"{text} is a {local:%a}"
    return local


def _seconds(text: str) -> int:
    sign = -1 if text.startswith("-") else 1
    hours, minutes = re.search(r"(\d+) h", text), re.search(r"(\d+) min", text)
    return sign * (int(hours[1]) * 3600 if hours else 0) + sign * (int(minutes[1]) * 60 if minutes else 0)


def _length(seconds: float) -> str:
    hours, minutes = divmod(round(abs(seconds)) // 60, 60)
    return ("-" if seconds < 0 else "") + (f"{hours} h" + (f" {minutes} min" if minutes else ""))


def _answer(question: str, working: BusinessTime) -> str:
    instants = [_instant(text, working) for text in re.findall(INSTANT, question)]
    if question.startswith("elapsed"):
        return _length(working.elapsed_seconds(*instants))
    if question.startswith("open"):
        return "yes" if working.is_open_at(instants[0]) else "no"
    if question.startswith("days from"):
        first, last = (date.fromisoformat(text) for text in re.findall(r"\d{4}-\d{2}-\d{2}", question))
        return str(WorkingDays(working).between(first, last))
    if match := re.match(r"(-?\d+) days by (\w+)", question):
        found = WorkingDays(working).add(instants[0], int(match[1]), match[2])
    elif question.startswith("due"):
        found = working.due(instants[0], _seconds(question.rsplit(" after ", 1)[1]))
    else:
        found = working.next_open(instants[0]) if "open" in question else working.next_close(instants[0])  # type: ignore[assignment]
    return f"{found.astimezone(ZoneInfo(working.zone)):%a %Y-%m-%d %H:%M}"


@pytest.mark.parametrize(("question", "answer", "calendar"), _examples())
def test_an_example_of_the_page_is_true(question: str, answer: str, calendar: str) -> None:
    assert _answer(question, compile_calendar(CalendarSpec.model_validate(yaml.safe_load(calendar)))) == answer


def test_the_page_has_examples_of_every_kind() -> None:
    kinds = {re.sub(r"[-\d].*", "", question).strip() for question, _, _ in _examples()}
    assert len(_examples()) >= 24
    assert {"elapsed Mon", "open Mon", "due Mon", "next open Fri", "next close Mon", "days from", ""} <= kinds


def test_the_programs_of_the_page_run() -> None:
    programs = [block for kind, block, _, _ in BLOCK.findall(PAGE.read_text()) if kind == "python"]
    assert len(programs) == 3
    for program in programs:
        assert "assert" in program
        exec(compile(program, str(PAGE), "exec"), {})  # noqa: S102 - our own documentation


def test_a_day_rule_of_the_page_is_a_day_rule() -> None:
    named = set(re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", PAGE.read_text(), re.MULTILINE))
    rules = {name for cell in named for name in re.findall(r"`(\w+)`", cell)}
    assert rules == set(CalendarSpec.model_fields["day_rule"].annotation.__args__)  # type: ignore[union-attr]
