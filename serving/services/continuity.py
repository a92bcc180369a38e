"""The report on continuity: recovery objectives of the catalogue against what happened, and exercises that are due."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from serving.services.making import Basis
from serving.services.standing import Continuity
from serving.wording import wall_time

SOON = timedelta(days=30)


@dataclass(frozen=True)
class ContinuityLine:
    """One service that has objectives, and what is wrong with it in sentences, nothing where all is well."""

    service: str
    continuity: Continuity
    findings: tuple[str, ...]


@dataclass(frozen=True)
class ContinuityReport:
    """All services of the catalogue with recovery objectives, those with findings first; and those without."""

    as_of: datetime
    lines: tuple[ContinuityLine, ...]
    without: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values."""
        lines = [
            {"service": one.service, **_plain(one.continuity), "findings": list(one.findings)} for one in self.lines
        ]
        return {"as_of": self.as_of.isoformat(), "services": lines, "without_objectives": list(self.without)}

    def text(self) -> str:
        """A line a service, its findings under it."""
        lines = [f"Recovery as of {self.as_of:%Y-%m-%d %H:%M} UTC, outages that ended within a year"]
        for one in self.lines:
            lines.append(f"{one.service}: {_words(one.continuity)}")
            lines += [f"  - {text}" for text in one.findings]
        if not self.lines:
            lines.append(
                "No service of the catalogue has recovery objectives: write `continuity` (docs/agreements.md)."
            )
        if self.without:
            lines.append(f"Without objectives: {', '.join(self.without)}")
        return "\n".join(lines)


def continuity_report(basis: Basis) -> ContinuityReport:
    """The report at the instant of a board."""
    at = basis.board.as_of
    standings = [basis.board.by_name[name] for name in sorted(basis.agreements.services)]
    lines = [
        ContinuityLine(one.service, one.continuity, tuple(_findings(one.continuity, at)))
        for one in standings
        if one.continuity is not None
    ]
    lines.sort(key=lambda one: (-len(one.findings), one.service))
    return ContinuityReport(at, tuple(lines), tuple(one.service for one in standings if one.continuity is None))


def _findings(found: Continuity, at: datetime) -> list[str]:
    out = []
    if found.outages_late:
        out.append(f"{found.outages_late} of {found.outages_over} outages lasted longer than promised")
    lost, point = found.data_lost_seconds, found.recovery_point_seconds
    if lost is not None and point is not None and lost > point:
        out.append(f"an outage lost {wall_time(lost)} of data, {wall_time(point)} are promised at most")
    due = found.exercise_due_at
    if due is not None and due <= at:
        out.append(f"its exercise is overdue since {due:%Y-%m-%d}" if found.exercised_at else "it was never exercised")
    elif due is not None and due <= at + SOON:
        out.append(f"its exercise is due by {due:%Y-%m-%d}")
    return out


def _words(found: Continuity) -> str:
    def span(seconds: float | None) -> str:
        return "none" if seconds is None else wall_time(seconds)

    exercised = "never" if found.exercised_at is None else f"{found.exercised_at:%Y-%m-%d}"
    return (
        f"recovery time objective {span(found.recovery_time_seconds)}, longest outage {span(found.longest_seconds)} "
        f"of {found.outages_over}; recovery point objective {span(found.recovery_point_seconds)}, worst loss "
        f"{span(found.data_lost_seconds)}; exercised {exercised}"
    )


def _plain(found: Continuity) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in asdict(found).items()}
