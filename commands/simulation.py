"""`slacast simulate`: a desk fitted from the history, asked what if and how many people; and phones by formula."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.desk_changes import POLICY_NAMES, change_of, policies, processes
from commands.options import AgreementsOption, AsOfOption, JsonOption, StoreOption, seen_at, settings_with
from commands.printing import Progress, says_faults

if TYPE_CHECKING:
    from simulation.changes import Change
    from simulation.fit_check import CheckedFit
    from simulation.repetition import Repeat
    from simulation.what_if import Lock


@says_faults
def simulate(
    fit: Annotated[bool, typer.Option("--fit", help="Only fit the desk and show how it does in unseen weeks.")] = False,
    staff: Annotated[
        str | None, typer.Option("--staff", metavar="TEAM", help="How many people this team needs.")
    ] = None,
    share: Annotated[float, typer.Option("--share", help="With --staff or --contacts: the share to be in time.")] = 0.9,
    confidence: Annotated[float, typer.Option("--confidence", help="With --staff: in which share of the runs.")] = 0.9,
    arrivals: Annotated[float, typer.Option("--arrivals", help="What if: so many times the tickets.")] = 1.0,
    handling: Annotated[float, typer.Option("--handling", help="What if: so many times the work a ticket.")] = 1.0,
    targets: Annotated[float, typer.Option("--targets", help="What if: so many times the promised time.")] = 1.0,
    shrinkage: Annotated[
        float | None,
        typer.Option(
            "--shrinkage", help="What if: people are away on this share of days; with --contacts: of paid time."
        ),
    ] = None,
    people: Annotated[
        list[str], typer.Option("--people", metavar="TEAM=N", help="What if: N people more (or -N fewer).")
    ] = [],  # noqa: B006 (typer copies defaults)
    shifts: Annotated[
        list[str],
        typer.Option(
            "--shift", metavar="TEAM=HOURS", help="What if: a team (or all of a shift) works 10:00-18:30 mon-fri."
        ),
    ] = [],  # noqa: B006 (typer copies defaults)
    hours: Annotated[
        str | None,
        typer.Option("--hours", help="What if: the desk is open, and promises count, 08:00-20:00 mon-sat."),
    ] = None,
    helping: Annotated[
        list[str],
        typer.Option(
            "--help-of",
            metavar="TEAM=OTHER",
            help="What if: a team with nothing to do takes the next ticket of another (a quarter slower).",
        ),
    ] = [],  # noqa: B006 (typer copies defaults)
    policy: Annotated[
        str, typer.Option("--policy", help=f"What if: which ticket goes next: {', '.join(POLICY_NAMES)}.")
    ] = "priority",
    outage: Annotated[
        str | None,
        typer.Option(
            "--outage",
            metavar="SERVICE@tue,10,180",
            help="What if: a service fails on the first such weekday, from that hour, for so many minutes (then: tickets an hour, week).",
        ),
    ] = None,
    calendars: Annotated[
        Path | None,
        typer.Option(
            "--calendars",
            metavar="FILE",
            help="What if: whole calendars in place of the desk's of these names, YAML as in agreements.",
        ),
    ] = None,
    baseline: Annotated[
        Path | None,
        typer.Option(
            "--baseline",
            metavar="FILE",
            help="The desk as it is: kept there if there is no such file, else what the change is held against.",
        ),
    ] = None,
    weeks: Annotated[int, typer.Option("--weeks", min=1, max=52, help="Simulated weeks a run.")] = 8,
    runs: Annotated[int, typer.Option("--runs", min=2, max=200, help="Runs of different luck.")] = 20,
    contacts: Annotated[
        float | None,
        typer.Option("--contacts", help="Phones, by formula and without a store: contacts in an interval."),
    ] = None,
    interval_minutes: Annotated[float, typer.Option("--interval-minutes", help="With --contacts.")] = 30.0,
    handling_seconds: Annotated[float, typer.Option("--handling-seconds", help="With --contacts.")] = 180.0,
    answer_seconds: Annotated[
        float, typer.Option("--answer-seconds", help="With --contacts: to be answered within.")
    ] = 20.0,
    patience_seconds: Annotated[
        float | None, typer.Option("--patience-seconds", help="With --contacts: mean patience; makes it Erlang A.")
    ] = None,
    occupancy: Annotated[
        float, typer.Option("--occupancy", help="With --contacts: how busy people may be at most.")
    ] = 1.0,
    as_of: AsOfOption = None,
    agreements: AgreementsOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fit a desk from the history and ask it: what if, and how many people. Every answer comes with its interval and how it was computed.

    Example: slacast simulate --people "Network=2" --arrivals 1.1 --json
    """
    if contacts is not None:
        demand = (contacts, interval_minutes * 60, handling_seconds, patience_seconds)
        said = _phones(demand, (answer_seconds, share, occupancy, shrinkage or 0.0))
    else:
        factors = (arrivals, handling, targets)
        change = change_of(factors, shrinkage, people, shifts, hours, policy, outage, helping, calendars)
        settings = settings_with(database_url=store, agreements=agreements)
        asked = (staff, (share, confidence)) if staff is not None else None
        said = _simulated(settings, as_of, None if fit and not asked else change, asked, (weeks, runs), baseline)
    typer.echo(json.dumps(said, ensure_ascii=False, indent=2, default=str) if as_json else text_of(said))


def _phones(
    demand: tuple[float, float, float, float | None], promise: tuple[float, float, float, float]
) -> dict[str, Any]:
    from simulation.staffing import Demand, Promise, staffing

    return {"staffing": asdict(staffing(Demand(*demand), Promise(*promise)))}


def _simulated(
    settings: Any,
    as_of: str | None,
    change: Change | None,
    asked: tuple[str, tuple[float, float]] | None,
    plan: tuple[int, int],
    kept: Path | None = None,
) -> dict[str, Any]:
    from simulation.repetition import repetition

    progress = Progress()
    lock = _locked(kept, as_of, plan)
    at = seen_at(as_of) if lock is None else lock.known_at
    with repetition(processes()) as repeat:
        checked = _fitted(settings, at, progress, repeat)
        said = {"fit": _fit_document(checked)}
        if asked is not None:
            said |= _staffed(checked, asked, plan, progress, repeat)
        elif change is not None:
            lock = lock or _made(checked, at, plan, progress, repeat, kept)
            said |= _compared(checked, change, settings.guard, progress, repeat, lock)
    return said


def _locked(file: Path | None, as_of: str | None, plan: tuple[int, int]) -> Lock | None:
    """What a file locks, None where there is no such file yet. DeskError for what fits neither it nor what is asked for."""
    from simulation.faults import DeskError
    from simulation.what_if import kept_lock

    if file is None or not file.exists():
        return None
    try:
        lock = kept_lock(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise DeskError(f"{file} holds no baseline: {error}. Remove it to make a new one") from error
    if as_of is not None and seen_at(as_of) != lock.known_at:
        raise DeskError(
            f"the baseline in {file} is of {lock.known_at.isoformat()}, not of {as_of}; leave --as-of away, or name another file"
        )
    try:
        lock.refuse_other(*plan)
    except DeskError as error:
        raise DeskError(f"{file}: {error}") from error
    return lock


def _fitted(settings: Any, at: datetime, progress: Progress, repeat: Repeat) -> CheckedFit:
    from features.store import open_store
    from serving.configuration.values import costs_of
    from serving.workplace import agreements_of
    from simulation.fit_check import checked_fit, promises

    progress("reading the events")
    with open_store(settings.database_url) as opened:
        found = agreements_of(settings, opened)
        events = opened.ticket_events(until=at)
    promised = promises(events, found, costs_of(settings.priority_weights))
    return checked_fit(events, promised, weeks=4, runs=6, told=_said(progress), repeat=repeat)


def _said(progress: Progress) -> Any:
    return lambda step, share: progress(step, share, 1.0)


def _staffed(
    checked: CheckedFit,
    asked: tuple[str, tuple[float, float]],
    plan: tuple[int, int],
    progress: Progress,
    repeat: Repeat,
) -> dict[str, Any]:
    from simulation.desk_staffing import DeskPromise, desk_staffing

    (team, promise), (weeks, runs) = asked, plan
    world, targets = checked.fit.world, checked.targets
    found = desk_staffing(
        world, targets, team, DeskPromise(*promise), checked.cut, weeks, runs, told=_said(progress), repeat=repeat
    )
    return {"desk_staffing": asdict(found)}


def _made(
    checked: CheckedFit, at: datetime, plan: tuple[int, int], progress: Progress, repeat: Repeat, file: Path | None
) -> Lock:
    """The desk as it is, locked; and kept in the file, where one is named."""
    from simulation.what_if import Lock, baseline, lock_document, seeds_of

    weeks, runs = plan
    world, targets = checked.fit.world, checked.targets
    lock = Lock(at, baseline(world, targets, checked.cut, weeks, seeds_of(runs), _said(progress), repeat))
    if file is not None:
        file.write_text(json.dumps(lock_document(lock), indent=1) + "\n", encoding="utf-8")
    return lock


def _compared(
    checked: CheckedFit, change: Change, guard: float, progress: Progress, repeat: Repeat, lock: Lock
) -> dict[str, Any]:
    from simulation.what_if import as_document, compared, lock_document

    locked = lock.baseline
    found = compared(checked.fit.world, checked.targets, locked, change, _said(progress), policies(guard), repeat)
    return {
        "baseline": {"fingerprint": locked.fingerprint, "weeks": locked.weeks, "runs": len(locked.runs)},
        "change": asdict(change),
        "figures": as_document(found),
        "locked": lock_document(lock),
    }


def _fit_document(checked: CheckedFit) -> dict[str, Any]:
    held = [{**asdict(one), "is_within": one.is_within} for one in checked.held]
    return {
        "notes": list(checked.fit.notes),
        "cut": checked.cut.isoformat(),
        "unseen_weeks": checked.weeks,
        "held": held,
    }


def text_of(said: dict[str, Any]) -> str:
    """Return what was said as lines for people."""
    lines: list[str] = []
    if "staffing" in said:
        one = said["staffing"]
        lines += [f"{one['agents']} people at the desk, {one['scheduled']} in the schedule.", *one["steps"]]
    if "fit" in said:
        fit = said["fit"]
        lines += [*fit["notes"], f"Held against {fit['unseen_weeks']} weeks it has not seen, from {fit['cut'][:16]}:"]
        lines.append(f"  {'':22}{'real':>10}{'simulated':>12}{'lowest':>10}{'highest':>10}")
        lines += [
            f"  {one['figure']:22}{one['real']:10.2f}{one['simulated']:12.2f}{one['low']:10.2f}{one['high']:10.2f}"
            + ("" if one["is_within"] else "  outside")
            for one in fit["held"]
        ]
    if "desk_staffing" in said:
        one = said["desk_staffing"]
        answer = (
            "no number that was tried is enough"
            if one["people"] is None
            else f"{one['people']} people (now {one['present']})"
        )
        lines += [f"{one['team']}: {answer}", *one["steps"]]
    if "figures" in said:
        lines.append(
            f"What if, {said['baseline']['runs']} runs of {said['baseline']['weeks']} weeks, paired 95 % intervals:"
        )
        lines.append(f"  {'':22}{'before':>10}{'after':>10}{'change':>10}")
        lines += [
            f"  {one['figure']:22}{one['before']:10.2f}{one['after']:10.2f}{one['change']:+10.2f} +- {one['half_interval']:.2f}"
            + ("" if one["is_sure"] else "  may be luck")
            for one in said["figures"]
        ]
    return "\n".join(lines)
