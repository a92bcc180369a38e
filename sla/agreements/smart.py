"""The SMART check: promises that nobody could keep account of. They load, but `slacast check` reports them.

Specific (it says for whom), measurable (from the events there are), assignable (someone answers for it). Without a time
bound or a calendar that opens there is nothing to compute at all: those are faults, and loading already reports them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sla.agreements.agreement_set import AgreementSet, AgreementSource
from sla.agreements.conditions import Condition, asked_attributes
from sla.agreements.suggestions import did_you_mean
from sla.agreements.targets import Target
from sla.agreements.yaml_lines import Path

_CONDITIONS = ("start", "pause", "runs_while", "stop", "stays_stopped", "reset", "cancel")

Found = Iterator[tuple[Path, str]]


def smart_faults(agreements: AgreementSet, attributes: Collection[str] | None = None) -> Found:
    """Path and message of each promise that is not specific, measurable or owned.

    With `attributes`, the columns that the events have, promises about others are reported as not measurable.
    """
    for index, agreement in enumerate(agreements.agreements):
        for position, target in enumerate(agreement.targets):
            path: Path = ("agreements", index, "targets", position)
            yield from _owned(agreement, target, path)
            yield from _measurable(target, path, attributes)
            yield from _specific(target, path)
    for name, service in agreements.services.items():
        if not service.owner:
            yield ("services", name), f'service "{name}" has no owner: name who answers for it'


def _owned(agreement: AgreementSource, target: Target, path: Path) -> Found:
    if not (target.owner or agreement.owner):
        yield path, f'"{target.metric}" of "{agreement.name}" has no owner: name one on the target or the agreement'


def _measurable(target: Target, path: Path, attributes: Collection[str] | None) -> Found:
    if target.start is not None and target.start == target.stop:
        yield path, f'"{target.metric}" cannot be measured: it starts and stops at the same event'
    conditions = [(name, getattr(target, name)) for name in _CONDITIONS]
    conditions += [(f"goals[{index + 1}]", goal.applies_to) for index, goal in enumerate(target.goals)]
    for name, condition in conditions:
        for asked in _unknown(condition, attributes):
            hint = did_you_mean(asked, attributes or ())
            yield (
                path,
                f'"{target.metric}" cannot be measured: {name} asks about "{asked}", which the events do not have{hint}',
            )


def _unknown(condition: Condition | None, attributes: Collection[str] | None) -> list[str]:
    if condition is None or attributes is None:
        return []
    return sorted(
        name for name in asked_attributes(condition) if name not in attributes and not name.startswith("service.")
    )


def _specific(target: Target, path: Path) -> Found:
    last = target.goals[-1]
    if last.applies_to is not None:
        yield (
            (*path, "goals"),
            f'"{target.metric}" leaves open what holds for tickets that meet no goal: add a goal with default: true, or one with within: no agreement',
        )
