"""How good the served estimates are, as the page of the models tells it: pictures and rows from serving.quality."""

from __future__ import annotations

from dataclasses import dataclass

from serving.quality.book import Quality
from serving.quality.contest import RULES, Contest
from serving.quality.estimated import Span
from serving.web.charts import Band, Line, Plot
from serving.web.language import Language, phrase
from serving.wording import LocalTime, percent

WORDS = {
    "as said": ("●", phrase("as expected")),
    "worse": ("▲", phrase("worse than expected")),
    "better": ("◆", phrase("better than expected")),
    "open": ("○", phrase("too few have ended")),
}
NOTHING = "–"


@dataclass(frozen=True)
class Met:
    """One contender: its name, whether it is the rule, its figures, and what it caught among the first so many of a morning."""

    name: str
    is_rule: bool
    auc: str
    brier: str
    caught: tuple[tuple[int, str], ...]  # and which share of all misses that is


@dataclass(frozen=True)
class Expected:
    """One span: its days, how many tickets and how many ended; what was expected and what came; the word with its shape."""

    days: str
    tickets: int
    ended: int
    auc: tuple[str, str, str]  # of all; of those that ended; what came
    brier: tuple[str, str, str]
    missed: tuple[str, str]
    shape: str
    word: str


@dataclass(frozen=True)
class QualityView:
    """Everything the template tells of the quality; plots are None where there is nothing to draw."""

    quality: Quality
    calibration: Plot | None
    calibration_rows: list[tuple[str, str, str]]
    expected: Plot | None
    spans: list[Expected]
    contest: Contest | None
    met: list[Met]


def quality_view(quality: Quality | None, local: LocalTime, language: Language) -> QualityView | None:
    """The view; None before the quality was first worked out."""
    if quality is None:
        return None
    return QualityView(
        quality=quality,
        calibration=_calibration(quality, language),
        calibration_rows=[(percent(one.said), percent(one.seen), str(one.count)) for one in quality.calibration],
        expected=_expected(quality.spans, local, language),
        spans=[_span(one, local) for one in quality.spans],
        contest=quality.contest,
        met=_met(quality.contest) if quality.contest else [],
    )


def _calibration(quality: Quality, language: Language) -> Plot | None:
    parts = quality.calibration
    if not parts:
        return None
    lines = [
        Line(language.gettext(phrase("missed their target")), [part.seen for part in parts], "bars"),
        Line(language.gettext(phrase("what was said of them")), [part.said for part in parts], "dots", "second"),
    ]
    return Plot([percent(part.said) for part in parts], lines, unit="%", ceiling=1.0, height=220.0)


def _expected(spans: list[Span], local: LocalTime, language: Language) -> Plot | None:
    if not spans:
        return None
    said, is_known = language.gettext, [one.seen is not None for one in spans]
    low = [one.brier_low if known else None for one, known in zip(spans, is_known, strict=True)]
    high = [one.brier_high if known else None for one, known in zip(spans, is_known, strict=True)]
    lines = [
        Line(said(phrase("expected of all of them")), [one.expected.brier for one in spans]),
        Line(said(phrase("came, of those that ended")), [one.seen.brier if one.seen else None for one in spans], "dots", "second"),
    ]  # fmt: skip
    band = Band(said(phrase("95 of 100 by chance alone, of those that ended")), low, high)
    title = said(phrase("Brier score by week"))
    return Plot([_days(one, local) for one in spans], lines, [band] if any(is_known) else (), height=220.0, title=title)


def _span(one: Span, local: LocalTime) -> Expected:
    ended, came = one.expected_of_ended, one.seen
    shape, word = WORDS[one.word]
    return Expected(
        days=_days(one, local),
        tickets=one.tickets,
        ended=one.ended,
        auc=(_figure(one.expected.auc), _figure(ended.auc if ended else None), _figure(came.auc if came else None)),
        brier=(_figure(one.expected.brier), _figure(ended.brier if ended else None), _figure(came.brier if came else None)),
        missed=(f"{one.missed_low:.0f}–{one.missed_high:.0f}" if came else NOTHING, f"{came.missed:.0f}" if came else NOTHING),
        shape=shape,
        word=word,
    )  # fmt: skip


def _days(one: Span, local: LocalTime) -> str:
    return f"{local.date(one.since)}–{local.date(one.until)}"


def _met(contest: Contest) -> list[Met]:
    return [
        Met(
            name=one.name,
            is_rule=one.name == RULES,
            auc=_figure(one.auc),
            brier=_figure(one.brier),
            caught=tuple((count, percent(count / contest.missed)) for count in one.caught),
        )
        for one in contest.contenders
    ]


def _figure(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.3f}"
