"""What the parts of an agreements file say about each other: names that lead nowhere, rules that can never decide."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sla.agreements.agreement_set import AgreementSet, AgreementSource
from sla.agreements.conditions import Condition, asks_about_event
from sla.agreements.suggestions import did_you_mean
from sla.agreements.targets import NO_AGREEMENT, Target
from sla.agreements.yaml_lines import Path

Found = Iterator[tuple[Path, str]]


def reference_faults(agreements: AgreementSet) -> Found:
    """Path and message of each fault between parts of the file."""
    for name, spec in agreements.calendars.items():
        for other in spec.minus:
            yield from _unknown(("calendars", name, "minus"), "calendar", other, agreements.calendars)
    yield from _services(agreements)
    seen: dict[tuple[str, str], int] = {}
    for index, agreement in enumerate(agreements.agreements):
        path: Path = ("agreements", index)
        yield from _agreement(agreements, agreement, path)
        key = (agreement.name, agreement.version)
        if key in seen:
            yield (
                (*path, "name"),
                f'agreement "{agreement.name}" version "{agreement.version}" is written twice; give each version its own number',
            )
        seen[key] = index
    yield from _overlaps(agreements)


def unresolved_names(written: Any) -> Found:
    """Path and message of each calendar that is named but not described, in a file too faulty to be understood as a whole."""
    calendars = written.get("calendars") if isinstance(written, dict) else None
    if isinstance(calendars, dict):
        for part in ("agreements", "services"):
            yield from _calendar_names((part,), written.get(part), calendars)


def _calendar_names(path: Path, written: Any, calendars: Iterable[str]) -> Found:
    if isinstance(written, list):
        for index, item in enumerate(written):
            yield from _calendar_names((*path, index), item, calendars)
    elif isinstance(written, dict):
        for key, item in written.items():
            if isinstance(item, str) and (key == "calendar" or (key == "hours" and path[0] == "services")):
                yield from _unknown((*path, key), "calendar", item, calendars)
            elif key != "applies_to":
                yield from _calendar_names((*path, key), item, calendars)


def _unknown(path: Path, what: str, name: str | None, known: Iterable[str]) -> Found:
    if name is not None and name not in set(known):
        yield path, f'no {what} is called "{name}"{did_you_mean(name, known)}'


def _services(agreements: AgreementSet) -> Found:
    for name, service in agreements.services.items():
        path: Path = ("services", name)
        yield from _unknown((*path, "hours"), "calendar", service.hours, agreements.calendars)
        for other in service.depends_on:
            yield from _unknown((*path, "depends_on"), "service", other, agreements.services)
        if service.made_of is not None:
            for index, other in enumerate(service.parts):
                where: Path = (*path, "made_of", service.made_of.way, index)
                yield from _unknown(where, "service", other, agreements.services)
    yield from _circles(agreements)


def _circles(agreements: AgreementSet) -> Found:
    """Services that need or are made of themselves, directly or through others; each circle is reported once."""
    reported: set[frozenset[str]] = set()
    rests_on = {name: (*service.depends_on, *service.parts) for name, service in agreements.services.items()}
    for start in agreements.services:
        trail: dict[str, tuple[str, ...]] = {start: (start,)}
        stack = [start]
        while stack:
            current = stack.pop()
            for needed in rests_on.get(current, ()):
                if needed == start and frozenset(trail[current]) not in reported:
                    reported.add(frozenset(trail[current]))
                    key = (
                        "depends_on"
                        if (*trail[current], start)[1] in agreements.services[start].depends_on
                        else "made_of"
                    )
                    yield (
                        ("services", start, key),
                        f"{' needs '.join((*trail[current], start))}: a service cannot need itself",
                    )
                elif needed not in trail:
                    trail[needed] = (*trail[current], needed)
                    stack.append(needed)


def _agreement(agreements: AgreementSet, agreement: AgreementSource, path: Path) -> Found:
    yield from _unknown((*path, "calendar"), "calendar", agreement.calendar, agreements.calendars)
    for service in agreement.services:
        if agreements.services:
            yield from _unknown((*path, "services"), "service", service, agreements.services)
    yield from _applies_to((*path, "applies_to"), agreement.applies_to, agreements)
    for index, target in enumerate(agreement.targets):
        yield from _target(agreements, agreement, target, (*path, "targets", index))


def _target(agreements: AgreementSet, agreement: AgreementSource, target: Target, path: Path) -> Found:
    yield from _unknown((*path, "calendar"), "calendar", target.calendar, agreements.calendars)
    for name in ("pause", "runs_while", "stays_stopped", "cancel"):
        condition = getattr(target, name)
        if condition is not None and asks_about_event(condition):
            yield (
                (*path, name),
                f"{name} asks about a single event (kind, actor_kind, changed, opened), which has no length; name a state such as status or waiting_on",
            )
    if target.metric == "team_time" and agreement.kind != "OLA":
        yield (
            (*path, "metric"),
            "team_time is a team's share: write it in an agreement of kind OLA, which names the team",
        )
    if target.metric == "supplier_time" and agreement.kind != "UC":
        yield (
            (*path, "metric"),
            "supplier_time is a supplier's promise: write it in an agreement of kind UC, which names the supplier",
        )
    catch_all: int | None = None
    for index, goal in enumerate(target.goals):
        where: Path = (*path, "goals", index)
        yield from _unknown((*where, "calendar"), "calendar", goal.calendar, agreements.calendars)
        yield from _applies_to((*where, "applies_to"), goal.applies_to, agreements)
        calendar = goal.calendar or target.calendar or agreement.calendar
        if goal.within != NO_AGREEMENT and calendar is None:
            yield (
                where,
                f'"{target.metric}" has no calendar that says when its clock runs: name one on the goal, target or agreement',
            )
        if catch_all is not None:
            yield where, f"never decides: goal {catch_all + 1} before it matches every ticket; move it up"
        elif goal.applies_to is None:
            catch_all = index


def _applies_to(path: Path, condition: Condition | None, agreements: AgreementSet) -> Found:
    if condition is None:
        return
    if asks_about_event(condition):
        yield (
            path,
            "applies_to asks about a single event (kind, actor_kind, changed, opened); it chooses tickets by their state",
        )
    for clause in condition:
        test = clause.tests.get("service")
        for service in test.named_values() if test is not None and agreements.services else ():
            yield from _unknown(path, "service", service, agreements.services)


def _overlaps(agreements: AgreementSet) -> Found:
    """Versions of one agreement that are valid on the same day, so that only their order in the file would decide."""
    by_name: dict[str, list[tuple[int, AgreementSource]]] = {}
    for index, agreement in enumerate(agreements.agreements):
        by_name.setdefault(agreement.name, []).append((index, agreement))
    for versions in by_name.values():
        for position, (index, one) in enumerate(versions):
            for _, other in versions[:position]:
                if _valid_together(one, other) and one.version != other.version:
                    yield (
                        ("agreements", index),
                        f'version "{one.version}" of "{one.name}" is valid on days on which version "{other.version}" is; end the older with valid_until',
                    )


def _valid_together(one: AgreementSource, other: AgreementSource) -> bool:
    ends_first = one.valid_until is not None and other.valid_from is not None and one.valid_until < other.valid_from
    begins_last = other.valid_until is not None and one.valid_from is not None and other.valid_until < one.valid_from
    return not ends_first and not begins_last
