"""Agreements as written: SLA towards the customer, OLA of a team, UC of a supplier, with the calendars and services they name."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr, model_validator

from sla.agreements.catalogue import Service
from sla.agreements.conditions import Clause, Condition, Test
from sla.agreements.policies import Policies, PolicyChoices
from sla.agreements.rules import resolve_rules
from sla.agreements.targets import NO_AGREEMENT, Goal, Target, some
from sla.agreements.terms import Clock, Term
from sla.durations import Duration
from sla.instants import NEVER_US, to_us
from sla.working_time.business_time import BusinessTime, compile_calendar
from sla.working_time.calendars import CalendarSpec


class AgreementSource(BaseModel):
    """One agreement: with whom, about what, since when, and its targets in order."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)

    name: str = Field(min_length=1, description="how results and explanations call it")
    kind: Literal["SLA", "OLA", "UC"] = Field("SLA", description="towards the customer, of a team, or of a supplier")
    version: str = Field(
        "1",
        description="versions of one name follow each other by their validity",
        json_schema_extra={"type": ["string", "number"]},
    )
    description: str = Field("", description="for readers")
    owner: str | None = Field(None, description="the person or role that answers for it")
    customer: str = Field("", description="for readers; `applies_to` chooses the tickets")
    team: str | None = Field(None, description="of an OLA: the team whose share it is")
    supplier: str | None = Field(None, description="of a UC: the supplier")
    services: tuple[str, ...] = Field((), description="services of the catalogue it is about; left out = all")
    valid_from: dt.date | None = Field(None, description="the first date on which it is valid")
    valid_until: dt.date | None = Field(None, description="the last date on which it is valid")
    applies_to: Condition | None = Field(None, description="which tickets; left out = every ticket")
    calendar: str | None = Field(None, description="for targets and goals that name none")
    policies: PolicyChoices = Field(PolicyChoices(), description="settings for its targets")
    targets: Annotated[tuple[Target, ...], AfterValidator(some)] = Field(description="what is promised")

    @model_validator(mode="after")
    def _has_its_party(self) -> AgreementSource:
        if self.kind == "OLA" and not self.team:
            raise ValueError("an OLA is a team's share: name the team, for example team: network")
        if self.kind == "UC" and not self.supplier:
            raise ValueError("a UC is a supplier's promise: name the supplier")
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            raise ValueError(f"valid_until {self.valid_until} is before valid_from {self.valid_from}: swap them")
        return self

    @property
    def party(self) -> str:
        """Whose clock it is beside the customer's: the team or supplier, empty for an SLA."""
        return {"SLA": "", "OLA": self.team or "", "UC": self.supplier or ""}[self.kind]


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f'"{name}" is not a time zone: write an IANA name, for example Europe/Berlin') from None
    return name


class AgreementSet(BaseModel):
    """All that one agreements file says; equal files are equal sets with equal `version`.

    Build it with `sla.agreements.loading.load_agreements`, which also checks what the parts say about each other.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)

    slacast: Literal[1] = Field(description="the format of this file; 1 is the only one so far")
    name: str = Field("", description="for readers")
    description: str = Field("", description="for readers")
    time_zone: Annotated[str, AfterValidator(_zone)] = Field("UTC", description="in which validity dates begin and end")
    policies: PolicyChoices = Field(PolicyChoices(), description="settings for all agreements")
    calendars: dict[str, CalendarSpec] = Field({}, description="calendars by name")
    services: dict[str, Service] = Field({}, description="the service catalogue, by name")
    agreements: Annotated[tuple[AgreementSource, ...], AfterValidator(some)] = Field(
        description="in order: the first that fits a ticket decides, for each metric"
    )
    _folder: Path | None = PrivateAttr(None)

    def reading_from(self, folder: Path | None) -> AgreementSet:
        """This set, with `folder` as the place where relative paths of iCalendar files begin."""
        copy = self.model_copy()
        copy._folder = folder
        return copy

    def replaced(self, **parts: Any) -> AgreementSet:
        """A set like this one with other `agreements`, `calendars` or the like."""
        written = {name: getattr(self, name) for name in type(self).model_fields}
        return AgreementSet.model_validate(written | parts).reading_from(self._folder)

    @property
    def folder(self) -> Path | None:
        """Where relative paths of iCalendar files begin."""
        return self._folder

    @cached_property
    def version(self) -> str:
        """A fingerprint of the content: 16 hexadecimal digits that change with any change of meaning.

        The iCalendar files that calendars name belong to it.
        """
        text = json.dumps(self.model_dump(mode="json", by_alias=True), sort_keys=True)
        digest = hashlib.sha256(text.encode())
        for name in sorted({source.ics for spec in self.calendars.values() for source in spec.holidays if source.ics}):
            path = (self._folder or Path()) / name
            digest.update(hashlib.sha256(path.read_bytes()).digest() if path.is_file() else b"absent")
        return digest.hexdigest()[:16]

    @cached_property
    def calendar_names(self) -> tuple[str, ...]:
        """Calendar names in file order; results refer to them by index."""
        return tuple(self.calendars)

    @cached_property
    def business_times(self) -> tuple[BusinessTime, ...]:
        """The calendars, compiled, in file order."""
        return tuple(
            compile_calendar(spec, self.calendars, name=name, folder=self._folder)
            for name, spec in self.calendars.items()
        )

    @cached_property
    def clocks(self) -> dict[str, Clock]:
        """The clocks that can run on a ticket, by name: the metric for an SLA, `metric:team` or `metric:supplier` otherwise."""
        return _compile_clocks(self)

    def clock(self, target: str) -> Clock:
        """The clock of that name. Raises KeyError, naming the clocks there are."""
        try:
            return self.clocks[target]
        except KeyError:
            raise KeyError(f'no agreement has a target "{target}"; there are: {", ".join(self.clocks)}') from None

    def policies_of(self, agreement: AgreementSource, target: Target) -> Policies:
        """The policy settings in force for one target: built-in, then the file's, the agreement's, the target's."""
        settings = Policies().overridden_by(self.policies).overridden_by(agreement.policies)
        return settings.overridden_by(target.policies)

    def business_time(self, term: Term) -> BusinessTime:
        """The compiled calendar of a term."""
        return self.business_times[term.calendar]


def _compile_clocks(agreements: AgreementSet) -> dict[str, Clock]:
    """The clocks of a set of agreements in file order, each with its terms in order of precedence."""
    terms: dict[str, list[Term]] = {}
    parties: dict[str, tuple[str, str]] = {}
    for position, agreement in enumerate(agreements.agreements):
        for target in agreement.targets:
            name = f"{target.metric}:{agreement.party}" if agreement.party else target.metric
            found = terms.setdefault(name, [])
            parties[name] = (target.metric, agreement.party)
            found.extend(_terms(agreements, position, agreement, target, name, len(found)))
    return {name: Clock(name, *parties[name], tuple(found)) for name, found in terms.items()}


def _terms(
    agreements: AgreementSet, position: int, agreement: AgreementSource, target: Target, clock: str, first: int
) -> Iterator[Term]:
    policies = agreements.policies_of(agreement, target)
    zone = ZoneInfo(agreements.time_zone)
    calendars = list(agreements.calendars)
    for offset, goal in enumerate(target.goals):
        calendar = goal.calendar or target.calendar or agreement.calendar
        yield Term(
            clock=clock,
            index=first + offset,
            metric=target.metric,
            agreement=position,
            agreement_name=agreement.name,
            agreement_version=agreement.version,
            kind=agreement.kind,
            rule=_rule_name(agreement, target, goal, offset),
            agreement_applies_to=_with_services(agreement),
            goal_applies_to=goal.applies_to,
            valid_from_us=-NEVER_US if agreement.valid_from is None else _midnight_us(agreement.valid_from, zone),
            valid_until_us=NEVER_US
            if agreement.valid_until is None
            else _midnight_us(agreement.valid_until + dt.timedelta(days=1), zone),
            within=goal.within if isinstance(goal.within, Duration) else None,
            calendar=calendars.index(calendar) if calendar in calendars else -1,
            rules=resolve_rules(target, policies, agreement.party),
            policies=policies,
            warnings=tuple(sorted(target.warnings)),
            grace_us=target.grace.amount_us if target.grace else 0,
            penalty=target.penalty,
            owner=target.owner or agreement.owner,
            party=agreement.party,
        )


def _midnight_us(day: dt.date, zone: ZoneInfo) -> int:
    return to_us(dt.datetime(day.year, day.month, day.day, tzinfo=zone))


def _rule_name(agreement: AgreementSource, target: Target, goal: Goal, offset: int) -> str:
    if goal.name:
        return goal.name
    where = "default" if goal.default or goal.applies_to is None else f"goal {offset + 1}"
    length = goal.within if goal.within == NO_AGREEMENT else f"within {goal.within}"
    return f"{agreement.name}, {target.metric}, {where}: {length}"


def _with_services(agreement: AgreementSource) -> Condition | None:
    if not agreement.services:
        return agreement.applies_to
    only = Test.model_validate(list(agreement.services))
    clauses = agreement.applies_to or (Clause(),)
    if any("service" in clause.tests for clause in clauses):
        return agreement.applies_to  # the condition already says which of its services
    return tuple(clause.model_copy(update={"tests": {**clause.tests, "service": only}}) for clause in clauses)
