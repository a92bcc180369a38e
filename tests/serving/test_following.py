"""Whether the suggested order is followed, and what it is worth: serving/following, serving/switchback.py."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from commands.desk_changes import log_still_needed
from features.schema import conform_ticket_events
from features.store import open_store
from features.waiting import Waiting
from models.dispatch import GainSettings, gain_total
from models.dispatch import priority_then_opened as by_priority
from serving.following.effect import WASHED_OUT_US, effect, weekly
from serving.following.picks import BEYOND, UNKNOWN, picks, with_places
from serving.following.report import following_report, outcomes, words_of
from serving.suggested import WEIGHTS
from serving.switchback import WEEK_US, Switchback
from simulation.demo_world import demo_world
from simulation.desk import Desk
from simulation.dispatch import Dispatch, Line, chosen
from simulation.measures import Targets
from simulation.policies import Weighing
from simulation.tickets import Ticket
from sla.agreements.loading import load_agreements
from sla.instants import from_us, to_us
from slacast import app

START = datetime(2026, 1, 5, tzinfo=UTC)
DEMO = demo_world()
WORLD = replace(
    DEMO, arrivals=replace(DEMO.arrivals, per_day=1.1 * DEMO.arrivals.per_day)
)  # enough for an order to matter
AGREEMENTS = load_agreements(Path("examples/demo/agreements.yaml"))
TARGETS = Targets((240.0, 480.0, 960.0, 2400.0))


def events_of(*rows: tuple[str, float, dict[str, str]]) -> pd.DataFrame:
    """Ticket, minute, what changed."""
    frame = pd.DataFrame(
        [
            {
                "event_id": f"e{place}",
                "ticket_id": ticket,
                "kind": "assigned",
                "event_at": START + timedelta(minutes=at),
                **said,
            }
            for place, (ticket, at, said) in enumerate(rows)
        ]
    )
    return conform_ticket_events(frame.assign(recorded_at=frame["event_at"]))


def advice(*rows: tuple[str, float, list[str]], is_shown: bool = True) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"team": team, "suggested_at": pd.Timestamp(START + timedelta(minutes=at)), "place": place, "ticket_id": one, "is_shown": is_shown}
            for team, at, tickets in rows
            for place, one in enumerate(tickets, start=1)
        ]
    )  # fmt: skip


def test_a_pick_is_a_new_assignee_and_a_hand_over_is_none() -> None:
    found = picks(
        events_of(
            ("A", 0, {"team": "Net"}),
            ("A", 5, {"assignee": "Ann"}),
            ("A", 9, {"status": "waiting"}),
            ("A", 12, {"team": "Desk", "assignee": ""}),
            ("A", 20, {"assignee": "Bo"}),
            ("B", 7, {"team": "Net", "assignee": "Ann"}),
            ("B", 8, {"assignee": "Ann"}),
        )
    )
    assert found[["ticket_id", "team", "assignee"]].to_numpy().tolist() == [
        ["A", "Net", "Ann"],
        ["B", "Net", "Ann"],
        ["A", "Desk", "Bo"],
    ]


def test_a_place_is_that_among_those_still_waiting_of_the_last_advice_before_the_pick() -> None:
    taken = events_of(
        *((ticket, 0, {"team": "Net"}) for ticket in "ABCDEF"),
        ("A", 5, {"assignee": "Ann"}),  # before any advice
        ("B", 12, {"assignee": "Ann"}),  # first of C B D? no, second
        ("C", 13, {"assignee": "Bo"}),  # still the first
        ("D", 14, {"assignee": "Cy"}),  # first of what is left
        ("E", 15, {"assignee": "Di"}),  # all that was named is taken
        ("F", 20, {"assignee": "Ed"}),  # at the very instant of new advice, which names it: the old one counts
    )
    told = advice(("Net", 10, ["C", "B", "D"]), ("Net", 20, ["F"]), ("Desk", 1, ["A", "E"]))
    found = with_places(picks(taken), told).set_index("ticket_id")["place"]
    assert found.to_dict() == {"A": UNKNOWN, "B": 2, "C": 1, "D": 1, "E": UNKNOWN, "F": UNKNOWN}
    beyond = with_places(picks(taken), advice(("Net", 1, ["X", "Y"])))
    assert (beyond["place"] == BEYOND).all()
    assert not with_places(picks(taken), advice(("Net", 1, ["X"]), is_shown=False))["is_shown"].any()


def test_every_team_has_one_week_of_each_pair_with_the_order_and_lots_differ() -> None:
    switchback = Switchback(START)
    weeks = np.arange(40)
    teams = [f"Team {number}" for number in range(30)]
    arms = np.array([switchback.arm(team, weeks) for team in teams])
    assert (arms[:, ::2] != arms[:, 1::2]).all()
    assert 0.4 < arms[:, ::2].mean() < 0.6
    at_us = to_us(START) + 9 * WEEK_US + 5
    assert [switchback.is_suggested(team, at_us) for team in teams] == arms[:, 9].tolist()
    assert switchback.is_suggested("Team 1", to_us(START) - 1)
    assert Switchback().is_suggested("Team 1", at_us)
    with pytest.raises(ValueError, match="SLACAST_SWITCHBACK_FROM"):
        Switchback().week(np.array([0]))


def tickets_of(rng: np.random.Generator, weeks: int, late_with: float, late_without: float) -> pd.DataFrame:
    switchback, count = Switchback(START), 400 * weeks
    opened_us = to_us(START) + rng.integers(0, weeks * WEEK_US, count)
    team = rng.choice(["Net", "Desk", "Apps"], count)
    shock = rng.normal(0, 0.03, weeks)[switchback.week(opened_us)]  # of all teams in a week, whichever order they have
    arms = {name: switchback.arm(name, np.arange(weeks)) for name in ("Net", "Desk", "Apps")}
    arm = np.array([arms[name][week] for name, week in zip(team, switchback.week(opened_us).tolist(), strict=True)])
    is_late = rng.random(count) < np.where(arm, late_with, late_without) + shock
    return pd.DataFrame({"team": team, "opened_us": opened_us, "is_late": is_late, "cost": 1.0})


def test_the_interval_holds_the_effect_that_was_put_in_about_as_often_as_it_says() -> None:
    held = []
    for seed in range(40):
        tickets = tickets_of(np.random.default_rng(seed), 20, 0.10, 0.20)
        told = effect(weekly(tickets, Switchback(START), to_us(START) + 20 * WEEK_US))
        assert told is not None
        assert told.late_points_interval is not None
        held.append(told.late_points_interval[0] <= -10.0 <= told.late_points_interval[1])
    assert 0.80 <= np.mean(held) <= 1.0
    nothing = effect(
        weekly(tickets_of(np.random.default_rng(1), 20, 0.2, 0.2), Switchback(START), to_us(START) + 20 * WEEK_US)
    )
    assert nothing is not None
    assert nothing.late_points_interval is not None
    assert nothing.late_points_interval[0] < 0 < nothing.late_points_interval[1]
    assert "may be luck" in words_of(nothing)


def test_only_whole_pairs_of_weeks_count_and_the_first_day_of_a_week_does_not() -> None:
    tickets = tickets_of(np.random.default_rng(2), 8, 0.1, 0.2)
    sums = weekly(tickets, Switchback(START), to_us(START) + 5 * WEEK_US + 3)
    assert sorted(sums["week"].unique()) == [0, 1, 2, 3]
    assert (sums.groupby(["team", "pair"])["is_suggested"].sum() == 1).all()
    into = (tickets["opened_us"] - to_us(START)) % WEEK_US
    kept = tickets[(into >= WASHED_OUT_US) & (tickets["opened_us"] < to_us(START) + 4 * WEEK_US)]
    assert sums["tickets"].sum() == len(kept)
    assert sums["late"].sum() == kept["is_late"].sum()
    few = effect(sums)
    assert few is not None
    assert few.late_points_interval is None
    assert "no interval can be given" in words_of(few)
    assert effect(sums[sums["is_suggested"]]) is None


@dataclass
class AdvisedDesk:
    """The demo's desk, whose teams work by the suggested order in some weeks and by due time in the others, and keep what was suggested."""

    switchback: Switchback
    follows: float = 1.0
    always: bool | None = None  # every week with (True) or without (False) the order
    said: list[tuple[str, int, tuple[str, ...], bool]] = field(default_factory=list)
    ends: int = 0
    _teams: int = 0
    _now: tuple[int, str, list[Ticket]] = (0, "", [])

    def __post_init__(self) -> None:
        self._luck = np.random.default_rng(5)

    def line(self) -> Line:
        team = WORLD.teams[self._teams]
        self._teams += 1
        inner = Weighing(self._choose, log_still_needed)(WORLD, TARGETS)()

        def heard(waiting: list[Ticket], at_us: int, agents: int) -> int:
            self._now = at_us, team, list(waiting)
            if len(waiting) == 1:
                is_on = self.switchback.is_suggested(team, at_us) if self.always is None else self.always
                self.said.append((team, at_us - 1, (waiting[0].ticket_id,), is_on))
            return inner._choose(waiting, at_us, agents)  # type: ignore[attr-defined, no-any-return]

        dispatch: Dispatch = chosen(heard)  # type: ignore[arg-type]
        return dispatch()

    def _choose(self, queue: Waiting) -> int:
        at_us, team, waiting = self._now
        worth = gain_total(queue, GainSettings())
        is_on = self.switchback.is_suggested(team, at_us) if self.always is None else self.always
        first = np.lexsort((queue.left, -worth))[:5]
        self.said.append((team, at_us - 1, tuple(waiting[place].ticket_id for place in first.tolist()), is_on))
        if not is_on:
            return int(np.argmin(queue.left))
        return int(first[0]) if self._luck.random() < self.follows else by_priority(queue)

    def lived(self, weeks: int) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Events, and what was suggested, of so many weeks."""
        events = Desk(WORLD, 3, START, self.line).events_until(START + timedelta(weeks=weeks))
        rows = [
            (team, pd.Timestamp(from_us(at_us)), place, one, is_on)
            for team, at_us, tickets, is_on in self.said
            for place, one in enumerate(tickets, start=1)
        ]
        return events, pd.DataFrame(rows, columns=["team", "suggested_at", "place", "ticket_id", "is_shown"])


@pytest.mark.slow
def test_a_desk_with_a_known_effect_is_told_that_effect_and_how_it_followed() -> None:
    weeks = 20
    until = START + timedelta(weeks=weeks)
    truth = {}
    for always in (True, False):
        events, _ = AdvisedDesk(Switchback(), follows=0.8, always=always).lived(weeks)
        found = outcomes(events, AGREEMENTS, WEIGHTS, until)
        truth[always] = 100 * found["is_late"].mean()
    known = truth[True] - truth[False]
    assert known < -5
    switchback = Switchback(START)
    events, suggested = AdvisedDesk(switchback, follows=0.8).lived(weeks)
    told = following_report(events, suggested, AGREEMENTS, switchback, WEIGHTS, START, until)
    assert told.effect is not None
    assert told.effect.late_points_interval is not None
    low, high = told.effect.late_points_interval
    assert low <= known <= high
    assert high < 0
    with_it, without = told.share(is_shown=True), told.share(is_shown=False)
    assert with_it is not None
    assert without is not None
    assert 0.8 < with_it < 0.95  # four of five follow, and of the others some take the same ticket
    assert without < with_it - 0.05
    assert {one.team for one in told.followed} == set(WORLD.teams)
    assert "pairs of weeks" in told.text()
    assert told.to_dict()["effect"]["pairs"] == weeks // 2
    always = following_report(events, suggested, AGREEMENTS, Switchback(), WEIGHTS, START, until)
    assert always.effect is None
    assert "SLACAST_SWITCHBACK_FROM" in always.text()


def test_the_report_is_read_from_the_store_and_needs_no_model(tmp_path: Path) -> None:
    events, suggested = AdvisedDesk(Switchback()).lived(2)
    url = f"sqlite:///{tmp_path}/desk.db"
    with open_store(url) as store:
        store.append_ticket_events(events, "test")
        store.suggestions.append(suggested)
    words = ["report", "suggestions", "--from", "2026-01-05T00:00Z", "--to", "2026-01-19T00:00Z", "--store", url]
    found = CliRunner().invoke(app, [*words, "--agreements", "examples/demo/agreements.yaml", "--json"])
    assert found.exit_code == 0, found.output
    told = json.loads(found.stdout)
    direct = following_report(events, suggested, AGREEMENTS, Switchback(), WEIGHTS, START, START + timedelta(weeks=2))
    assert told["followed_share"]["shown"] == direct.share(is_shown=True) == 1.0
    assert sum(one["picks"] for one in told["followed"]) > 500
    turned = CliRunner().invoke(app, [*words[:4], "--from", "2026-01-20T00:00Z", *words[4:]])
    assert turned.exit_code == 2
