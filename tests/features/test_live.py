"""Live histories know after any news what a rebuild would know, and build no more than the news."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features import histories as histories_module
from features.histories import Histories
from features.knowledge import Steps
from features.layers import Kept
from features.live import LiveHistories
from features.pipeline import build
from features.snapshots import open_snapshots
from sla.agreements.loading import parse_agreements
from sla.events import EventLog
from sla.instants import DAY_US
from tests.features.desk_logs import AGREEMENTS, agreements, busy_log, busy_services, frame, full_spec, logs

RULES, SPEC = agreements(), full_spec()
HOUR_US = DAY_US // 24
SLOW = settings(deadline=None, max_examples=12, suppress_health_check=list(HealthCheck))


def rebuilt_rows(histories: Histories, at_us: int, target: str) -> pd.DataFrame:
    """The features of all open tickets by ticket id, from histories made of all events at once."""
    snapshots = open_snapshots(histories, at_us)
    rows = build(histories, snapshots, SPEC, target)
    rows.index = pd.Index(histories.ticket_ids[snapshots.ticket].astype(str))
    return rows.sort_index()


def live_rows(live: LiveHistories, at_us: int, target: str) -> pd.DataFrame:
    """The same from live histories."""
    snapshots = live.open_snapshots(at_us)
    rows = live.matrix(snapshots, SPEC, target)
    rows.index = pd.Index(live.ticket_ids(snapshots).astype(str))
    return rows.sort_index()


def assert_equal(
    live: LiveHistories, known: pd.DataFrame, instants: list[int], target: str, services: pd.DataFrame | None = None
) -> None:
    histories = Histories.from_events(known, live.agreements, services)
    for at_us in instants:
        pd.testing.assert_frame_equal(
            live_rows(live, at_us, target), rebuilt_rows(histories, at_us, target), check_exact=True
        )


def instants_of(events: pd.DataFrame) -> list[int]:
    last = pd.Timestamp(events["event_at"].max()).value // 1000
    return [last, last - 20 * HOUR_US, last + 30 * HOUR_US]


@SLOW
@given(logs(tickets=6, events=40), st.data(), st.sampled_from(["resolution", "first_response"]))
def test_after_any_news_the_features_are_those_of_a_rebuild(events, data, target):
    """Rows come in random order: late, about the past, about finished tickets, with new words, and some twice."""
    kept = Kept(
        data.draw(st.sampled_from([0, 5 * HOUR_US, 900 * DAY_US])), data.draw(st.sampled_from([0, 8, 2_000])), 7
    )
    live = LiveHistories(
        RULES, share=data.draw(st.sampled_from([1, 2, 8])), fewest=data.draw(st.sampled_from([0, 5, 2_000])), kept=kept
    )
    end = 0
    while end < len(events):
        begin, end = end, end + data.draw(st.integers(1, 12))
        again = data.draw(st.integers(0, begin)) if data.draw(st.booleans()) else begin
        live = live.with_news(events.iloc[again:end])
        assert_equal(live, events.iloc[:end], [data.draw(st.sampled_from(instants_of(events.iloc[:end])))], target)
    assert_equal(live, events, instants_of(events), target)


@pytest.mark.parametrize(("seed", "target"), [(1, "resolution"), (2, "first_response")])
def test_a_busy_desk_stays_equal_through_many_merges(seed, target):
    events = busy_log(seed, tickets=9, events=80)
    events = events.iloc[np.random.default_rng(seed).permutation(len(events))].reset_index(drop=True)
    live, layers = LiveHistories(RULES, share=1, fewest=10, kept=Kept(HOUR_US, 0, 7)), set()
    for begin in range(0, len(events), 6):
        live = live.with_news(events.iloc[begin : begin + 6])
        layers.add(len(live.layers))
        known = events.iloc[: begin + 6]
        assert_equal(live, known, instants_of(known)[begin // 6 % 3 :][:1], target)
    assert_equal(live, events, instants_of(events), target)
    assert max(layers) > 1


def test_news_of_services_are_known_at_once_and_those_that_come_late_too():
    events, services = busy_log(8, tickets=6, events=48), busy_services(8, events=24)
    order = np.random.default_rng(8).permutation(len(services))
    services = services.iloc[order].reset_index(drop=True)
    live, told = LiveHistories(RULES, fewest=0, kept=Kept(HOUR_US, 0, 7)), []
    for place in range(3):
        known, of_services = events.iloc[: 16 * (place + 1)], services.iloc[: 8 * (place + 1)]
        live = live.with_service_news(services.iloc[8 * place : 8 * (place + 1)])
        live = live.with_news(events.iloc[16 * place : 16 * (place + 1)])
        assert_equal(live, known, instants_of(known)[:2], "resolution", of_services)
        rows = live_rows(live, instants_of(known)[0], "resolution")
        told.append(rows.filter(like="service_").to_numpy())
    assert any(np.nan_to_num(rows).any() for rows in told)
    without = live_rows(LiveHistories.of(events, RULES), instants_of(events)[0], "resolution")
    assert not without.equals(live_rows(live, instants_of(events)[0], "resolution"))


def test_recent_instants_are_answered_without_whole_histories_of_finished_tickets(monkeypatch):
    """An earlier one needs them; a finished ticket is looked at with its own events alone."""
    rows = [
        {"ticket": f"old {number}", "minute": 10 * number + minute, "status": status, "team": "desk"}
        for number in range(60)
        for minute, status in ((0, "new"), (60, "resolved"))
    ]
    events = frame([*rows, {"ticket": "A", "minute": 50 * 1440, "status": "new", "team": "desk"}])
    live = LiveHistories(RULES, kept=Kept(35 * DAY_US, 0, 30)).with_news(events)
    built: list[int] = []
    steps_of = Steps.of

    def counted(log: EventLog) -> Steps:
        built.append(len(log.at_us))
        return steps_of(log)

    monkeypatch.setattr(Steps, "of", counted)
    at_us = instants_of(events)[0]
    recent = live_rows(live, at_us, "resolution")
    assert max(built) <= 30
    built.clear()
    assert live.looked_at("old 7", at_us) is not None
    assert max(built, default=0) <= 2
    built.clear()
    early_us = at_us - 50 * DAY_US + 30 * 60_000_000
    live_rows(live, early_us, "resolution")
    assert max(built) == len(rows)
    monkeypatch.undo()
    assert recent.index.tolist() == ["A"]
    assert_equal(live, events, [at_us, early_us], "resolution")


def test_events_that_are_known_already_change_nothing():
    events = busy_log(4)
    live = LiveHistories.of(events, RULES)
    assert live.with_news(events.iloc[10:30]) is live
    assert live.with_news(events.iloc[:0]) is live


def test_a_finished_ticket_that_is_opened_again_moves_every_sum_it_is_part_of():
    rows: list[dict[str, Any]] = [
        {"ticket": "A", "minute": 0, "status": "new", "priority": "high", "team": "network"},
        {"ticket": "B", "minute": 10, "status": "new", "priority": "high", "team": "network"},
        {"ticket": "A", "minute": 500, "status": "resolved"},
        {"ticket": "A", "minute": 600, "status": "open", "team": "desk"},
    ]
    events = frame(rows)
    live = LiveHistories(RULES, fewest=0, share=1).with_news(events.iloc[:3])
    before = live_rows(live, instants_of(events)[0], "resolution")
    live = live.with_news(events.iloc[3:])
    after = live_rows(live, instants_of(events)[0] + 1_000_000, "resolution")
    assert before.index.tolist() == ["B"]
    assert after.index.tolist() == ["A", "B"]
    assert_equal(live, events, instants_of(events), "resolution")


@SLOW
@given(logs(tickets=6, events=40), st.data(), st.sampled_from(["resolution", "first_response"]))
def test_tickets_looked_at_alone_are_told_what_they_are_among_all_others(events, data, target):
    kept = Kept(5 * HOUR_US, data.draw(st.sampled_from([0, 8, 2_000])), 7)
    live = LiveHistories(RULES, fewest=0, kept=kept)
    for part in (events.iloc[:20], events.iloc[20:]):
        live = live.with_news(part)
    everyone = live.open_snapshots(data.draw(st.sampled_from(instants_of(events))))
    whole = live.matrix(everyone, SPEC, target)
    some_of_them = st.lists(st.sampled_from(range(len(everyone))), max_size=3) if len(everyone) else st.just([])
    chosen = np.array(data.draw(some_of_them | st.just(list(range(len(everyone)))[::-1])), np.int64)
    alone, mine = live.narrowed(everyone.take(chosen))
    again, same = alone.narrowed(mine)
    for some, snapshots in ((alone, mine), (again, same)):
        assert some.ticket_ids(snapshots).tolist() == live.ticket_ids(everyone)[chosen].tolist()
        found = some.matrix(snapshots, SPEC, target)
        pd.testing.assert_frame_equal(found, whole.iloc[chosen].reset_index(drop=True), check_exact=True)
        assert sum(len(layer) for layer in some.layers) <= events["ticket_id"].isin(some.ticket_ids(snapshots)).sum()


@pytest.mark.parametrize(("share", "fewest"), [(0, 0), (8, 2_000)])
def test_tickets_are_found_again_among_those_of_any_earlier_state(share: int, fewest: int) -> None:
    events = busy_log(1, tickets=20, events=150)
    parts = np.array_split(np.random.default_rng(1).permutation(len(events)), [len(events) // 2, -9, -3, -1])
    state, at_us = LiveHistories(agreements(), share=share, fewest=fewest), int(events["event_at"].max().value // 1000)
    states = []
    for part in parts:
        state = state.with_news(events.iloc[part])
        states.append((state, state.open_snapshots(at_us)))
    assert (len(states[-1][0].layers) > 1) is (share == 0)
    for place, (then, told) in enumerate(states):
        ids = then.ticket_ids(told).tolist()
        for now, asked in states[place:]:
            expected = [ids.index(one) if one in ids else -1 for one in now.ticket_ids(asked).tolist()]
            assert now.places_among(asked, then, told).tolist() == expected
            assert now.numbers(now.ticket_ids(asked)).tolist() == asked.ticket.tolist()


def test_readers_of_an_earlier_state_see_what_it_knew():
    events = busy_log(5)
    earlier = LiveHistories(RULES, fewest=0).with_news(events.iloc[:40])
    at_us = instants_of(events)[0]
    expected = live_rows(earlier, at_us, "resolution")
    later = earlier.with_news(events.iloc[40:])
    pd.testing.assert_frame_equal(live_rows(earlier, at_us, "resolution"), expected, check_exact=True)
    assert not live_rows(later, at_us, "resolution").equals(expected)


def test_other_agreements_are_a_rebuild_under_them():
    events = busy_log(6)
    stricter = parse_agreements(AGREEMENTS.replace("within: 3 h", "within: 1 h"), source="test desk")
    live = LiveHistories(RULES, fewest=0).with_news(events.iloc[:30]).with_news(events.iloc[30:])
    assert_equal(live.under(stricter), events, instants_of(events), "resolution")
    assert_equal(live, events, instants_of(events), "resolution")


def test_what_is_built_grows_with_the_news_and_not_with_the_log():
    """Fifteen hundred finished tickets, then news of one event each: what is built for each is a few rows (here 22), merges included."""
    old = [
        {"ticket": f"old {number}", "minute": minute, "status": status, "team": "desk"}
        for number in range(1_500)
        for minute, status in ((number % 900, "new"), (number % 900 + 60, "resolved"))
    ]
    live = LiveHistories(RULES, fewest=0).with_news(frame(old))
    begun, news = live.rows_built, 60
    for place in range(news):
        row = {"ticket": f"new {place % 20}", "minute": 2_000 + place, "status": "open", "team": f"team {place}"}
        live = live.with_news(frame([row]))
    built = live.rows_built - begun
    assert begun == 3_000
    assert built < 40 * news  # one rebuild of the whole log for each news is 3,000 rows
    assert len(live.layers) <= 5
    assert live.number("new 7") is not None
    assert live.number("old 7") is not None
    assert live.number("never heard of") is None


@SLOW
@given(logs(tickets=6, events=40), st.booleans())
def test_steps_shared_with_a_log_in_order_are_those_worked_out_from_any_log(events, is_in_order):
    if is_in_order:
        events = events.assign(recorded_at=events["event_at"])
    log = Histories.from_events(events, RULES).log
    shared, worked_out = Steps.of(log), Steps.of(log.unfilled())
    for name in ("ticket", "known_us", "at_us", "row"):
        assert (getattr(shared, name) == getattr(worked_out, name)).all()
    for name, codes in worked_out.codes.items():
        assert (shared.codes[name] == codes).all(), name
    if is_in_order:
        assert np.shares_memory(shared.at_us, log.at_us)


def test_histories_are_long_from_so_many_rows_on_of_one_part() -> None:
    events = busy_log(3, tickets=30)
    rows = max(len(log.at_us) for log in LiveHistories.of(events, RULES).logs())
    for whole_rows, is_long in ((rows, False), (rows - 1, True)):
        assert LiveHistories(RULES, kept=Kept(whole_rows=whole_rows)).with_news(events).is_long is is_long


def test_few_tickets_are_judged_once_for_their_row_and_their_features(monkeypatch: pytest.MonkeyPatch) -> None:
    live = LiveHistories.of(busy_log(5, tickets=12), RULES)
    at_us = max(int(log.at_us.max()) for log in live.logs())
    (layer,) = live.layers
    held, over = layer.open, [layer.over.log]
    asked: list[tuple[str, int]] = []
    judge = histories_module.verdicts_at

    def counting(log: EventLog, rules: Any, target: str, ticket: Any, instants: Any) -> Any:
        asked.append((target, len(ticket)))
        return judge(log, rules, target, ticket, instants)

    monkeypatch.setattr(histories_module, "verdicts_at", counting)
    for later in (0, HOUR_US):  # another instant is another question
        snapshots = live.open_snapshots(at_us + later)
        told = live.verdicts(snapshots, "resolution")
        slowly = LiveHistories.of(busy_log(5, tickets=12), RULES).verdicts(snapshots, "resolution")
        assert told.due_us.tolist() == slowly.due_us.tolist()
        assert told.remaining_us.tolist() == slowly.remaining_us.tolist()
        asked.clear()
        live.matrix(snapshots, SPEC, "resolution")
        assert asked == (
            [] if later else [("resolution", sum(len(log.at_us) for log in over))]
        )  # how those ended, once
        assert live.verdicts(snapshots.take(np.array([0])), "resolution").due_us.tolist() == told.due_us[:1].tolist()
        assert asked[-1] == ("resolution", 1)
    assert live.verdicts(snapshots.take(np.array([0])), "first_response").state.size == 1
    assert asked[-1] == ("first_response", 1 + len(held.log.at_us))  # and its steps, of which features ask next
