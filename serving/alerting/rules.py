"""Alert rules as written: what is worth telling, whom, and how often at most."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from serving.alerting.channels import Channel
from sla.agreements.conditions import SERVICE_FACTS, Clause, Condition
from sla.agreements.targets import some
from sla.durations import Duration, DurationText
from sla.working_time.calendars import CalendarSpec

SUBJECTS = ("ticket", "service", "team", "customer")
ATTRIBUTES = ("priority", "service", "category", "team", "assignee", "customer", "status", "waiting_on")
SEVERITIES = ("info", "warning", "critical")
SERVICE_KINDS = frozenset({"outage_risk", "burn_rate"})
"""The kinds that speak of services, not of tickets."""
_THRESHOLDS = {"above", "recovers_below"}
_OF_KIND = {
    "risk": {*_THRESHOLDS, "one_alert_per"},
    "warning": {"share", "target", "one_alert_per"},
    "breach": {"target", "news_for", "one_alert_per"},
    "outage_risk": _THRESHOLDS,
    "burn_rate": {"windows"},
}
_SPECIAL = {key for keys in _OF_KIND.values() for key in keys}


def _share(value: Any) -> Any:
    """A share written as 0.75 or 75%."""
    if isinstance(value, str) and value.strip().endswith("%"):
        try:
            return float(value.strip()[:-1]) / 100
        except ValueError:
            return value
    return value


def _days(value: Any) -> Any:
    """`2 days` as 48 h: unlike in agreements, a day can only mean 24 hours here."""
    found = re.fullmatch(r"\s*(\d+)\s*days?\s*", value) if isinstance(value, str) else None
    return f"{24 * int(found[1])} h" if found else value


def _clock_hours(length: Duration) -> Duration:
    if length.counts_days:
        raise ValueError("a length of real time is meant here: write hours or minutes, for example 4 h")
    return length


Share = Annotated[float, BeforeValidator(_share), Field(gt=0, lt=1)]
Length = Annotated[DurationText, BeforeValidator(_days), AfterValidator(_clock_hours)]


class Rule(BaseModel):
    """One rule: what it looks for in which tickets, and how it tells."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)

    name: str = Field(min_length=1, max_length=100, description="how notices and reports call it; unique")
    kind: Literal["risk", "warning", "breach", "outage_risk", "burn_rate"] = Field(
        description="of tickets: the probability of breach passes a threshold, an agreed warning of the clock is passed, or the target is missed; of services: the probability of an outage passes a threshold, or the error budget burns too fast"
    )
    description: str = Field("", description="for readers")
    above: Share | None = Field(None, description="of a risk or outage_risk rule: the probability from which it tells")
    recovers_below: Share | None = Field(
        None,
        description="of a risk or outage_risk rule: the probability below which it is over; left out: four fifths of `above`",
    )
    share: Share | None = Field(
        None,
        description="of a warning rule: the first agreed warning from this share of the target on; left out: the first",
    )
    target: Literal["resolution", "first_response"] = Field(
        "resolution", description="the clock that a warning or breach rule looks at"
    )
    news_for: Length = Field(
        Duration(24 * 3_600_000_000), description="of a breach rule: a breach longer ago than this is no news"
    )
    windows: Literal["page", "ticket"] = Field(
        "ticket", description="of a burn_rate rule: page, the quick windows alone; ticket, the slow ones too"
    )
    applies_to: Condition | None = Field(
        None, description="which tickets, or which services by their name and catalogue; left out: all of them"
    )
    one_alert_per: Literal["ticket", "service", "team", "customer"] = Field(
        "ticket", description="tickets that share this are told once together"
    )
    severity: Literal["info", "warning", "critical"] = Field("warning", description="critical ones go first")
    cooldown: Length = Field(
        Duration(4 * 3_600_000_000), description="the same subject is not told again within this time"
    )
    quiet_outside: str | None = Field(
        None,
        description="a calendar, of this file or of the agreements; when it is closed, notices wait until it opens",
    )
    recovery_notice: bool = Field(True, description="whether it is also told, once, that it is over")
    max_per_hour: int = Field(20, ge=1, le=10_000, description="more alerts in any hour are held back")
    channels: Annotated[tuple[str, ...], AfterValidator(some)] = Field(description="names of channels of this file")

    @property
    def is_of_services(self) -> bool:
        """Whether it speaks of services, not of tickets."""
        return self.kind in SERVICE_KINDS

    @property
    def subject_kind(self) -> str:
        """What it speaks of: one of SUBJECTS."""
        return "service" if self.is_of_services else self.one_alert_per

    @property
    def over_below(self) -> float:
        """The probability below which a risk is over: lower than `above`, so that wavering is told once."""
        assert self.above is not None  # noqa: S101 (a risk rule has it)
        return 0.8 * self.above if self.recovers_below is None else self.recovers_below

    @field_validator("applies_to")
    @classmethod
    def _asks_what_the_queue_knows(cls, condition: Condition | None) -> Condition | None:
        faults = [fault for clause in condition or () for fault in _unanswerable(clause)]
        if faults:
            raise ValueError("; ".join(faults))
        return condition

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Rule:
        strange = sorted((self.model_fields_set & _SPECIAL) - _OF_KIND[self.kind])
        if strange:
            raise ValueError(f"{', '.join(strange)} means nothing in a {self.kind} rule; take it out")
        if self.kind in ("risk", "outage_risk") and self.above is None:
            article = "an" if self.kind == "outage_risk" else "a"
            raise ValueError(f"{article} {self.kind} rule needs its threshold: write above, for example above: 60%")
        asked = {name for clause in self.applies_to or () for name in clause.tests}
        if self.is_of_services and asked - {"service", *SERVICE_FACTS}:
            strange = sorted(asked - {"service", *SERVICE_FACTS})
            raise ValueError(f"a service has no {', '.join(strange)}: ask for service, {', '.join(SERVICE_FACTS)}")
        if self.above is not None and self.over_below >= self.above:
            raise ValueError(
                f"recovers_below ({self.recovers_below}) must be lower than above ({self.above}), or every wavering would be told"
            )
        return self


def _unanswerable(clause: Clause) -> list[str]:
    known = (*ATTRIBUTES, *SERVICE_FACTS)
    faults = [
        f"the queue does not show {name}: an alert can ask for {', '.join(known)}"
        for name in clause.tests
        if name not in known
    ]
    if clause.changed or clause.opened is not None:
        faults.append("changed and opened ask about an event, and an alert looks at the queue: ask for a state instead")
    return faults


class AlertRules(BaseModel):
    """All that one file of alert rules says. Build it with `load_rules`, which also checks what the parts say about each other."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)

    slacast_alerts: Literal[1] = Field(description="the format of this file; 1 is the only one so far")
    description: str = Field("", description="for readers")
    max_per_hour: int = Field(
        60, ge=1, le=100_000, description="for all rules together: more alerts in any hour are held back"
    )
    calendars: dict[str, CalendarSpec] = Field(
        {}, description="calendars for quiet hours, beside those of the agreements"
    )
    channels: dict[str, Channel] = Field(description="where notices go, by name")
    rules: Annotated[tuple[Rule, ...], AfterValidator(some)] = Field(description="each looks at the queue by itself")
