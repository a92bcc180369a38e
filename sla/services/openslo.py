"""Objectives out of OpenSLO v1 files (https://openslo.com): the targets, windows and burn-rate alerts of services."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import yaml

from sla.instants import DAY_SECONDS
from sla.services.service_history import ServiceError

METHODS: Final = ("Occurrences", "Timeslices", "RatioTimeslices")
_UNITS: Final = {"m": 60, "h": 3600, "d": DAY_SECONDS, "w": 7 * DAY_SECONDS}
_MONTHS: Final = {"M": 1, "Q": 3, "Y": 12}
_DURATION: Final = re.compile(r"(\d+)([mhdwMQY])")


@dataclass(frozen=True)
class Duration:
    """A length in seconds, or in calendar months, which have none."""

    text: str
    seconds: int | None
    months: int | None


@dataclass(frozen=True)
class TimeWindow:
    """The period over which an objective is kept: rolling, or beginning with the calendar in a zone."""

    duration: Duration
    is_rolling: bool
    starts_at: str | None = None  # local, as written
    time_zone: str | None = None


@dataclass(frozen=True)
class BurnRateAlert:
    """A burn-rate condition of an alert policy."""

    name: str
    severity: str
    threshold: float
    lookback: Duration
    alert_after: Duration | None


@dataclass(frozen=True)
class Objective:
    """One objective of one SLO."""

    slo: str
    service: str
    name: str
    target: float  # a share, 0.999
    method: str
    windows: tuple[TimeWindow, ...]
    slice_target: float | None = None
    slice_window: Duration | None = None
    weight: float | None = None
    alerts: tuple[BurnRateAlert, ...] = ()
    alert_policies: tuple[str, ...] = ()  # named, defined in another file


def read_objectives(text: str, source: str = "OpenSLO text") -> list[Objective]:
    """Return the objectives of every SLO in a YAML text of one or many OpenSLO v1 documents.

    Other kinds of document are looked at for alert policies only. Raises ServiceError with the source, the SLO and the
    key for anything missing, unknown or out of range.
    """
    try:
        documents = [document for document in yaml.safe_load_all(text) if document is not None]
    except yaml.YAMLError as error:
        raise ServiceError(f"{source} is not readable as YAML: {error}") from error
    for place, document in enumerate(documents, start=1):
        version = document.get("apiVersion") if isinstance(document, dict) else None
        if version != "openslo/v1":
            raise ServiceError(f"{source}, document {place}: apiVersion is {version!r}, expected openslo/v1")
    conditions = {_named(d, source): d for d in documents if d.get("kind") == "AlertCondition"}
    policies = {_named(d, source): d for d in documents if d.get("kind") == "AlertPolicy"}
    slos = [_Slo(document, source, policies, conditions) for document in documents if document.get("kind") == "SLO"]
    if not slos:
        raise ServiceError(f"{source} holds no document of kind SLO: there is no objective to read")
    return [objective for slo in slos for objective in slo.objectives()]


def _named(document: dict[str, Any], source: str) -> str:
    name = (document.get("metadata") or {}).get("name")
    if not isinstance(name, str) or not name:
        raise ServiceError(f"{source}: a document of kind {document.get('kind')} has no metadata.name: give it one")
    return name


def duration(written: object, where: str) -> Duration:
    """Return a duration from its short form: 5m, 12h, 30d, 4w, 1M, 1Q or 1Y; months and more have no seconds."""
    match = _DURATION.fullmatch(str(written))
    if match is None or int(match[1]) == 0:
        raise ServiceError(f"{where} is {written!r}, expected a number and m, h, d, w, M, Q or Y, for example 30d")
    number, unit = int(match[1]), match[2]
    if unit in _UNITS:
        return Duration(str(written), number * _UNITS[unit], None)
    return Duration(str(written), None, number * _MONTHS[unit])


class _Slo:
    """One document of kind SLO, with the alert policies and conditions it may refer to."""

    def __init__(
        self,
        document: dict[str, Any],
        source: str,
        policies: dict[str, dict[str, Any]],
        conditions: dict[str, dict[str, Any]],
    ) -> None:
        self.name = _named(document, source)
        self.where = f"{source}, SLO {self.name!r}"
        self.spec: dict[str, Any] = document.get("spec") or {}
        self.policies, self.conditions = policies, conditions

    def objectives(self) -> Iterator[Objective]:
        service, method = self._need("service"), self._need("budgetingMethod")
        if method not in METHODS:
            raise ServiceError(f"{self.where}: budgetingMethod is {method!r}, expected one of {', '.join(METHODS)}")
        written = self.spec.get("objectives")
        if not isinstance(written, list) or not written:
            raise ServiceError(f"{self.where}: objectives is missing, expected a list with at least one target")
        windows = tuple(self._windows())
        alerts, elsewhere = self._alerts()
        for place, objective in enumerate(written, start=1):
            where = f"{self.where}, objective {place}"
            sliced = objective.get("timeSliceWindow")
            if sliced is None and method != "Occurrences":
                raise ServiceError(f"{where}: timeSliceWindow is missing, expected a length such as 1m for {method}")
            yield Objective(
                slo=self.name,
                service=str(service),
                name=str(objective.get("displayName") or self.name),
                target=_target(objective, where),
                method=str(method),
                windows=windows,
                slice_target=objective.get("timeSliceTarget"),
                slice_window=None if sliced is None else duration(sliced, f"{where}: timeSliceWindow"),
                weight=objective.get("compositeWeight"),
                alerts=alerts,
                alert_policies=elsewhere,
            )

    def _need(self, key: str) -> object:
        value = self.spec.get(key)
        if value in (None, ""):
            raise ServiceError(f"{self.where}: {key} is missing under spec: add it")
        return value

    def _windows(self) -> Iterator[TimeWindow]:
        written = self.spec.get("timeWindow")
        if not isinstance(written, list) or not written:
            raise ServiceError(
                f"{self.where}: timeWindow is missing, expected a list such as [{{duration: 30d, isRolling: true}}]"
            )
        for window in written:
            length = duration(window.get("duration"), f"{self.where}: timeWindow.duration")
            calendar = window.get("calendar") or {}
            rolling = bool(window.get("isRolling", not calendar))
            if rolling and calendar:
                raise ServiceError(
                    f"{self.where}: a rolling timeWindow has no calendar: set isRolling: false, or remove it"
                )
            if rolling and length.seconds is None:
                raise ServiceError(
                    f"{self.where}: a rolling window of {length.text} has no fixed length: write it in days"
                )
            yield TimeWindow(length, rolling, _text(calendar.get("startTime")), _text(calendar.get("timeZone")))

    def _alerts(self) -> tuple[tuple[BurnRateAlert, ...], tuple[str, ...]]:
        """Return the burn-rate conditions, and the names of policies that are defined elsewhere."""
        found: list[BurnRateAlert] = []
        elsewhere: list[str] = []
        for written in self.spec.get("alertPolicies") or []:
            reference = written if isinstance(written, str) else written.get("alertPolicyRef")
            if reference is not None and reference not in self.policies:
                elsewhere.append(str(reference))
                continue
            policy = self.policies[reference] if reference is not None else written
            found += self._conditions((policy.get("spec") or {}).get("conditions") or [], elsewhere)
        return tuple(found), tuple(elsewhere)

    def _conditions(self, written: Iterable[dict[str, Any]], elsewhere: list[str]) -> Iterator[BurnRateAlert]:
        for item in written:
            reference = item.get("conditionRef")
            if reference is not None and reference not in self.conditions:
                elsewhere.append(str(reference))
                continue
            document = self.conditions[reference] if reference is not None else item
            spec = document.get("spec") or {}
            condition = spec.get("condition") or {}
            if condition.get("kind") != "burnrate":
                continue
            where = f"{self.where}, alert condition {(document.get('metadata') or {}).get('name', '')!r}"
            after = condition.get("alertAfter")
            yield BurnRateAlert(
                name=str((document.get("metadata") or {}).get("name", "")),
                severity=str(spec.get("severity", "")),
                threshold=float(condition.get("threshold", 0)),
                lookback=duration(condition.get("lookbackWindow"), f"{where}: lookbackWindow"),
                alert_after=None if after is None else duration(after, f"{where}: alertAfter"),
            )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _target(objective: dict[str, Any], where: str) -> float:
    """Return the target as a share, from `target` or `targetPercent`, of which exactly one is given."""
    given = [key for key in ("target", "targetPercent") if objective.get(key) is not None]
    if len(given) != 1:
        raise ServiceError(f"{where}: give either target (a share such as 0.999) or targetPercent (such as 99.9)")
    value = objective[given[0]]
    number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else -1.0
    share = number if given[0] == "target" else number / 100
    if not 0 <= share < 1:
        limit = "from 0 to below 1" if given[0] == "target" else "from 0 to below 100"
        raise ServiceError(f"{where}: {given[0]} is {value!r}, expected a number {limit}")
    return share
