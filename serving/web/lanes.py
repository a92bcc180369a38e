"""What happened to a service, a lane a kind, on one axis of days: spans as bars, changes as marks, tickets as columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup, escape

WIDTH, LEFT, RIGHT, TOP, LANE, FOOT = 760.0, 120.0, 12.0, 6.0, 26.0, 22.0
LEAST = 2.0
"""An outage of minutes is drawn at least so wide: it must be seen among months."""


@dataclass(frozen=True)
class Lane:
    """One row: `spans` as (beginning, end or None while it lasts), or `counts` of equal parts of the axis."""

    name: str
    tone: str
    spans: Sequence[tuple[datetime, datetime | None]] = ()
    counts: Sequence[int] = ()


@dataclass(frozen=True)
class Lanes:
    """Lanes between two instants; `labels` are instants with their words. Drawn as a Plot is, and shown by the same macro."""

    since: datetime
    until: datetime
    lanes: Sequence[Lane]
    labels: Sequence[tuple[datetime, str]]
    title: str

    def x(self, at: datetime) -> float:
        """Where an instant lies, inside the axis."""
        share = (at - self.since) / (self.until - self.since)
        return round(LEFT + min(max(share, 0.0), 1.0) * (WIDTH - LEFT - RIGHT), 1)

    def svg(self) -> Markup:
        """The drawing; its accessible name lists the lanes."""
        height = TOP + LANE * len(self.lanes) + FOOT
        name = "; ".join([self.title, *(lane.name for lane in self.lanes)])
        parts = [shape for place, lane in enumerate(self.lanes) for shape in self._lane(lane, TOP + LANE * place)]
        for at, words in self.labels:
            x = self.x(at)
            parts.append(f'<line class="grid" x1="{x}" x2="{x}" y1="{TOP:g}" y2="{height - FOOT:g}"/>')
            parts.append(f'<text class="tick" x="{x}" y="{height - 6:g}" text-anchor="middle">{escape(words)}</text>')
        head = f'<svg class="plot" viewBox="0 0 {WIDTH:g} {height:g}" role="img" aria-label="{escape(name)}">'
        return Markup(head + "".join(parts) + "</svg>")  # noqa: S704 (every text in it was escaped)

    def legend(self) -> list[tuple[str, str]]:
        """Nothing: each lane bears its name."""
        return []

    def _lane(self, lane: Lane, top: float) -> list[str]:
        middle = top + LANE / 2
        parts = [
            f'<line class="grid" x1="{LEFT:g}" x2="{WIDTH - RIGHT:g}" y1="{top + LANE:g}" y2="{top + LANE:g}"/>',
            f'<text class="tick" x="{LEFT - 8:g}" y="{middle + 4:g}" text-anchor="end">{escape(lane.name)}</text>',
        ]
        for begin, end in lane.spans:
            left = self.x(begin)
            width = max(round(self.x(end or self.until) - left, 1), LEAST)
            shape = f'x="{left}" y="{top + 5:g}" width="{width}" height="{LANE - 10:g}"'
            parts.append(f'<rect class="column {lane.tone}" {shape}/>')
        most, slot = max(lane.counts, default=0), (WIDTH - LEFT - RIGHT) / max(len(lane.counts), 1)
        for place, count in enumerate(lane.counts):
            if count:
                tall = round(max(count / most * (LANE - 6), 2.0), 1)
                shape = f'x="{LEFT + place * slot:.1f}" y="{top + LANE - tall:.1f}" width="{slot * 0.8:.1f}" height="{tall}"'
                parts.append(f'<rect class="column {lane.tone}" {shape}/>')
        return parts
