"""A verdict in words, for the command line and for people who ask why."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from sla.agreements.policies import Policies
from sla.clocks.verdict import Verdict
from sla.clocks.verdicts import VerdictState
from sla.durations import format_us
from sla.instants import SECOND_US


def explain_text(verdict: Verdict) -> str:
    """The verdict with its reasons, several lines: state and due time, the deciding rule, figures, warnings, policies, trace."""
    lines = [f"{verdict.ticket_id}  {verdict.target}: {headline(verdict)}"]
    if verdict.rule is None:
        return "\n".join([*lines, f"  why: {verdict.why}"])
    version = f" (version {verdict.agreement_version})"
    owner = f", answered for by {verdict.owner}" if verdict.owner else ""
    lines.append(f"  agreement: {verdict.kind} {verdict.agreement}{version}{owner}")
    lines.append(f"  rule: {verdict.rule}")
    lines.append(f"  why: {verdict.why}")
    if verdict.target_seconds is not None and verdict.started_at is not None:
        lines.append(f"  figures: {_figures(verdict)}")
    lines += [f"  warning: {text}" for text in _warnings(verdict)]
    if verdict.penalty:
        lines.append(f"  penalty: {verdict.penalty:g} {verdict.currency}".rstrip())
    lines.append(f"  policies: {_settings(verdict)}")
    if verdict.trace:
        lines.append(f"  what the clock did ({verdict.calendar}, {verdict.time_zone}):")
        lines += [f"    {step.text}" for step in verdict.trace]
    return "\n".join(lines)


def headline(verdict: Verdict) -> str:
    """The state in a few words with its most useful number: "running, 4 h 10 min left, due Tue 17 May 11:20"."""
    words = verdict.state.words
    if verdict.started_at is None or verdict.remaining_seconds is None:
        return words
    left = _length(abs(verdict.remaining_seconds))
    if verdict.is_breached:
        return (
            f"{words}, {'stopped ' if verdict.stopped_at else ''}{left} late, was due {_local(verdict.due_at, verdict)}"
        )
    if verdict.state is VerdictState.MET:
        return f"{words} with {left} to spare, stopped {_local(verdict.stopped_at, verdict)}"
    if verdict.state is VerdictState.PAUSED:
        return f"{words}, {left} left, due {_local(verdict.due_at, verdict)} if it resumed now"
    if verdict.state is VerdictState.RUNNING:
        return f"{words}, {left} left, due {_local(verdict.due_at, verdict)}"
    return f"{words} {_local(verdict.stopped_at, verdict)}"


def _figures(verdict: Verdict) -> str:
    target = _length(verdict.target_seconds or 0.0)
    share = "" if verdict.share_used is None else f" ({100 * verdict.share_used:.1f} %)"
    parts = [
        f"{_length(verdict.elapsed_seconds)} of {target} used{share}",
        f"started {_local(verdict.started_at, verdict)}",
    ]
    if verdict.paused_seconds:
        parts.insert(1, f"paused {_length(verdict.paused_seconds)}")
    wall_seconds = verdict.remaining_wall_seconds or 0.0
    if wall_seconds > 0 and wall_seconds != verdict.remaining_seconds:
        parts.append(f"due in {_length(wall_seconds)} by the wall clock")
    return ", ".join(parts)


def _settings(verdict: Verdict) -> str:
    """The policies in force: those that were chosen first, then the defaults."""
    default = Policies().model_dump()
    written = {name: value for name, value in verdict.policies.items() if value is not None}
    chosen = [f"{name}={_word(value)}" for name, value in written.items() if value != default[name]]
    others = [f"{name}={_word(value)}" for name, value in written.items() if value == default[name]]
    return "; ".join(part for part in (", ".join(chosen), others and f"by default {', '.join(others)}") if part)


def _word(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _warnings(verdict: Verdict) -> list[str]:
    words = []
    for warning in verdict.warnings:
        when = (
            "was not reached"
            if warning.at is None
            else f"{'fell' if warning.is_passed else 'falls'} {_local(warning.at, verdict)}"
        )
        words.append(f"{100 * warning.share:g} % {when}")
    return words


def _length(seconds: float) -> str:
    return format_us(round(seconds * SECOND_US))


def _local(at: datetime | None, verdict: Verdict) -> str:
    if at is None:
        return "never"
    local = at.astimezone(ZoneInfo(verdict.time_zone))
    clock = f"{local:%H:%M}" if local.second == 0 else f"{local:%H:%M:%S}"
    return f"{local:%a} {local.day} {local:%b %Y} {clock} {local:%Z}"
