"""Charts as SVG text. Colours are classes (s0, s1, ...) that the page's style sheet knows, so one drawing serves light and dark."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from models.scales import Float64Array

WIDTH, HEIGHT = 340, 300
LEFT, RIGHT, TOP, BOTTOM = 52, 18, 10, 40
DASHES = ("", "6 3", "2 3", "8 3 2 3", "1 2", "10 4", "4 2 1 2")  # readable without colour
STYLES = len(DASHES)
ROW_HEIGHT = 22


@dataclass(frozen=True)
class Series:
    """A line: x and y of equal length, the number of its style, and whether its points are marked; `low` and `high` draw a band."""

    name: str
    x: Float64Array
    y: Float64Array
    style: int
    is_marked: bool = False
    low: Float64Array | None = None
    high: Float64Array | None = None


@dataclass(frozen=True)
class Axis:
    """An axis from low to high with ticks, and their texts."""

    label: str
    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]

    @classmethod
    def of_shares(cls, label: str) -> Axis:
        """0 to 1, written in percent."""
        return cls(label, 0.0, 1.0, tuple((share, f"{100 * share:.0f} %") for share in (0, 0.25, 0.5, 0.75, 1)))

    @classmethod
    def fitting(cls, label: str, values: Float64Array, write: Callable[[float], str], count: int = 5) -> Axis:
        """An axis that holds all finite values, with ticks at round numbers."""
        finite = values[np.isfinite(values)]
        low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
        step = _round_step((high - low) / count if high > low else max(abs(high), 1.0) / count)
        ticks = np.arange(np.floor(low / step), np.ceil(high / step) + 1) * step
        return cls(label, float(ticks[0]), float(ticks[-1]), tuple((float(tick), write(float(tick))) for tick in ticks))

    def place(self, values: Float64Array, start: float, end: float) -> Float64Array:
        """Values as coordinates between `start` (low) and `end` (high)."""
        span = self.high - self.low or 1.0
        return np.asarray(start + (values - self.low) / span * (end - start), dtype=np.float64)


@dataclass(frozen=True)
class Row:
    """A row of a dot chart: a value with its interval."""

    name: str
    value: float
    low: float
    high: float
    style: int
    is_strong: bool = False


def line_chart(title: str, x: Axis, y: Axis, series: Sequence[Series], *, diagonal: bool = False) -> str:
    """The chart of some lines; `diagonal` draws where both axes are equal."""
    parts = [_frame(x, y, HEIGHT)]
    if diagonal:
        ends = np.array([max(x.low, y.low), min(x.high, y.high)])
        parts.append(_path(ends, ends, x, y, 'class="reference"'))
    for one in series:
        if one.low is not None and one.high is not None:
            around = np.concatenate([one.x, one.x[::-1]]), np.concatenate([one.high, one.low[::-1]])
            parts.append(_path(*around, x, y, f'class="band s{one.style % STYLES}"'))
    for one in series:
        dash = DASHES[one.style % STYLES]
        look = f'class="line s{one.style % STYLES}"' + (f' stroke-dasharray="{dash}"' if dash else "")
        parts.append(_path(one.x, one.y, x, y, look))
        if one.is_marked:
            parts += [_dot(px, py, one.style) for px, py in zip(*_places(one.x, one.y, x, y), strict=True)]
    return _svg(title, WIDTH, HEIGHT, parts)


def dot_chart(title: str, x: Axis, rows: Sequence[Row], *, reference: float | None = None, names: int = 200) -> str:
    """A row a value, with its interval; `reference` draws an upright line."""
    height = TOP + ROW_HEIGHT * len(rows) + BOTTOM
    width, start, end = WIDTH + names, names + 8.0, WIDTH + names - 20.0
    parts = []
    for tick, text in x.ticks:
        place = x.place(np.array([tick]), start, end)[0]
        parts.append(f'<line class="grid" x1="{place:.1f}" x2="{place:.1f}" y1="{TOP}" y2="{height - BOTTOM}"/>')
        parts.append(f'<text x="{place:.1f}" y="{height - BOTTOM + 15}" text-anchor="middle">{escape(text)}</text>')
    parts.append(
        f'<text class="label" x="{(start + end) / 2:.0f}" y="{height - 6}" text-anchor="middle">{escape(x.label)}</text>'
    )
    if reference is not None:
        place = x.place(np.array([reference]), start, end)[0]
        parts.append(f'<line class="reference" x1="{place:.1f}" x2="{place:.1f}" y1="{TOP}" y2="{height - BOTTOM}"/>')
    for number, row in enumerate(rows):
        parts += _row(row, x, TOP + ROW_HEIGHT * (number + 0.5), names, start, end)
    return _svg(title, width, height, parts)


def legend_key(style: int) -> str:
    """A short line in a style, for a legend."""
    dash = DASHES[style % STYLES]
    look = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        '<svg class="key" width="30" height="10" aria-hidden="true">'
        f'<line class="line s{style % STYLES}" x1="1" x2="29" y1="5" y2="5"{look}/></svg>'
    )


def _row(row: Row, x: Axis, y: float, names: int, start: float, end: float) -> list[str]:
    low, value, high = x.place(np.clip([row.low, row.value, row.high], x.low, x.high), start, end)
    strong = ' class="strong"' if row.is_strong else ""
    return [
        f'<text x="{names}" y="{y + 4:.1f}" text-anchor="end"{strong}>{escape(_shortened(row.name, names))}</text>',
        f'<line class="whisker s{row.style % STYLES}" x1="{low:.1f}" x2="{high:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>'
        if np.isfinite(low) and np.isfinite(high)
        else "",
        _dot(value, y, row.style, 4.5 if row.is_strong else 3.5),
    ]


def _frame(x: Axis, y: Axis, height: int) -> str:
    bottom = height - BOTTOM
    parts = []
    for tick, text in x.ticks:
        place = x.place(np.array([tick]), LEFT, WIDTH - RIGHT)[0]
        parts.append(f'<line class="grid" x1="{place:.1f}" x2="{place:.1f}" y1="{TOP}" y2="{bottom}"/>')
        parts.append(f'<text x="{place:.1f}" y="{bottom + 15}" text-anchor="middle">{escape(text)}</text>')
    for tick, text in y.ticks:
        place = y.place(np.array([tick]), bottom, TOP)[0]
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{place:.1f}" y2="{place:.1f}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{place + 4:.1f}" text-anchor="end">{escape(text)}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text class="label" x="{middle:.0f}" y="{height - 6}" text-anchor="middle">{escape(x.label)}</text>')
    across = (TOP + bottom) / 2
    parts.append(
        f'<text class="label" x="0" y="0" text-anchor="middle" transform="translate(11 {across:.0f}) rotate(-90)">{escape(y.label)}</text>'
    )
    return "".join(parts)


def _path(xs: Float64Array, ys: Float64Array, x: Axis, y: Axis, look: str) -> str:
    is_there = np.isfinite(xs) & np.isfinite(ys)
    if not is_there.any():
        return ""
    px, py = _places(xs[is_there], ys[is_there], x, y)
    points = " L".join(f"{a:.1f} {b:.1f}" for a, b in zip(px, py, strict=True))
    return f'<path {look} d="M{points}"/>'


def _places(xs: Float64Array, ys: Float64Array, x: Axis, y: Axis) -> tuple[Float64Array, Float64Array]:
    inside_x, inside_y = np.clip(xs, x.low, x.high), np.clip(ys, y.low, y.high)
    return x.place(inside_x, LEFT, WIDTH - RIGHT), y.place(inside_y, HEIGHT - BOTTOM, TOP)


def _dot(px: float, py: float, style: int, radius: float = 3.0) -> str:
    if not (np.isfinite(px) and np.isfinite(py)):
        return ""
    return f'<circle class="dot s{style % STYLES}" cx="{px:.1f}" cy="{py:.1f}" r="{radius}"/>'


def _svg(title: str, width: int, height: int, parts: Sequence[str]) -> str:
    inside = "".join(parts)
    return f'<svg class="chart" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title, quote=True)}">{inside}</svg>'


def _shortened(name: str, width: int) -> str:
    most = width // 6
    return name if len(name) <= most else name[: most - 1] + "…"


def _round_step(rough: float) -> float:
    """The next of 1, 2, 2.5 or 5 times a power of ten."""
    power = 10.0 ** np.floor(np.log10(rough))
    return float(power * next(step for step in (1, 2, 2.5, 5, 10) if step * power >= rough * 0.999999))
