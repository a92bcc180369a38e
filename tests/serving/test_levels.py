"""Service levels: counted once, in the month of the decision, beside what the calculator says ticket by ticket."""

from __future__ import annotations

import csv
import io
import itertools
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.live import LiveHistories
from serving import decided_clocks as module
from serving.access.roles import Role
from serving.decided_clocks import decided_clocks
from serving.levels import Attained, Month, chance_to_miss, goal_of, levels_report, worst_first
from serving.levels_book import LevelsBook
from serving.web.levels_page import Share, common_to
from sla.clocks.clock_table import ClockTable
from sla.clocks.replay import replay
from sla.clocks.ticket_clocks import replay_ticket
from sla.clocks.verdicts import VerdictState
from sla.events import EventLog
from tests.serving.real_desk import AT, agreements, random_events
from tests.serving.stored_desk import NOWHERE, Desk, logged_in

EVENTS = random_events(90, seed=3)
MAY = Month(2016, 5)


@pytest.fixture(scope="module")
def histories() -> LiveHistories:
    return LiveHistories.of(EVENTS, agreements())


@pytest.fixture(scope="module")
def clocks(histories: LiveHistories) -> pd.DataFrame:
    return decided_clocks(histories, AT, "UTC")


def test_every_decided_clock_counts_once_as_its_verdict_says(histories: LiveHistories, clocks: pd.DataFrame) -> None:
    expected: Counter[tuple[str, str, bool]] = Counter()
    for log in histories.logs():
        for ticket in log.ticket_ids:
            seen = [event for event in log.events_of(str(ticket)) if event.at_us <= AT.timestamp() * 1e6]
            for verdict in replay_ticket(seen, histories.agreements, AT) if seen else ():
                if verdict.is_breached or verdict.state is VerdictState.MET:
                    expected[str(ticket), verdict.target, not verdict.is_breached] += 1
    found = Counter(zip(clocks["ticket_id"], clocks["target"], clocks["is_met"].astype(bool), strict=True))
    assert found == expected
    assert len({met for _ticket, _target, met in found}) == 2


def test_clocks_decided_are_the_same_in_blocks_of_few_tickets_and_their_ids_stay_texts(
    histories: LiveHistories, clocks: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []

    def counted(log: EventLog, *how: Any) -> ClockTable:
        sizes.append(len(log.at_us))
        return replay(log, *how)

    monkeypatch.setattr(module, "replay", counted)
    monkeypatch.setattr(module, "BLOCK_ROWS", 1)  # every ticket alone, also those of which nothing is decided
    alone = decided_clocks(histories, AT, "UTC")
    assert len(sizes) == sum(len(log.ticket_ids) for log in histories.logs())
    key = {"by": ["ticket_id", "target", "decided_at"], "ignore_index": True}
    pd.testing.assert_frame_equal(alone.sort_values(**key), clocks.sort_values(**key))  # type: ignore[call-overload]
    assert alone["ticket_id"].dtype == "str"


@given(
    late=st.lists(st.tuples(st.integers(1, 3), st.sampled_from("abcd")), max_size=30),
    most=st.none() | st.integers(1, 9),
)
def test_the_worst_few_are_those_that_all_of_them_begin_with(late: list[tuple[int, str]], most: int | None) -> None:
    missed = pd.DataFrame(late, columns=["overdue_seconds", "ticket_id"]).astype({"overdue_seconds": float})
    places = sorted(range(len(late)), key=lambda place: (-late[place][0], late[place][1]))
    assert worst_first(missed, most).index.tolist() == places[:most]


def test_what_was_not_known_yet_does_not_count(histories: LiveHistories) -> None:
    early = AT - timedelta(days=2)
    cut = EVENTS[(EVENTS["event_at"] <= early) & (EVENTS["recorded_at"] <= early)]
    forgetful = decided_clocks(LiveHistories.of(cut, agreements()), early, "UTC")
    remembering = decided_clocks(histories, early, "UTC")
    columns = ["ticket_id", "target", "is_met", "decided_at", "team"]
    key = {"by": columns, "ignore_index": True}
    pd.testing.assert_frame_equal(remembering[columns].sort_values(**key), forgetful[columns].sort_values(**key))  # type: ignore[call-overload]


def test_the_levels_add_up_to_the_clocks(clocks: pd.DataFrame) -> None:
    report = levels_report(clocks, agreements(), Month.of(AT, "UTC"), 12)
    assert sum(found.total for level in report.levels for found in level.months) == len(report.clocks)
    last = report.months[-1]
    missed = sum(level.months[-1].missed for level in report.levels)
    assert len(report.missed_in(last)) == missed
    assert set(report.missed_in(last).index) == set(report.all_missed_in(last).index)
    near = report.near_misses_in(last)
    assert near["is_met"].all()
    assert (near["share_used"] >= 0.95).all()


@pytest.mark.parametrize(
    ("met", "missed", "word"), [(0, 0, "none"), (95, 5, "close"), (94, 6, "missed"), (96, 4, "close"), (98, 2, "kept"), (3, 0, "kept")]
)  # fmt: skip
def test_a_month_has_one_word(met: int, missed: int, word: str) -> None:
    assert Attained(MAY, met, missed, 0.95, True).word == word


def test_a_goal_is_the_strictest_service_credit() -> None:
    class Credit:
        def __init__(self, below: float) -> None:
            self.below_percent = below

    class Target:
        metric, credits = "resolution", (Credit(95), Credit(98), Credit(90))

    class Agreement:
        name, targets = "Gold", (Target(),)

    class Set:
        agreements = (Agreement(),)

    assert goal_of(Set(), "Gold", "resolution") == 0.98  # type: ignore[arg-type]
    assert goal_of(Set(), "Gold", "first_response") is None  # type: ignore[arg-type]
    assert goal_of(Set(), "Silver", "resolution") is None  # type: ignore[arg-type]


@settings(max_examples=60)
@given(st.lists(st.floats(0, 1), max_size=7), st.integers(0, 12), st.integers(0, 4), st.sampled_from([0.5, 0.8, 0.95, 1.0]))  # fmt: skip
def test_the_chance_to_miss_is_that_of_all_outcomes(chances: list[float], met: int, missed: int, goal: float) -> None:
    attained = Attained(MAY, met, missed, goal, False)
    found = chance_to_miss(attained, chances)
    total = met + missed + len(chances)
    if total == 0:
        assert found is None
        return
    expected = 0.0
    for outcome in itertools.product((0, 1), repeat=len(chances)):
        weight = np.prod([chance if late else 1 - chance for late, chance in zip(outcome, chances, strict=True)] or [1.0])  # fmt: skip
        if (total - missed - sum(outcome)) / total < goal - 1e-12:
            expected += float(weight)
    assert found == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("count", [257, 1_000])
def test_the_chance_to_miss_of_many_is_that_of_one_added_after_the_other(count: int) -> None:
    chances = np.random.default_rng(count).random(count) * 0.2
    late = np.ones(1)
    for chance in chances:
        late = np.convolve(late, (1.0 - chance, chance))
    for goal in (0.88, 0.9, 0.92):
        allowed = int(np.floor((1.0 - goal) * (count + 50) + 1e-9)) - 4  # of 50 decided, 4 were missed
        found = chance_to_miss(Attained(MAY, 46, 4, goal, False), chances.tolist())
        assert found == pytest.approx(late[allowed + 1 :].sum(), abs=1e-9)
        assert 1e-6 < late[allowed + 1 :].sum() < 1 - 1e-6


def test_months_are_the_desks() -> None:
    midnight = datetime(2016, 4, 30, 22, 30, tzinfo=UTC)
    assert str(Month.of(midnight, "Europe/Berlin")) == "2016-05"
    assert str(Month.of(midnight, "UTC")) == "2016-04"
    assert (str(MAY.plus(8)), str(MAY.plus(-5))) == ("2017-01", "2015-12")
    assert Month.read("2016-05") == MAY
    assert [Month.read(text) for text in ("2016-13", "", "May", "2016-05-01")] == [None] * 4


def test_the_book_keeps_what_it_worked_out_for_minutes(desk: Desk) -> None:
    asked = []

    def known() -> LiveHistories:
        asked.append(1)
        return desk.service.source.histories

    book, queue = LevelsBook(known), desk.service.queue()[0]
    assert book.clocks(queue) is book.clocks(queue)
    assert asked == [1]


def test_the_api_tells_levels_near_misses_and_deviations_of_ones_own_teams(guarded: Desk) -> None:
    everything = guarded.client(Role.MANAGER).get("/api/v1/reports/service-levels").json()
    assert everything["levels"]
    total = sum(month["missed"] for level in everything["levels"] for month in level["months"][-1:])
    assert everything["missed_total"] == total == len(everything["missed"])
    nowhere = guarded.client(token=NOWHERE.text).get("/api/v1/reports/service-levels").json()
    assert nowhere["levels"] == nowhere["missed"] == []
    for query in ("month=May", "months=0", "goal=2"):
        assert guarded.client(Role.READER).get(f"/api/v1/reports/service-levels?{query}").status_code == 422


def test_the_page_shows_each_target_and_month_in_words_and_its_csv_has_the_same_numbers(desk: Desk) -> None:
    client = desk.client()
    page = client.get("/levels").text
    found = client.get("/api/v1/reports/service-levels?months=12").json()
    table = client.get("/levels.csv").text.lstrip("\ufeff").splitlines()
    assert len(table) == 1 + sum(len(level["months"]) for level in found["levels"])
    for level in found["levels"]:
        assert level["agreement"] in page
    assert 'aria-current="page"' in page
    assert "None decided" in client.get("/levels?month=2001-01").text
    assert client.get("/levels?month=nonsense").status_code == 200  # an old link still opens


def test_all_deviations_of_a_month_are_in_their_csv_the_worst_first(desk: Desk) -> None:
    client = desk.client()
    month = client.get("/api/v1/reports/service-levels").json()["month"]
    found = client.get(f"/api/v1/reports/service-levels?month={month}").json()
    answer = client.get(f"/levels.csv?month={month}&of=deviations")
    assert f"deviations-{month}.csv" in answer.headers["content-disposition"]
    lines = list(csv.DictReader(io.StringIO(answer.text.lstrip("\ufeff"))))
    assert len(lines) == found["missed_total"] > 0
    assert [line["ticket_id"] for line in lines] == [one["ticket_id"] for one in found["missed"]]
    over = [float(line["overdue_seconds"]) for line in lines]
    assert over == sorted(over, reverse=True)
    assert lines[0]["decided_at"].endswith("Z")
    page = client.get(f"/levels?month={month}").text
    assert f"/levels.csv?month={month}&amp;of=deviations" in page


def test_what_was_missed_more_than_elsewhere_is_named() -> None:
    rows = [("Network", "Mail", place >= 8) for place in range(10)] + [
        ("Desk", "Web", place < 9) for place in range(10)
    ]
    rows += [("Desk", "Mail", True)] * 10 + [("", "Mail", False)] * 3
    decided = pd.DataFrame(rows, columns=["team", "service", "is_met"]).assign(category="", priority="3")
    found = list(common_to(decided[~decided["is_met"]], decided))
    # 12 of 33 are missed: of ten usually 3.6, of 23 usually 8.4; a text that is missing is no cause
    assert found == [Share("team", "Network", 8, 10), Share("service", "Mail", 11, 23)]
    assert list(common_to(decided.iloc[:0], decided)) == []
    alone = decided[~decided["is_met"]].iloc[:1]
    assert list(common_to(alone, decided)) == []  # one is chance


def test_a_reader_finds_the_page(desk: Desk) -> None:
    desk.add_keys()
    assert logged_in(desk, Role.READER, "/levels").get("/levels").status_code == 200


@settings(deadline=None)
@given(
    st.lists(st.integers(-(10**9), 2 * 10**9), max_size=30),
    st.sampled_from(["UTC", "Europe/Berlin", "Pacific/Apia", "America/St_Johns"]),
)
def test_months_are_those_of_the_local_calendar_in_order(seconds: list[int], zone: str) -> None:
    local = pd.Series(pd.to_datetime(seconds, unit="s", utc=True)).dt.tz_convert(zone)
    found = module._months(local)
    assert found.tolist() == [one.strftime("%Y-%m") for one in local]
    assert found.categories.tolist() == sorted(set(found.tolist()))


def test_shared_texts_are_those_that_occur_in_their_order_over_all_parts() -> None:
    parts = [
        module._coded(np.array(codes, np.int64), texts)
        for codes, texts in (([2, 0, -1], "cba"), ([], "z"), ([1, 1], "ab"))
    ]
    found = module._category(parts)
    assert found.tolist() == ["a", "c", "", "b", "b"]
    assert found.categories.tolist() == ["", "a", "b", "c"]
    assert module._category([]).tolist() == []
    assert module._coded(np.array([0, 1, -1]), ["same", "same"]).texts().tolist() == ["same", "same", ""]


def test_a_ticket_that_never_had_a_text_or_had_it_later_has_none() -> None:
    at = [1_000, 2_000, 3_000, 4_000]
    log = EventLog.from_columns(["A", "B", "B", "C"], at, at, list("wxyz"), {"team": [None, "one", "two", "late"]})
    ticket = np.array([2, 1, 0, 1])
    assert module._last_texts(log, "team", 3_500, ticket).texts().tolist() == ["", "two", "", "two"]
    assert module._last_texts(log, "team", 2_500, ticket).texts().tolist() == ["", "one", "", "one"]
    assert module._last_texts(log, "service", 3_500, ticket).texts().tolist() == ["", "", "", ""]
