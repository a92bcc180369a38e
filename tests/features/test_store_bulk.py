"""Many rows at once: indices that are put off come back, whatever the book of words had to forget meanwhile."""

from __future__ import annotations

import sqlite3
from itertools import cycle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.schema import conform_ticket_events
from features.store import ConflictError, Store, bulk, open_store
from features.store import words as words_module
from features.store.engine import writing
from tests.features.builders import MONDAY, event, events

ROWS = 21_000  # more than what makes it worth while to put indices off


@pytest.fixture(scope="module")
def many() -> pd.DataFrame:
    number = np.arange(ROWS)
    at = MONDAY + pd.to_timedelta(number // 3 * 60, unit="s")
    texts = {
        "event_id": np.char.mod("own id %06d", number),
        "ticket_id": np.char.mod("T%05d", number // 3),
        "kind": np.array(["created", "updated", "status"])[number % 3],
        "team": np.char.mod("team %d", number % 7),
    }
    frame = pd.DataFrame({name: pd.Series(values, dtype="str") for name, values in texts.items()})
    recorded_at = at + pd.to_timedelta(number % 2, unit="s")
    return conform_ticket_events(frame.assign(event_at=at, recorded_at=recorded_at))


@pytest.mark.parametrize("remembered", [10, 1_000_000])
def test_an_empty_store_takes_many_rows_and_has_all_its_indices_again(many, tmp_path, monkeypatch, remembered):
    monkeypatch.setattr(words_module, "_REMEMBERED", remembered)
    monkeypatch.setattr("features.store.appending.BATCH_ROWS", 5_000)
    with open_store(f"sqlite:///{tmp_path / 'a.db'}") as store:
        store.append_ticket_events(many, "test")
        pd.testing.assert_frame_equal(store.ticket_events(), many, check_exact=True)
        again = store.append_ticket_events(many, "test")
    assert (again.inserted, again.duplicates) == (0, ROWS)
    assert _indices(tmp_path / "a.db") >= {"words_digest", "ticket_events_identity", "ticket_events_event_id"}


def test_a_fault_in_the_middle_leaves_an_empty_store_with_all_its_indices(many, tmp_path):
    def stop(_what: str, done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with open_store(f"sqlite:///{tmp_path / 'a.db'}") as store:
        with pytest.raises(KeyboardInterrupt):
            store.append_ticket_events(many, "test", progress=stop)
        assert store.last_sequence() == 0
        assert _indices(tmp_path / "a.db") >= {"words_digest", "ticket_events_identity", "ticket_events_event_id"}
        assert store.append_ticket_events(many, "test").inserted == ROWS


def test_a_conflict_is_found_where_many_rows_arrive_again(many, tmp_path):
    with open_store(f"sqlite:///{tmp_path / 'a.db'}") as store:
        store.append_ticket_events(many, "test")
        changed = many.assign(team=many["team"].where(many.index != 20_500, "team 99"))
        with pytest.raises(ConflictError, match="team is stored as 'team 4', now 'team 99'"):
            store.append_ticket_events(changed, "test")
        assert store.last_sequence() == ROWS


def _indices(file: Path) -> set[str]:
    with sqlite3.connect(file) as connection:
        return {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'index'")}


def test_texts_are_found_whether_their_numbers_are_near_or_far(tmp_path):
    """Dense runs, single numbers and wide gaps, each against the plain list of all words; a large store asks of few."""
    texts = [f"word {number}" for number in range(1, 3_001)]
    rng = np.random.default_rng(3)
    with open_store(f"sqlite:///{tmp_path / 'a.db'}") as store, writing(store._engine) as connection:
        given = words_module.WordBook(connection).numbers(texts)
        assert given.tolist() == list(range(1, 3_001))
        for chosen in (given, given[:1], given[::9], given[10:400], np.unique(rng.integers(1, 3_001, 300)), given[[0, *range(900, 960), 2_999]]):  # fmt: skip
            assert words_module.texts_of(connection, chosen).tolist() == [texts[number - 1] for number in chosen]


HOSTILE = [
    "",
    " ",
    'Ärger, "quoted"',
    "line\nbreak\r\n",
    "\\N",
    "\\.",
    "%s %(x)s {}",
    "NULL",
    "😀 \u0600 \u202e",
    "a" * 10_000,
]


@pytest.mark.parametrize("few", [0, bulk.FEW_ROWS, 1_000])
@pytest.mark.parametrize("rows", [1, bulk.FEW_ROWS, bulk.FEW_ROWS + 1, 60])
def test_few_and_many_rows_are_stored_alike(store: Store, monkeypatch: pytest.MonkeyPatch, few: int, rows: int) -> None:
    """Both ways into PostgreSQL, into an empty table and one that knows some of the rows, whatever their texts."""
    monkeypatch.setattr(bulk, "FEW_ROWS", few)
    frame = events(
        *(
            event(
                f"T{place}",
                place,
                event_id=f"own {place}",
                team=text,
                assignee=None if place % 3 else text,
                **{"attributes.title": text},
            )
            for place, text in zip(range(rows), cycle(HOSTILE), strict=False)
        )
    )
    half = frame.iloc[: rows // 2]
    counts = [store.append_ticket_events(part, "test") for part in (half, frame, frame)]
    assert [one.inserted for one in counts] == [len(half), rows - len(half), 0]
    assert [one.duplicates for one in counts] == [0, len(half), rows]
    pd.testing.assert_frame_equal(store.ticket_events(), frame, check_exact=True)
