"""The page of the service levels: targets by months in words and shapes, near misses and deviations."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, TypeAlias
from urllib.parse import urlencode

import pandas as pd
from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from serving.access.caller import Caller
from serving.access.decisions import Demand, Guarded, form_of
from serving.access.roles import Permission
from serving.api.deviations import NoteIn, note_deviation, today_of
from serving.api.levels import report_of
from serving.deviations import Deviation, Notes, deviations_of
from serving.etags import is_unchanged, not_modified
from serving.levels import MOST_MONTHS, LevelsReport, Month, worst_first
from serving.problems import ProblemError
from serving.reports.delimited import harmless
from serving.service import service_of
from serving.web.addresses import safe_path
from serving.web.charts import Line, Plot
from serving.web.deviations_view import CSV_COLUMNS as DEVIATION_COLUMNS
from serving.web.deviations_view import STATES, UNREAD, csv_lines, deviations_view, version_of
from serving.web.frame import ETAG_HEADERS, frame, page_tag, pages_of
from serving.web.language import Language, language_of, phrase
from serving.wording import percent

router = APIRouter(include_in_schema=False, route_class=Guarded)
Reader: TypeAlias = Annotated[Caller, Depends(Demand(Permission.READ))]
Improver: TypeAlias = Annotated[Caller, Depends(Demand(Permission.IMPROVE))]
SHOWN_MONTHS = 6
MOST_ROWS = 25
WORDS = {
    "kept": ("●", phrase("Kept")),
    "close": ("◆", phrase("Just kept")),
    "missed": ("✕", phrase("Missed")),
    "none": ("○", phrase("None decided")),
}
MOST_CAUSES = 4
CSV_COLUMNS = ("agreement", "target", "month", "met", "missed", "share", "goal", "gap", "word")


@dataclass(frozen=True)
class Share:
    """What some of the missed clocks have in common: the column, its value, how many missed there, of how many decided."""

    column: str
    value: str
    missed: int
    decided: int


@dataclass(frozen=True)
class LevelsView:
    """Everything the template needs."""

    month: Month
    report: LevelsReport
    missed: tuple[Deviation, ...]
    missed_total: int
    shares: tuple[Share, ...]
    near: tuple[Deviation, ...]
    near_total: int
    plot: Plot
    earlier: str
    later: str | None
    csv_url: str
    deviations_url: str

    @property
    def rows(self) -> list[tuple[str, str]]:
        """The numbers of the plot."""
        shares = self.plot.lines[0].values
        return [(label, "–" if share is None else percent(share)) for label, share in zip(self.plot.labels, shares, strict=True)]  # fmt: skip


@router.get("/levels")
def levels_page(request: Request, caller: Reader, month: str = "") -> Response:
    """The levels up to a month; a month that is none shows the current one."""
    queue, standing = service_of(request).queue()
    etag = page_tag(request, queue.fingerprint, standing.problem, version_of(request))
    if is_unchanged(request, etag):
        return not_modified(etag)
    current = Month.of(queue.as_of, queue.zone)
    last = Month.read(month) or current
    found = report_of(request, caller, last, SHOWN_MONTHS, None)
    deviations, notes = deviations_view(request, caller, queue, last)
    if not deviations.is_read:  # nobody keeps a page without notes beyond the fault
        etag = page_tag(request, queue.fingerprint, standing.problem, UNREAD)
    values = frame(request, queue, standing) | {
        "view": levels_view(found, last, current, language_of(request), notes, today_of(queue)),
        "deviations": deviations,
        "words": WORDS,
        "states": STATES,
        "is_current": last == current,
    }
    return pages_of(request).render("levels.html", 200, {"ETag": etag, **ETAG_HEADERS}, **values)


@router.post("/levels/deviations")
async def write_note(request: Request, caller: Improver) -> Response:
    """The way back to the month, with what was written about a deviation stored."""
    fields = await form_of(request)
    said = {name: fields.get(name, "") for name in ("ticket_id", "target", "cause", "action", "owner")}
    try:
        body = NoteIn.model_validate({**said, "due_on": fields.get("due_on") or None, "is_done": "is_done" in fields})
    except ValidationError as error:
        raise ProblemError(
            422, "Write cause and action in at most 2,000 letters, the owner in at most 100, and the due day as 2016-05-31."
        ) from error  # fmt: skip
    await run_in_threadpool(note_deviation, request, body, caller)
    return RedirectResponse(safe_path(fields.get("next", "")), 303)


@router.get("/levels.csv")
def levels_csv(request: Request, caller: Reader, month: str = "", of: str = "") -> Response:
    """Twelve months as CSV, a line for each agreement, target and month; `of=deviations`: one for each clock missed in the month."""
    queue, _standing = service_of(request).queue()
    last = Month.read(month) or Month.of(queue.as_of, queue.zone)
    found = report_of(request, caller, last, MOST_MONTHS, None)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    is_list = of == "deviations"
    writer.writerow(DEVIATION_COLUMNS if is_list else CSV_COLUMNS)
    writer.writerows(csv_lines(request, queue, found.missed_in(last)) if is_list else _lines(found))
    name = f"{'deviations' if is_list else 'service-levels'}-{last}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response("\ufeff" + text.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def levels_view(
    found: LevelsReport, last: Month, current: Month, language: Language, notes: Notes, today: date
) -> LevelsView:
    """The view of a report that ends with a month."""
    missed, near = found.all_missed_in(last), found.near_misses_in(last)
    later = last.plus(1)
    return LevelsView(
        month=last,
        report=found,
        missed=tuple(deviations_of(worst_first(missed, MOST_ROWS), notes, today)),
        missed_total=len(missed),
        shares=tuple(common_to(missed, found.clocks[found.clocks["month"] == str(last)])),
        near=tuple(deviations_of(near.head(MOST_ROWS), {}, today)),
        near_total=len(near),
        plot=_plot(found, language),
        earlier=f"/levels?{urlencode({'month': last.plus(-1)})}",
        later=f"/levels?{urlencode({'month': later})}" if (later.year, later.number) <= (current.year, current.number) else None,
        csv_url=f"/levels.csv?{urlencode({'month': last})}",
        deviations_url=f"/levels.csv?{urlencode({'month': last, 'of': 'deviations'})}",
    )  # fmt: skip


def common_to(missed: pd.DataFrame, decided: pd.DataFrame) -> Iterator[Share]:
    """Where most was missed beyond the share that was missed everywhere, the most first; at most MOST_CAUSES, each of two or more."""
    usual = len(missed) / len(decided) if len(decided) else 0.0
    found = []
    for column in ("team", "service", "category", "priority"):
        totals = decided[column].value_counts().to_dict()
        for value, count in missed[column].value_counts().to_dict().items():
            excess = count - usual * totals.get(value, 0)
            if value and count > 1 and excess >= 1:
                found.append((excess, Share(column, str(value), count, totals[value])))
    found.sort(key=lambda one: (-one[0], one[1].column, one[1].value))
    yield from (share for _excess, share in found[:MOST_CAUSES])


def _plot(found: LevelsReport, language: Language) -> Plot:
    """All targets together, month by month, beside the goal of the first."""
    labels = [str(month) for month in found.months]
    met = [sum(level.months[place].met for level in found.levels) for place in range(len(labels))]
    total = [sum(level.months[place].total for level in found.levels) for place in range(len(labels))]
    share: list[float | None] = [one / of if of else None for one, of in zip(met, total, strict=True)]
    goal: Sequence[float] = [found.levels[0].months[0].goal] * len(labels) if found.levels else []
    lines = [Line(language.gettext(phrase("all targets together")), share)]
    if goal and len({level.months[0].goal for level in found.levels}) == 1:
        lines.append(Line(language.gettext(phrase("goal")), list(goal), tone="limit"))
    return Plot(labels, lines, unit="%", ceiling=1.0, floor=min([0.5, *(one for one in share if one is not None)]))


def _lines(found: LevelsReport) -> Iterator[list[object]]:
    for level in found.levels:
        for one in level.months:
            yield [harmless(level.agreement), harmless(level.target), str(one.month), one.met, one.missed, _number(one.share), one.goal, _number(one.gap), one.word]  # fmt: skip


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
