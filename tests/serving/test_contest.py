"""Who would have caught more on the same mornings, against plain loops."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from serving.quality.contest import LEAST_MISSED, LEAST_TICKETS, RULES, contest, mornings_of
from serving.quality.figures import brier, roc_auc
from tests.serving.said_and_ended import NOW, a_month, clocks_of, said_of


@dataclass(frozen=True)
class Morning:
    """The queue of one morning: ticket, its score by each contender, whether it missed."""

    rows: list[tuple[str, tuple[float, ...], bool]]

    def caught(self, place: int, top: int) -> int:
        return sum(missed for _ticket, _scores, missed in sorted(self.rows, key=lambda row: -row[1][place])[:top])

    @property
    def missed(self) -> int:
        return sum(row[2] for row in self.rows)


def slow_mornings(
    said: pd.DataFrame, clocks: pd.DataFrame, mornings: list[datetime], versions: list[str]
) -> list[Morning]:
    """Each morning on which there was something to judge, by plain loops."""
    ends = {row.ticket_id: row for row in clocks.itertuples()}
    rows = sorted(said.itertuples(), key=lambda row: row.scored_at)
    found = []
    for at in mornings:
        last = {(row.ticket_id, row.bundle_version): row for row in rows if row.scored_at <= at}
        queue = []
        for ticket, end in ends.items():
            if end.decided_at <= at or any((ticket, version) not in last for version in versions):
                continue
            due = last[ticket, versions[0]].due_at
            left = float("inf") if pd.isna(due) else (due - at).total_seconds()
            scores = (*(last[ticket, version].probability for version in versions), -left)
            queue.append((ticket, scores, not end.is_met))
        if queue:
            found.append(Morning(queue))
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_every_morning_is_played_again_as_plain_loops_have_it(seed: int) -> None:
    said, clocks = a_month(seed)
    mornings = mornings_of(NOW - timedelta(days=13), NOW, "Europe/Berlin")
    assert len(mornings) == 13
    assert {(at.hour, at.utcoffset()) for at in mornings} == {(8, timedelta(hours=2))}
    found = contest(said, clocks, "resolution", "v1", mornings)
    assert found is not None
    assert [one.name for one in found.contenders] == ["v1", "v2", RULES]
    slow = slow_mornings(said, clocks, mornings, ["v1", "v2"])
    assert found.mornings == len(slow)
    assert found.missed == sum(one.missed for one in slow)
    assert found.tickets == len({row[0] for one in slow for row in one.rows})
    usual = sum(len(one.rows) for one in slow) / len(slow)
    assert found.tops == tuple(top for top in (5, 10, 20, 50) if top < usual)
    assert found.possible == tuple(sum(min(top, one.missed) for one in slow) for top in found.tops)
    for place, one in enumerate(found.contenders):
        assert one.caught == tuple(sum(day.caught(place, top) for day in slow) for top in found.tops)
        score = np.array([row[1][place] for day in slow for row in day.rows])
        came = np.array([float(row[2]) for day in slow for row in day.rows])
        assert one.auc == pytest.approx(roc_auc(score, came))
        assert one.brier == (None if one.name == RULES else pytest.approx(brier(score, came)))
    assert found.contenders[2].brier is None
    alone = contest(said[~said["is_shadow"]], clocks, "resolution", "v1", mornings)
    assert alone is not None
    assert [one.name for one in alone.contenders] == ["v1", RULES]
    assert alone.tickets >= found.tickets


def test_who_knows_all_catches_all_there_is() -> None:
    said, clocks = a_month(3)
    missed = dict(zip(clocks["ticket_id"], ~clocks["is_met"], strict=True))
    said["probability"] = [float(missed.get(ticket, 0)) for ticket in said["ticket_id"]]
    found = contest(said, clocks, "resolution", "v1", mornings_of(NOW - timedelta(days=13), NOW, "UTC"))
    assert found is not None
    assert (found.contenders[0].caught, found.contenders[0].auc, found.contenders[0].brier) == (
        found.possible,
        1.0,
        0.0,
    )


def test_what_is_said_at_the_morning_counts_and_what_was_decided_then_does_not() -> None:
    morning = NOW - timedelta(hours=4)
    said = said_of([(f"T{place}", 4, place / 100, "v1", False, 1) for place in range(80)])
    ends = {f"T{place}": (4 if place < 40 else 1, place % 2 == 0) for place in range(80)}
    found = contest(said, clocks_of(ends), "resolution", "v1", [morning])
    assert found is not None
    assert (found.tickets, found.missed, found.since, found.until) == (40, 20, morning, morning)
    same = pd.concat([said, said.assign(is_shadow=True)], ignore_index=True)  # the challenger was promoted since
    alone = contest(same, clocks_of(ends), "resolution", "v1", [morning])
    assert alone is not None
    assert [one.name for one in alone.contenders] == ["v1", RULES]


def test_mornings_lie_between_both_instants() -> None:
    eight = datetime(2026, 6, 1, 8, tzinfo=UTC)
    assert mornings_of(eight - timedelta(days=2), eight, "UTC") == [
        eight - timedelta(days=place) for place in (2, 1, 0)
    ]
    assert mornings_of(eight + timedelta(seconds=1), eight + timedelta(hours=23), "UTC") == []


def test_with_too_little_there_is_no_contest() -> None:
    said, clocks = a_month(1)
    mornings = mornings_of(NOW - timedelta(days=13), NOW, "UTC")
    assert contest(said, clocks, "resolution", "v9", mornings) is None
    assert contest(said[said["is_shadow"]], clocks, "resolution", "v1", mornings) is None
    assert contest(said, clocks, "resolution", "v1", []) is None
    assert contest(said, clocks[: LEAST_TICKETS - 1], "resolution", "v1", mornings) is None
    assert contest(said, clocks.assign(is_met=True), "resolution", "v1", mornings) is None
    met = clocks.assign(is_met=[place >= LEAST_MISSED - 2 for place in range(len(clocks))])
    few = contest(said, met, "resolution", "v1", mornings)
    assert few is None or few.missed >= LEAST_MISSED
