"""What every page shows around its content, and the templates it is rendered with."""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from serving import wording
from serving.access.caller import Caller
from serving.access.decisions import all_routes, gate_of
from serving.access.roles import Permission
from serving.etags import etag_of
from serving.queue import Queue
from serving.reports.columns import iso
from serving.risk import Risk
from serving.service import service_of
from serving.ticker import Standing
from serving.web.assets import TEMPLATES, Assets
from serving.web.folding import PhraseFolder
from serving.web.language import COOKIE, PARAMETER, Language, language_chosen, language_of, languages, phrase
from serving.web.telling import Telling

ETAG_HEADERS = {
    "Cache-Control": "no-cache, private",
    "Vary": "Accept, Accept-Encoding, Accept-Language, Authorization, Cookie",
}
ROOMS = (
    ("queue", "/queue", phrase("Queue")),
    ("services", "/services", phrase("Services")),
    ("capacity", "/capacity", phrase("Capacity")),
    ("levels", "/levels", phrase("Service levels")),
    ("models", "/models", phrase("Models")),
)
"""The pages of the navigation: name, path and word. One is shown once the application has a route at its path."""
ERROR_TITLES = (
    phrase("Bad Request"),
    phrase("Unauthorized"),
    phrase("Forbidden"),
    phrase("Not Found"),
    phrase("Method Not Allowed"),
    phrase("Conflict"),
    phrase("Unprocessable Entity"),
    phrase("Unprocessable Content"),
    phrase("Too Many Requests"),
    phrase("Internal Server Error"),
    phrase("Service Unavailable"),
)
"""What an error is called: the words of HTTP, as each Python writes them."""
_PACKING = 4  # of 9: most of the gain for a third of the time
_YEAR_SECONDS = 365 * 86_400
_AGE = re.compile(
    rb'<span data-age="[0-9.]*">[^<]*</span>'
)  # the first is that of the head: what people wrote is escaped
_BETWEEN_CELLS = re.compile(r"(?<=>)\s+(?=<(?:/t(?:r|body|head|able)|t(?:[dhr]|body|head)|caption|colgroup)\b)")
_NUMBER_AND_UNIT = re.compile(r"(?<=\d) (?=(?:h|min|d|s|%)(?!\w))")


@dataclass(frozen=True)
class Pages:
    """The templates with all they may call, one environment a language, built once by `create_app`."""

    assets: Assets
    environments: Mapping[str, Environment]

    @classmethod
    def build(cls) -> Pages:
        """Templates that escape everything and refuse names they do not know."""
        assets = Assets()
        return cls(assets, {tag: _environment(assets, language) for tag, language in languages().items()})

    def render(self, name: str, status_code: int, headers: dict[str, str], **values: Any) -> HTMLResponse:
        """The answer with a rendered template; `values` are those of `frame` and the page's own."""
        return self.answer(self.text(name, **values), status_code, headers, values)

    def text(self, name: str, **values: Any) -> bytes:
        """A rendered template, without the white space between the parts of tables: each would be a node that the browser keeps."""
        text = self.environments[values["language"].tag].get_template(name).render(**values)
        return _BETWEEN_CELLS.sub("", text).encode()

    def answer(self, body: bytes, status_code: int, headers: dict[str, str], values: Mapping[str, Any]) -> HTMLResponse:
        """The answer with a page that is in words already; `values` are those of `frame`."""
        if values["may_pack"]:
            body, headers = gzip.compress(body, _PACKING, mtime=0), {**headers, "Content-Encoding": "gzip"}
        response = HTMLResponse(body, status_code, headers)
        if values["language_chosen"]:
            response.set_cookie(COOKIE, values["language_chosen"], max_age=_YEAR_SECONDS, samesite="lax", httponly=True)
        return response


def _environment(assets: Assets, language: Language) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_callables(  # type: ignore[attr-defined]  # the extension adds it
        language.gettext, language.ngettext, newstyle=True, pgettext=language.pgettext
    )
    environment.code_generator_class = PhraseFolder
    telling = Telling(language)
    environment.globals.update(
        static=assets.url,
        Risk=Risk,
        Permission=Permission,
        ticket_url=ticket_url,
        options=options,
        state_words=telling.state,
        target_words=telling.target,
        language=language,
    )
    environment.filters.update(
        iso=iso,
        said=language.said,
        working=telling.working,
        relative=telling.relative,
        age=telling.age,
        percent=wording.percent,
        of_hundred=telling.of_hundred,
        line=wording.one_line,
        tied=tied,
        left=telling.left,
        roughly=telling.rough,
        counted=counted,
    )
    return environment


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
        about = f'datetime="{escape(iso(at))}" data-form="{escape(form)}" data-zone="{escape(self.local.name)}"'
        return Markup(f'<time {about} title="{escape(title)}">{escape(text)}</time>')  # noqa: S704 (every text in it was escaped)


def tied(text: str) -> str:
    """The text in one line, in which a number and its unit stay together: `4 h 10 min` does not break after the 4."""
    return _NUMBER_AND_UNIT.sub("\u00a0", wording.one_line(text))


@lru_cache(maxsize=32)
def options(texts: tuple[str, ...], chosen: str = "") -> Markup:
    """What a form offers to choose from, as <option>s; the same lists are on the pages of all tickets."""
    return Markup("").join(
        Markup('<option value="{}"{}>{}</option>').format(
            text, Markup(" selected") if text == chosen else "", wording.one_line(text)
        )
        for text in texts
    )


def counted(number: int) -> str:
    """A count with thin groups of thousands: `100 000`."""
    return f"{number:,}".replace(",", "\u202f")


def ticket_url(ticket_id: str) -> str:
    """The page of a ticket."""
    return f"/tickets/{quote(ticket_id, safe='')}"


def pages_of(request: Request) -> Pages:
    """The pages of the application a request belongs to."""
    pages = request.app.state.pages
    if not isinstance(pages, Pages):
        raise TypeError("the application was not built by serving.app.create_app")
    return pages


def page_tag(request: Request, *parts: object) -> str:
    """The entity tag of a page: it differs with its address, its reader, their language, the static files, and the parts given."""
    caller: Caller | None = getattr(request.state, "caller", None)
    assets = pages_of(request).assets.fingerprint
    return etag_of(assets, language_of(request).tag, str(request.url.path), request.url.query, caller, *parts)


def frame(request: Request, queue: Queue | None, standing: Standing | None) -> dict[str, Any]:
    """What every page shows around its content: the instant, the zone, how old the scores are, what is wrong, and who asks."""
    settings, language = service_of(request).settings, language_of(request)
    local = wording.LocalTime.named(queue.zone if queue else settings.time_zone or "UTC", language.dates)
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
        "here_url": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        "is_open": gate_of(request).stands_open,
        "rooms": rooms_of(request.app),
        # A page that holds a session's token is sent as it is: packed beside text from the address, its length tells of the token (BREACH).
        "may_pack": "gzip" in request.headers.get("accept-encoding", "") and caller is not None and not caller.csrf,
        "language": language,
        "language_chosen": language_chosen(request),
        "language_links": _language_links(request, language),
    }


def rooms_of(app: FastAPI) -> tuple[tuple[str, str, str], ...]:
    """The pages of the navigation that the application has."""
    found: tuple[tuple[str, str, str], ...] | None = getattr(app.state, "rooms", None)
    if found is None:
        paths = {path for path, _route in all_routes(app)}
        found = app.state.rooms = tuple(room for room in ROOMS if room[1] in paths)
    return found


def _language_links(request: Request, current: Language) -> list[tuple[Language, str]]:
    """The other languages with the address of this page in them; what a form sent is not asked for again."""
    is_page = request.method == "GET"
    path = request.url.path if is_page else "/queue"
    query = [(name, value) for name, value in request.query_params.multi_items() if name != PARAMETER and is_page]
    others = [language for tag, language in languages().items() if tag != current.tag]
    return [(language, f"{quote(path)}?{urlencode([*query, (PARAMETER, language.tag)])}") for language in others]


def _degraded(request: Request, queue: Queue) -> list[str]:
    """What is wrong though the queue is served, unless the notice of the missing model says it."""
    said = queue.rules_only_reason or ""
    return [text for text in service_of(request).degraded() if text.rstrip(".") not in said]


def aged(body: bytes, values: Mapping[str, Any]) -> bytes:
    """A page that was put into words some seconds ago, with the age of the scores as it is now; `values` are those of `frame`."""
    seconds, telling = float(values["age_seconds"]), Telling(values["language"])
    now = f'<span data-age="{seconds:.1f}">{escape(telling.age(seconds))}</span>'
    return _AGE.sub(lambda _found: now.encode(), body, count=1)


def error_page(request: Request, status: int, title: str, detail: str) -> Response:
    """An error in the pages' own dress."""
    values = frame(request, None, None)
    return pages_of(request).render(
        "error.html", status, {"Cache-Control": "no-store"}, title=title, detail=detail, status=status, **values
    )
