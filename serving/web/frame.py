"""What every page shows around its content, and the templates it is rendered with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from serving import wording
from serving.access.caller import Caller
from serving.access.decisions import gate_of
from serving.queue import Clock, Queue, Risk
from serving.reports.columns import iso
from serving.service import service_of
from serving.ticker import Standing
from serving.web.assets import TEMPLATES, Assets

_NUMBER_AND_UNIT = re.compile(r"(?<=\d) (?=(?:h|min|d|s|%)(?!\w))")
STATE_WORDS = {
    "not_started": "○ Not started",
    "running": "● Running",
    "paused": "‖ Paused",
    "met": "✓ Met",
    "breached": "✕ Breached",
    "paused_and_breached": "‖✕ Paused, breached",
    "cancelled": "○ Cancelled",
    "no_agreement": "○ No agreement",
}


@dataclass(frozen=True)
class Pages:
    """The templates with all they may call, built once by `create_app`."""

    assets: Assets
    environment: Environment

    @classmethod
    def build(cls) -> Pages:
        """Templates that escape everything and refuse names they do not know."""
        assets = Assets()
        environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.globals.update(
            static=assets.url, Risk=Risk, ticket_url=ticket_url, state_words=state_words, target_words=target_words
        )
        environment.filters.update(
            iso=iso,
            working=wording.working_time,
            relative=wording.relative,
            age=wording.age,
            percent=wording.percent,
            of_hundred=wording.of_hundred,
            line=wording.one_line,
            tied=tied,
            left=left_words,
            roughly=rough_words,
        )
        return cls(assets, environment)

    def render(self, name: str, status_code: int, headers: dict[str, str], **values: Any) -> HTMLResponse:
        """The answer with a rendered template."""
        return HTMLResponse(self.environment.get_template(name).render(**values), status_code, headers)


@dataclass(frozen=True)
class Instants:
    """Writes instants into a page, seen from `now`."""

    local: wording.LocalTime
    now: datetime

    def __call__(self, at: datetime, form: str) -> Markup:
        """A <time> in the desk's zone: `short` (Mon 14:10), `day` (Mon 16 May 14:10 CEST) or `full` (with the year); UTC on hover."""
        words = {"short": lambda: self.local.short(at, self.now), "day": lambda: self.local.day(at)}
        text = words[form]() if form in words else self.local.full(at)
        title = f"{self.local.full(at)} · {at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        return Markup('<time datetime="{}" data-form="{}" data-zone="{}" title="{}">{}</time>').format(
            iso(at), form, self.local.name, title, text
        )


def tied(text: str) -> str:
    """The text in one line, in which a number and its unit stay together: `4 h 10 min` does not break after the 4."""
    return _NUMBER_AND_UNIT.sub("\u00a0", wording.one_line(text))


def state_words(state: str) -> str:
    """A verdict state for people, with its shape."""
    return STATE_WORDS.get(state, state.replace("_", " ").capitalize())


def target_words(target: str) -> str:
    """A clock's name for people: `Resolution`, `Team time (network)`."""
    metric, _mark, party = target.partition(":")
    return metric.replace("_", " ").capitalize() + (f" ({party})" if party else "")


def left_words(clock: Clock) -> str:
    """Working time left, or how late: `5 h 10 min`, `3 h late`."""
    left = clock.remaining_working_seconds
    if left is None:
        return "–"
    return wording.working_time(left) if left >= 0 else f"{wording.working_time(-left)} late"


def rough_words(clock: Clock) -> str:
    """The same in one unit: `40 min`, `3 h late`."""
    left = clock.remaining_working_seconds
    if left is None:
        return "–"
    return wording.rough_time(left) + ("" if left >= 0 else " late")


def ticket_url(ticket_id: str) -> str:
    """The page of a ticket."""
    return f"/tickets/{quote(ticket_id, safe='')}"


def pages_of(request: Request) -> Pages:
    """The pages of the application a request belongs to."""
    pages = request.app.state.pages
    if not isinstance(pages, Pages):
        raise TypeError("the application was not built by serving.app.create_app")
    return pages


def frame(request: Request, queue: Queue | None, standing: Standing | None) -> dict[str, Any]:
    """What every page shows around its content: the instant, the zone, how old the scores are, what is wrong, and who asks."""
    settings = service_of(request).settings
    local = wording.LocalTime.named(queue.zone if queue else settings.time_zone or "UTC")
    caller: Caller | None = getattr(request.state, "caller", None)
    return {
        "queue": queue,
        "local": local,
        "now": queue.as_of if queue else None,
        "age_seconds": standing.age_seconds() if standing and queue else None,
        "problem": standing.problem if standing else None,
        "degraded": _degraded(request, queue) if queue else [],
        "poll_seconds": settings.poll_seconds,
        "instant": Instants(local, queue.as_of) if queue else None,
        "caller": caller,
        "is_open": gate_of(request).stands_open,
    }


def _degraded(request: Request, queue: Queue) -> list[str]:
    """What is wrong though the queue is served, unless the notice of the missing model says it."""
    said = queue.rules_only_reason or ""
    return [text for text in service_of(request).degraded() if text.rstrip(".") not in said]


def error_page(request: Request, status: int, title: str, detail: str) -> Response:
    """An error in the pages' own dress."""
    values = frame(request, None, None)
    return pages_of(request).render(
        "error.html", status, {"Cache-Control": "no-store"}, title=title, detail=detail, status=status, **values
    )
