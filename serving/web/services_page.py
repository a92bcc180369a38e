"""The pages /services and /services/{service}: what they show of how services stand, ready for the templates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode

from fastapi import Request
from markupsafe import Markup
from starlette.datastructures import QueryParams

from models.outage_forecast import share_words, shares_in_words
from serving.services.service_file import DAYS_TOLD, ServiceFile
from serving.services.standing import Budget, Burn, OutageRisk, ServiceStanding
from serving.web.addresses import page_number, place_in
from serving.web.charts import Line, Plot, sparkline
from serving.web.frame import Instants
from serving.web.lanes import Lane, Lanes
from serving.web.language import Language, language_of, phrase
from serving.wording import LocalTime, percent, wall_time

HIGH_FROM, SOME_FROM = 0.3, 0.1
"""From which probability of an outage within a day the words are high and some risk: three, and one, of ten such days."""
STATES = {
    "available": ("●", phrase("Available")),
    "degraded": ("◐", phrase("Degraded")),
    "maintenance": ("‖", phrase("In maintenance")),
    "unknown": ("○", phrase("Unknown")),
    "down": ("✕", phrase("Down")),
}
CRITICALITIES = (
    ("critical", phrase("Critical")),
    ("high", phrase("High")),
    ("medium", phrase("Medium")),
    ("low", phrase("Low")),
)
RISKS = {
    "high_risk": ("▲", phrase("High risk")),
    "some_risk": ("◆", phrase("Some risk")),
    "on_track": ("●", phrase("Low risk")),
}
SEVERITIES = {"page": phrase("wake someone"), "ticket": phrase("open a ticket")}
KINDS = {
    "outage": phrase("Outage"),
    "degradation": phrase("Degradation"),
    "maintenance": phrase("Maintenance"),
    "change": phrase("Change"),
}


def service_url(service: str) -> str:
    """The page of a service."""
    return f"/services/{quote(service, safe='')}"


@dataclass(frozen=True)
class ServicesAddress:
    """What the list is narrowed to, as its address says it; values that mean nothing are ignored."""

    text: str = ""
    state: str = ""
    criticality: str = ""
    number: int = 1

    @classmethod
    def read(cls, query: QueryParams) -> ServicesAddress:
        """The state in an address."""
        state, criticality = query.get("state", ""), query.get("criticality", "")
        return cls(
            query.get("q", "")[:500].strip(),
            state if state in STATES else "",
            criticality if criticality in dict(CRITICALITIES) else "",
            page_number(query.get("p", "")),
        )

    @property
    def filters(self) -> bool:
        """Whether anything is left out."""
        return bool(self.text or self.state or self.criticality)

    def holds(self, one: ServiceStanding) -> bool:
        """Whether a service is in the list."""
        words = f"{one.service}\n{one.description}\n{one.owner or ''}".casefold()
        return (
            self.state in ("", one.state)
            and self.criticality in ("", one.criticality)
            and all(word in words for word in self.text.casefold().split())
        )

    def url(self, number: int) -> str:
        """The address of another page of the same list."""
        parts = [("q", self.text), ("state", self.state), ("criticality", self.criticality)]
        query = urlencode([part for part in (*parts, ("p", str(number) if number > 1 else "")) if part[1]])
        return f"/services{'?' if query else ''}{query}"


@dataclass(frozen=True)
class ServicesView:
    """One page of the list."""

    address: ServicesAddress
    rows: tuple[ServiceStanding, ...]
    total: int
    first: int
    number: int
    pages: int
    known: int  # before any filter
    recorded: int  # of these, those of which anything is recorded


def services_view(services: tuple[ServiceStanding, ...], address: ServicesAddress, page_size: int) -> ServicesView:
    """The page at an address; a number behind the end shows the last page."""
    wanted = tuple(one for one in services if address.holds(one))
    number, pages, start = place_in(len(wanted), address.number, page_size)
    recorded = sum(one.has_events for one in services)
    return ServicesView(
        address, wanted[start : start + page_size], len(wanted), start + 1, number, pages, len(services), recorded
    )


@dataclass(frozen=True)
class ServiceTelling:
    """Says what stands about services in one language."""

    language: Language
    local: LocalTime

    @classmethod
    def of(cls, request: Request, instant: Instants) -> ServiceTelling:
        """For the reader of a request."""
        return cls(language_of(request), instant.local)

    def state(self, state: str) -> str:
        """A state with its shape."""
        shape, word = STATES[state]
        return f"{shape} {self.language.gettext(word)}"

    def criticality(self, word: str) -> str:
        """How critical, in the reader's language."""
        return self.language.gettext(dict(CRITICALITIES)[word])

    def risk_class(self, risk: OutageRisk) -> str:
        """How likely in one word, as the class of its mark."""
        if risk.probability >= HIGH_FROM:
            return "high_risk"
        return "some_risk" if risk.probability >= SOME_FROM else "on_track"

    def risk_shape(self, risk: OutageRisk) -> str:
        """The sign beside that word."""
        return RISKS[self.risk_class(risk)][0]

    def risk_word(self, risk: OutageRisk) -> str:
        """That word."""
        return self.language.gettext(RISKS[self.risk_class(risk)][1])

    def shares(self, risk: OutageRisk) -> tuple[str, str]:
        """The probability and what is usual, of the same number: `3 of 10`, `1 of 10`."""
        said, usual = shares_in_words(risk.probability, risk.usual)
        return self.language.said(said), self.language.said(usual)

    def share(self, probability: float) -> str:
        """`3 of 10`."""
        return self.language.said(share_words(probability))

    def because(self, risk: OutageRisk) -> str:
        """The reasons, one behind the other."""
        return self.language.gettext(phrase(", ")).join(self.language.said(text) for text in risk.because)

    def fine_percent(self, share: float) -> str:
        """An availability, never rounded up to 100 %: `99.87 %`."""
        cut = int(share * 100_000 + 1e-6) / 1000
        return f"{cut:.3f}".rstrip("0").rstrip(".") + " %"

    def span(self, seconds: float) -> str:
        """A span on the wall clock, `2 d 4 h`, to the second below two minutes."""
        return self.language.spans(f"{round(seconds)} s" if 0 < seconds < 120 else wall_time(seconds))

    def left(self, budget: Budget) -> str:
        """How much of the error budget is left."""
        if budget.remaining_share < 0:
            return self.language.gettext(phrase("overspent by %(share)s")) % {"share": percent(-budget.remaining_share)}
        return percent(budget.remaining_share)

    def rate(self, rate: float | None) -> str:
        """A burn rate: `14.4×`."""
        return "–" if rate is None else f"{rate:.3g}×"

    def severity(self, burn: Burn) -> str:
        """What a rule that fires asks for."""
        return self.language.gettext(SEVERITIES[burn.severity])

    def kind(self, kind: str) -> str:
        """What happened."""
        return self.language.gettext(KINDS[kind])

    def sparkline(self, one: ServiceStanding) -> Markup:
        """Minutes lost on each of the last 30 days, with the same in words."""
        lost = [minutes for minutes in one.lost_minutes_by_day if minutes > 0]
        text = self.language.gettext(phrase("%(days)s of 30 days lost time, %(minutes)s min in all"))
        return sparkline(one.lost_minutes_by_day, text % {"days": len(lost), "minutes": f"{sum(lost):.0f}"})

    def budget_plot(self, found: ServiceFile) -> Plot:
        """What was left of the budget, or without one the availability, day by day."""
        points = found.course
        labels = [self.day(found, place) for place in range(len(points))]
        budget = found.standing.budget
        if budget is None:
            line = Line(self.language.gettext(phrase("Availability")), [point.availability for point in points])
            lowest = min((point.availability for point in points if point.availability is not None), default=0.0)
            floor = max(0.0, lowest - 0.01)
            return Plot(
                labels,
                [line],
                unit="%",
                floor=floor,
                ceiling=1.0,
                title=self.language.gettext(phrase("Chart of the availability")),
            )
        line = Line(self.language.gettext(phrase("Error budget left")), [point.remaining_share for point in points])
        limit = Line(self.language.gettext(phrase("Gone")), [0.0] * len(points), tone="limit")
        return Plot(
            labels,
            [line, limit],
            unit="%",
            ceiling=1.0,
            title=self.language.gettext(phrase("Chart of the error budget")),
        )

    def budget_rows(self, found: ServiceFile) -> list[list[str]]:
        """The numbers of that chart, the latest first."""
        rows = []
        for place, point in reversed(list(enumerate(found.course))):
            share = "–" if point.availability is None else self.fine_percent(point.availability)
            left = "–" if point.remaining_share is None else f"{100 * point.remaining_share:.1f} %"
            rows.append([self.day(found, place), share, left])
        return rows

    def lanes(self, found: ServiceFile) -> Lanes:
        """Outages, changes and tickets on one axis."""
        word = self.language.gettext
        spans = {
            kind: [
                (one.start_at, one.end_at)
                for one in found.happenings
                if one.kind == kind and one.start_at <= found.as_of
            ]
            for kind in KINDS
        }
        changes = [(at, at) for at, _ in spans["change"]]
        lanes = [
            Lane(word(phrase("Outages")), "over", spans["outage"]),
            Lane(word(phrase("Degradations")), "second", spans["degradation"]),
            Lane(word(phrase("Maintenance")), "quiet", spans["maintenance"]),
            Lane(word(phrase("Changes")), "", changes),
            Lane(word(phrase("Tickets opened")), "", counts=found.tickets_by_day),
        ]
        marks = [found.as_of - timedelta(days=days) for days in (75, 60, 45, 30, 15)]
        labels = [(at, self._date(at)) for at in marks]
        return Lanes(found.since, found.as_of, lanes, labels, word(phrase("Outages, changes and tickets on one axis")))

    def lane_rows(self, found: ServiceFile, instant: Instants) -> list[list[str | Markup]]:
        """The same as a table, the latest first; what is ahead stands elsewhere."""
        rows: list[list[str | Markup]] = []
        for one in found.happenings:
            if one.start_at <= found.as_of:
                lasted = "–" if one.kind == "change" else self.language.gettext(phrase("still on"))
                if one.seconds is not None:
                    lasted = self.span(one.seconds) if one.seconds else "–"
                rows.append([instant(one.start_at, "full"), self.kind(one.kind), lasted])
        return rows

    def day(self, found: ServiceFile, place: int) -> str:
        """The date of a point of the course."""
        return self._date(found.as_of - timedelta(days=DAYS_TOLD - 1 - place))

    def _date(self, at: datetime) -> str:
        local = at.astimezone(self.local.zone)
        return self.language.spans(f"{local.day} {local:%b}")
