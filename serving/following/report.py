"""The report on the suggested order: how often it was followed, by team and week, and what it was worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from features.histories import Histories
from features.snapshots import SnapshotKind, Snapshots
from serving.following.effect import FEWEST_PAIRS, Effect, effect, weekly
from serving.following.picks import UNKNOWN, picks, with_places
from serving.suggested import weights_of
from serving.switchback import WEEK_US, Switchback
from serving.text_column import TextColumn
from sla.agreements.agreement_set import AgreementSet
from sla.clocks.replay import verdicts_at
from sla.clocks.verdicts import VerdictState
from sla.instants import to_us

TARGET = "resolution"


@dataclass(frozen=True)
class Followed:
    """Picks of a team in a week. `first`: those that took what was suggested next, `near`: those among the first three."""

    team: str
    week: str  # its first day
    is_shown: bool
    picks: int
    first: int
    near: int


@dataclass(frozen=True)
class FollowingReport:
    """How the suggested order was followed, and what it was worth; `effect` None, with `effect_words`, where nothing can be said of that."""

    since: datetime
    until: datetime
    followed: tuple[Followed, ...]
    unknown_picks: int
    effect: Effect | None
    effect_words: str

    def share(self, *, is_shown: bool) -> float | None:
        """The share of picks that took what was suggested next, in weeks with or without the order; None without picks."""
        mine = [one for one in self.followed if one.is_shown == is_shown]
        count = sum(one.picks for one in mine)
        return sum(one.first for one in mine) / count if count else None

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values."""
        shares = {name: self.share(is_shown=shown) for name, shown in (("shown", True), ("not_shown", False))}
        return {**asdict(self), "followed_share": shares}

    def text(self) -> str:
        """The report for people."""
        lines = [
            f"Picks from {self.since:%Y-%m-%d} to {self.until:%Y-%m-%d %H:%M}, against what was suggested just before each:"
        ]
        lines.append(f"  {'team':28}{'week of':12}{'order':>12}{'picks':>8}{'next one':>10}{'first three':>13}")
        lines += [
            f"  {one.team[:27]:28}{one.week:12}{'suggested' if one.is_shown else 'due time':>12}{one.picks:8}"
            f"{100 * one.first / one.picks:8.0f} %{100 * one.near / one.picks:11.0f} %"
            for one in self.followed
        ]
        for shown, words in ((True, "with the suggested order"), (False, "without it")):
            share = self.share(is_shown=shown)
            if share is not None:
                lines.append(f"In weeks {words} {100 * share:.0f} % of the picks took what was suggested next.")
        if self.unknown_picks:
            lines.append(
                f"{self.unknown_picks} picks came before any advice, or after all it named was taken: not judged."
            )
        return "\n".join([*lines, self.effect_words])


def following_report(
    events: pd.DataFrame,
    suggested: pd.DataFrame,
    agreements: AgreementSet,
    switchback: Switchback,
    costs: Mapping[str, float],
    since: datetime,
    until: datetime,
) -> FollowingReport:
    """What events and stored suggestions tell of a span, as known at its end."""
    known = events[(events["event_at"] <= until) & (events["recorded_at"] <= until)]
    found = picks(known) if len(known) else pd.DataFrame(columns=["ticket_id", "team", "assignee", "picked_at"])
    found = with_places(found[found["picked_at"] >= since].reset_index(drop=True), suggested)
    is_known = found["place"] != UNKNOWN
    told, words = _worth(known, agreements, switchback, costs, until)
    return FollowingReport(
        since, until, _followed(found[is_known], switchback.begins_at or since), int((~is_known).sum()), told, words
    )


def _followed(found: pd.DataFrame, begin: datetime) -> tuple[Followed, ...]:
    begin_us = to_us(begin)
    at_us = found["picked_at"].astype("datetime64[us, UTC]").astype("int64").to_numpy()
    first_us = (at_us - begin_us) // WEEK_US * WEEK_US + begin_us
    first = pd.to_datetime(first_us, unit="us", utc=True).tz_convert(begin.tzinfo).strftime("%Y-%m-%d")
    rows = found.assign(
        week=np.asarray(first, dtype=object), first=found["place"] == 1, near=found["place"].between(1, 3)
    )
    groups = rows.groupby(["team", "week", "is_shown"], sort=True)
    sums = groups.agg(picks=("place", "size"), first=("first", "sum"), near=("near", "sum")).reset_index()
    return tuple(
        Followed(str(team), str(week), bool(shown), int(count), int(hits), int(near))
        for team, week, shown, count, hits, near in sums.itertuples(index=False)
    )


def _worth(
    known: pd.DataFrame,
    agreements: AgreementSet,
    switchback: Switchback,
    costs: Mapping[str, float],
    until: datetime,
) -> tuple[Effect | None, str]:
    if not switchback.is_on:
        return None, (
            "What the order is worth is not known: every week has it. With SLACAST_SWITCHBACK_FROM each team works one week of two by due time."
        )
    told = effect(weekly(outcomes(known, agreements, costs, until), switchback, to_us(until))) if len(known) else None
    if told is None:
        return None, "What the order is worth is not known yet: no pair of weeks, one with it and one without, is over."
    return told, words_of(told)


def outcomes(known: pd.DataFrame, agreements: AgreementSet, costs: Mapping[str, float], at: datetime) -> pd.DataFrame:
    """Tickets whose resolution was decided at an instant: team (the last), opened_us, is_late, cost of a breach."""
    histories = Histories.from_events(known, agreements)
    count = len(histories.ticket_ids)
    ticket, at_us = np.arange(count), np.full(count, to_us(at))
    asked = Snapshots(ticket, at_us, np.full(count, SnapshotKind.LIVE, np.int8))
    verdicts = verdicts_at(histories.log, agreements, TARGET, asked.ticket, asked.at_us)
    opened = known.groupby("ticket_id")["event_at"].min()
    frame = pd.DataFrame(
        {
            "team": np.asarray(histories.states_at(ticket, at_us, "team"), dtype=object),
            "opened_us": opened.reindex(histories.ticket_ids).astype("datetime64[us, UTC]").astype("int64").to_numpy(),
            "is_late": verdicts.is_breached,
            "cost": weights_of(
                TextColumn.of([text or "" for text in histories.states_at(ticket, at_us, "priority")]), costs
            ),
        }
    )
    frame["team"] = frame["team"].fillna("").astype(str)
    return frame[verdicts.is_breached | verdicts.is_in(VerdictState.MET)]


def words_of(told: Effect) -> str:
    """The effect in sentences."""
    on, off = told.suggested, told.by_due_time
    said = (
        f"{told.pairs} pairs of weeks: {100 * on.late_share:.1f} % of {on.tickets} tickets late with the suggested order, "
        f"{100 * off.late_share:.1f} % of {off.tickets} by due time: {told.late_points:+.1f} points"
    )
    if told.late_points_interval is None or told.relative_interval is None:
        return f"{said}. Fewer than {FEWEST_PAIRS} pairs of weeks are over: no interval can be given, and this may be luck."
    low, high = told.late_points_interval
    sure = "" if high < 0 or low > 0 else " It may be luck: the interval has both signs."
    relative = " to ".join(f"{100 * bound:+.0f}" for bound in told.relative_interval)
    return f"{said} (95 % interval {low:+.1f} to {high:+.1f}), {100 * told.relative:+.0f} % late tickets ({relative} %).{sure}"
