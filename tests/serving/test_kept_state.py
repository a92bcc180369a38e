"""What is known of tickets is kept for the next start: over each kind of store, and never what was erased from it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from mmap import mmap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.layers import Kept
from features.live import LiveHistories
from features.store import Store, open_store
from features.store.backup import back_up
from features.store.erasure import erase_customer, erase_older
from features.store.migration import up_to_date
from serving.kept_state import KeptState, forget_states
from serving.known_events import Known
from serving.scorer import Scorer
from sla.agreements.agreement_set import AgreementSet
from sla.events import EventLog
from tests.serving.real_desk import AT, agreements, fitted_bundle, random_events

EVENTS = random_events(40)
HALF = len(EVENTS) // 2
ALL = Kept(whole_rows=0)
RULES = agreements()
NAME = "Ada Byron"


@pytest.fixture
def url(empty_database: str) -> str:
    return empty_database


def empty(rules: AgreementSet) -> LiveHistories:
    """Every part is long."""
    return LiveHistories(rules, kept=ALL)


class Counted:
    """The store, as the scorer asks it; how many rows each reading gave."""

    def __init__(self, store: Store, reads: list[int]) -> None:
        self._reads, self._log = reads, store.ticket_event_log
        self.last_sequence, self.last_service_sequence = store.last_sequence, store.last_service_sequence
        self.service_events = store.service_events

    def ticket_event_log(self, *, since_sequence: int, up_to_sequence: int) -> EventLog:
        log = self._log(since_sequence=since_sequence, up_to_sequence=up_to_sequence)
        self._reads.append(len(log.at_us))
        return log


class Process:
    """A service's scorer and what it keeps, without threads."""

    def __init__(self, store: Store, folder: Path, rules: AgreementSet = RULES) -> None:
        self.kept = KeptState(folder, store.url, store.reading_marks, empty)
        self.reads: list[int] = []

        self.scorer = Scorer(Counted(store, self.reads), rules, fitted_bundle(EVENTS), recall=self.kept.recall)
        self.kept.watch(lambda: self.scorer.known, self.scorer.go_on_from)

    def keeps(self) -> bool:
        """Whether a file was written, in the two rounds that it takes."""
        return any([self.kept.keep(), self.kept.keep()])

    def rows(self) -> list:
        return list(self.scorer.score(AT).rows)


def files(folder: Path) -> list[Path]:
    return list((folder / "state").glob("*"))


def first_start(store: Store, folder: Path) -> Process:
    store.append_ticket_events(EVENTS.iloc[:HALF], "test")
    first = Process(store, folder)
    first.rows()
    assert first.keeps()
    return first


def test_a_restart_reads_only_what_is_newer_and_scores_as_if_it_had_read_all(url: str, tmp_path: Path):
    with open_store(url) as store:
        first = first_start(store, tmp_path)
        assert first.reads == [HALF]
        assert not first.keeps()  # nothing new
        store.append_ticket_events(EVENTS.iloc[HALF - 10 :], "test")  # some again
        again = Process(store, tmp_path)
        rows = again.rows()
        assert again.reads == [len(EVENTS) - HALF]
        assert rows == Process(store, tmp_path / "elsewhere").rows()
        assert any(row.probability is not None for row in rows)


def is_on_disk(known: Known | None) -> bool:
    """Whether the events of the largest layer are those of a file."""
    assert known is not None
    instants = known.histories.layers[0].open.log.at_us
    return isinstance(instants if instants.base is None else instants.base, np.memmap | mmap)


def test_who_wrote_the_file_goes_on_from_it_and_scores_as_before(url: str, tmp_path: Path):
    with open_store(url) as store:
        first = first_start(store, tmp_path)
        rows = first.rows()
        assert not is_on_disk(first.scorer.known)
        assert not first.scorer.read_news()  # nothing is new
        assert is_on_disk(first.scorer.known)
        assert list(first.scorer.refresh(AT).rows) == first.rows() == rows
        store.append_ticket_events(EVENTS.iloc[HALF:], "test")
        assert first.scorer.read_news()
        assert first.reads == [HALF, len(EVENTS) - HALF]
        refreshed = list(first.scorer.refresh(AT).rows)
        assert refreshed == first.rows() == Process(store, tmp_path / "elsewhere").rows() != rows


def test_what_was_kept_under_other_agreements_is_not_gone_on_from(tmp_path: Path):
    with open_store(f"sqlite:///{tmp_path / 'desk.db'}") as store:
        first = first_start(store, tmp_path)
        first.scorer.use_agreements(agreements())  # the same once more, read anew
        assert not first.scorer.read_news()
        assert not is_on_disk(first.scorer.known)
        assert first.reads == [HALF]


def test_news_between_the_writing_and_the_going_on_are_read_once_more(url: str, tmp_path: Path):
    with open_store(url) as store:
        first = first_start(store, tmp_path)
        kept = first.scorer._kept
        first.scorer._kept = None  # it comes later
        store.append_ticket_events(EVENTS.iloc[HALF:], "test")
        assert first.scorer.read_news()
        assert kept is not None
        first.scorer.go_on_from(kept)
        assert first.scorer.read_news()
        assert first.reads == [HALF, len(EVENTS) - HALF, len(EVENTS) - HALF]
        assert first.rows() == Process(store, tmp_path / "elsewhere").rows()


def test_what_was_erased_is_neither_recalled_nor_written_by_who_read_it_before(url: str, tmp_path: Path):
    with open_store(url) as store:
        named = EVENTS.assign(customer=pd.Series(NAME, index=EVENTS.index, dtype="str"))
        store.append_ticket_events(named, "test")
        first, other = Process(store, tmp_path), Process(store, tmp_path / "other")
        for one in (first, other):
            one.rows()
        assert first.keeps()
        (path,) = files(tmp_path)
        assert NAME.encode() in path.read_bytes()
        with up_to_date(url) as engine:
            erase_customer(engine, NAME, "erased-1", AT, "tester")
        assert not other.keeps()
        assert not files(tmp_path / "other")
        again = Process(store, tmp_path)
        customers = {row.customer for row in again.rows()}
        assert customers == {"erased-1"}
        assert again.reads == [len(EVENTS)]
        assert not files(tmp_path)
        assert again.keeps()
        assert NAME.encode() not in files(tmp_path)[0].read_bytes()
        first.scorer.read_news()
        store.append_ticket_events(_more(), "test")
        assert first.scorer.read_news()
        assert not first.keeps()  # it read before the erasure, and knows the name still
        assert not files(tmp_path)


def test_what_was_erased_of_old_tickets_is_neither_recalled_nor_written(url: str, tmp_path: Path):
    with open_store(url) as store:
        named = EVENTS.assign(assignee=pd.Series(NAME, index=EVENTS.index, dtype="str"))
        store.append_ticket_events(named, "test")
        first, other = Process(store, tmp_path), Process(store, tmp_path / "other")
        for one in (first, other):
            one.rows()
        assert first.keeps()
        with up_to_date(url) as engine:
            assert erase_older(engine, AT + timedelta(days=900), AT, "tester").tickets > 0
        assert not other.keeps()
        again = Process(store, tmp_path)
        assert NAME not in {row.assignee for row in again.rows()}
        assert again.reads == [len(EVENTS)]


def test_all_files_of_the_data_folder_are_removed(tmp_path: Path):
    (tmp_path / "state").mkdir()
    for name in ("tickets-a", "tickets-b", "other"):
        (tmp_path / "state" / name).write_bytes(b"x")
    assert forget_states(tmp_path) == 2
    assert [path.name for path in files(tmp_path)] == ["other"]


def test_a_file_is_written_when_nothing_else_changes_and_again_when_enough_is_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("serving.kept_state.FEWEST_ROWS", 1)
    with open_store(f"sqlite:///{tmp_path / 'desk.db'}") as store:
        first = Process(store, tmp_path)
        store.append_ticket_events(EVENTS.iloc[:-12], "test")
        first.rows()
        assert [first.kept.keep() for _ in range(3)] == [False, True, False]  # it stays as it is for a round
        for new, is_written in ((slice(-12, -8), False), (slice(-8, None), True)):  # a twentieth of 199 rows are 9
            store.append_ticket_events(EVENTS.iloc[new], "test")
            assert first.scorer.read_news()
            first.rows()
            assert first.keeps() is is_written
        again = Process(store, tmp_path)
        again.rows()
        assert not again.keeps()


def _more() -> pd.DataFrame:
    more = random_events(3, seed=9)
    return more.assign(ticket_id="N" + more["ticket_id"], event_id="N" + more["event_id"])


def test_a_copy_that_knows_more_than_a_restored_backup_is_refused(tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'desk.db'}"
    with open_store(url) as store:
        first = first_start(store, tmp_path)
        with up_to_date(url) as engine:
            back_up(engine, tmp_path / "backup.db")
        store.append_ticket_events(EVENTS.iloc[HALF:], "test")
        first.rows()
        first.kept._kept = None
        assert first.keeps()
    with open_store(f"sqlite:///{tmp_path / 'backup.db'}") as restored:
        restored.append_ticket_events(_more(), "test")
        kept = KeptState(tmp_path, url, restored.reading_marks, empty)  # where the file of the other lies
        assert kept.recall(RULES).last_sequence == 0
    assert not files(tmp_path)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes().replace(b'"mark"', b'"nark"')),
    ],
)
def test_a_damaged_file_is_removed_and_all_is_read_again(damage: Callable[[Path], object], tmp_path: Path):
    with open_store(f"sqlite:///{tmp_path / 'desk.db'}") as store:
        rows = first_start(store, tmp_path).rows()
        (path,) = files(tmp_path)
        damage(path)
        again = Process(store, tmp_path)
        assert again.rows() == rows
        assert again.reads == [HALF]
        assert not files(tmp_path)


def test_what_a_killed_process_left_half_written_is_removed(tmp_path: Path):
    with open_store(f"sqlite:///{tmp_path / 'desk.db'}") as store:
        first_start(store, tmp_path)
        (path,) = files(tmp_path)
        path.with_name(f"{path.name}.4711").write_bytes(b"half")
        Process(store, tmp_path).rows()
        assert files(tmp_path) == [path]
        assert forget_states(tmp_path) == 1
        assert not files(tmp_path)


def test_of_a_small_desk_nothing_is_kept(tmp_path: Path):
    with open_store(f"sqlite:///{tmp_path / 'desk.db'}") as store:
        store.append_ticket_events(EVENTS, "test")
        small = Process(store, tmp_path)
        small.scorer._recall = lambda rules: KeptState(tmp_path, store.url, store.reading_marks).recall(rules)
        small.rows()
        assert not small.keeps()


def test_marks_beyond_the_newest_hundred_stand_no_more(url: str):
    with open_store(url) as store:
        marks = [store.reading_marks.put(0) for _ in range(101)]
        assert [store.reading_marks.found(str(mark), 0) for mark in marks[:2]] == [None, 0]
        assert store.reading_marks.found(str(marks[-1]), 1) is None  # the store has no such event
        assert store.reading_marks.put(1) is None
        assert store.reading_marks.erasures() == 0
