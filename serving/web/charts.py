"""Charts as SVG from the server: they follow dark mode by their classes, print, and need no script.

A page shows one with `{{ figure(...) }}` of charts.html: a sentence before it, the table of its numbers under it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from markupsafe import Markup, escape

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 760.0, 52.0, 12.0, 12.0, 26.0
_MOST_LABELS = 8
Tone = Literal["main", "second", "limit", "over", "under", "quiet"]
Values = Sequence[float | None]


@dataclass(frozen=True)
class Line:
    """A row of values over the places of the x axis; None leaves a gap. `kind` says how it is drawn."""

    name: str
    values: Values
    kind: Literal["line", "step", "dots", "bars"] = "line"
    tone: Tone = "main"


@dataclass(frozen=True)
class Band:
    """A region between two rows of values, such as an interval of 80 %."""

    name: str
    low: Values
    high: Values
    tone: Literal["wide", "narrow"] = "wide"


@dataclass(frozen=True)
class Plot:
    """What is drawn: `labels` along x, one a place; lines and bands over them; `unit` is written at the y axis."""

    labels: Sequence[str]
    lines: Sequence[Line] = ()
    bands: Sequence[Band] = ()
    unit: str = ""
    height: float = 240.0
    floor: float | None = 0.0
    ceiling: float | None = None
    title: str = field(default="", kw_only=True)

    def svg(self) -> Markup:
        """The drawing, with its legend's text in its accessible name."""
        scale = _Scale.of(self)
        names = [self.title, *(band.name for band in self.bands), *(line.name for line in self.lines)]
        name = "; ".join(names).strip("; ")
        parts = [*scale.grid(self.unit), *(_band(band, scale) for band in self.bands)]
        parts += [shape for line in self.lines for shape in _line(line, scale)]
        parts += scale.labels(self.labels)
        head = f'<svg class="plot" viewBox="0 0 {WIDTH:g} {self.height:g}" role="img" aria-label="{escape(name)}">'
        return Markup(head + "".join(parts) + "</svg>")  # noqa: S704 (every text in it was escaped)

    def legend(self) -> list[tuple[str, str]]:
        """Class and name of each part, for the template."""
        bands = [(f"band {band.tone}", band.name) for band in self.bands if band.name]
        return bands + [(f"{line.kind} {line.tone}", line.name) for line in self.lines if line.name]


@dataclass(frozen=True)
class _Scale:
    count: int
    low: float
    high: float
    step: float
    height: float

    @classmethod
    def of(cls, plot: Plot) -> _Scale:
        rows = [line.values for line in plot.lines] + [row for band in plot.bands for row in (band.low, band.high)]
        found = [value for row in rows for value in row if value is not None and math.isfinite(value)]
        found += [value for value in (plot.floor, plot.ceiling) if value is not None]
        low, high = (min(found), max(found)) if found else (0.0, 1.0)
        step = round_step((high - low) or abs(high) or 1.0)
        top = plot.ceiling if plot.ceiling is not None else math.ceil(high / step - 1e-9) * step
        bottom = math.floor(low / step + 1e-9) * step
        return cls(len(plot.labels), bottom, top if top > bottom else bottom + step, step, plot.height)

    @property
    def slot(self) -> float:
        return (WIDTH - LEFT - RIGHT) / max(1, self.count)

    def x(self, place: float) -> float:
        return round(LEFT + (place + 0.5) * self.slot, 1)

    def y(self, value: float) -> float:
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return round(self.height - BOTTOM - share * (self.height - TOP - BOTTOM), 1)

    def grid(self, unit: str) -> Iterator[str]:
        right = WIDTH - RIGHT
        for number in range(round((self.high - self.low) / self.step) + 1):
            value = self.low + number * self.step
            words = f"{short_number(value)}{' ' + unit if unit and number == 0 else ''}" if unit != "%" else f"{short_number(value * 100)} %"  # fmt: skip
            y, kind = self.y(value), "axis" if abs(value) < self.step / 1e6 else "grid"
            yield f'<line class="{kind}" x1="{LEFT:g}" x2="{right:g}" y1="{y}" y2="{y}"/>'
            yield f'<text class="tick" x="{LEFT - 6:g}" y="{y + 4}" text-anchor="end">{escape(words)}</text>'

    def labels(self, labels: Sequence[str]) -> Iterator[str]:
        every = max(1, -(-len(labels) // _MOST_LABELS))
        for place in range(0, len(labels), every):
            text = escape(labels[place])
            yield f'<text class="tick" x="{self.x(place)}" y="{self.height - 8:g}" text-anchor="middle">{text}</text>'


LEAST_STEP = 1e-9
"""Nothing that is drawn here is finer."""


def round_step(span: float, most: int = 5) -> float:
    """A step of 1, 2 or 5 times a power of ten that divides a span into at most about `most` parts."""
    raw = max(span / most, LEAST_STEP)
    power = 10.0 ** math.floor(math.log10(raw))
    return next(float(factor * power) for factor in (1, 2, 5, 10) if factor * power >= raw * (1 - 1e-12))


def short_number(value: float) -> str:
    """A number for an axis: `1 200`, `0.5`."""
    return f"{value:,.6g}".replace(",", "\u202f").replace("-", "−")


def _runs(values: Values) -> Iterator[list[tuple[int, float]]]:
    """The unbroken runs of values with their places."""
    run: list[tuple[int, float]] = []
    for place, value in enumerate([*values, None]):
        if value is not None and math.isfinite(value):
            run.append((place, value))
        elif run:
            yield run
            run = []


def _line(line: Line, scale: _Scale) -> Iterator[str]:
    if line.kind in ("dots", "bars"):
        draw = _dot if line.kind == "dots" else _bar
        yield from (draw(place, value, line.tone, scale) for run in _runs(line.values) for place, value in run)
        return
    sides = (-0.5, 0.5) if line.kind == "step" else (0.0,)
    for run in _runs(line.values):
        path = " L".join(f"{scale.x(place + side)} {scale.y(value)}" for place, value in run for side in sides)
        yield f'<path class="line {line.tone}" d="M{path}"/>'


def _dot(place: int, value: float, tone: str, scale: _Scale) -> str:
    return f'<circle class="dot {tone}" cx="{scale.x(place)}" cy="{scale.y(value)}" r="3.5"/>'


def _bar(place: int, value: float, tone: str, scale: _Scale) -> str:
    zero, end = scale.y(max(0.0, scale.low)), scale.y(value)
    width = round(min(scale.slot * 0.7, 28.0), 1)
    x, y, height = round(scale.x(place) - width / 2, 1), min(zero, end), round(abs(zero - end), 1)
    return f'<rect class="column {tone}" x="{x}" y="{y}" width="{width}" height="{height}"/>'


def _band(band: Band, scale: _Scale) -> str:
    pairs = [
        None if low is None or high is None else (low, high) for low, high in zip(band.low, band.high, strict=True)
    ]
    shapes = []
    for run in _runs([None if pair is None else float(place) for place, pair in enumerate(pairs)]):
        found = [(place, pair) for place, _value in run if (pair := pairs[place]) is not None]
        upper = [f"{scale.x(place)} {scale.y(high)}" for place, (_low, high) in found]
        lower = [f"{scale.x(place)} {scale.y(low)}" for place, (low, _high) in reversed(found)]
        shapes.append(f'<path class="band {band.tone}" d="M{" L".join(upper + lower)} Z"/>')
    return "".join(shapes)


def sparkline(values: Values, words: str, width: float = 96.0, height: float = 24.0) -> Markup:
    """A small line without axes for a table's cell; `words` say what it shows."""
    found = [value for value in values if value is not None and math.isfinite(value)]
    low, span = (min(found), (max(found) - min(found)) or 1.0) if found else (0.0, 1.0)
    step = (width - 4) / max(1, len(values) - 1)
    paths = [
        " L".join(f"{2 + place * step:.1f} {height - 3 - (value - low) / span * (height - 6):.1f}" for place, value in run)
        for run in _runs(values)
    ]  # fmt: skip
    drawn = "".join(f'<path class="line main" d="M{path}"/>' for path in paths)
    head = f'<svg class="spark" viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(words)}">'
    return Markup(f"{head}{drawn}</svg>")  # noqa: S704 (every text in it was escaped)
