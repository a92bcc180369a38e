"""What live histories know comes back from a file bit for bit, goes on from there, and is refused where anything is wrong with it."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.layers import Kept
from features.live import LiveHistories
from features.memory.array_file import ArrayFile, ArrayWriter, MemoryFileError
from features.memory.state import read_state, write_state
from features.snapshots import Snapshots
from sla.agreements.loading import parse_agreements
from sla.events import EventLog
from tests.features.desk_logs import AGREEMENTS, busy_log, frame, logs
from tests.features.test_live import HOUR_US, RULES, assert_equal, instants_of, live_rows


def assert_same_log(one: EventLog, other: EventLog) -> None:
    assert one.ticket_ids.tolist() == other.ticket_ids.tolist()
    assert one.event_ids.tolist() == other.event_ids.tolist()
    for name in ("offsets", "at_us", "recorded_us"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert list(one.columns) == list(other.columns)
    for name, column in one.columns.items():
        assert column.values == other.columns[name].values
        np.testing.assert_array_equal(column.codes, other.columns[name].codes)


@settings(deadline=None, max_examples=6, suppress_health_check=list(HealthCheck))
@given(logs(tickets=6, events=40), st.data(), st.sampled_from(["resolution", "first_response"]))
def test_a_restart_goes_on_as_if_there_had_been_none(tmp_path_factory, events, data, target):
    """Whatever came before and comes after, late, twice or out of order, in however many layers."""
    kept = Kept(data.draw(st.sampled_from([0, 5 * HOUR_US, 900 * 24 * HOUR_US])), data.draw(st.sampled_from([0, 8])), 7)
    empty = LiveHistories(RULES, share=data.draw(st.sampled_from([1, 8])), fewest=0, kept=kept)
    path = tmp_path_factory.mktemp("memory") / "state"
    live, end = empty, 0
    while end < len(events):
        begin, end = end, end + data.draw(st.integers(6, 30))
        again = data.draw(st.integers(0, begin)) if data.draw(st.booleans()) else begin
        live = live.with_news(events.iloc[again:end])
        known = events.iloc[:end]
        live_rows(live, instants_of(known)[0], target)  # makes the sums
        write_state(path, live, {"end": end})
        back, said = read_state(path, empty)
        assert said == {"end": end}
        assert (back.rows, back.rows_built, back.made_sums) == (live.rows, live.rows_built, live.made_sums)
        for one, other in zip(live.logs(), back.logs(), strict=True):
            assert_same_log(one, other)
        assert_equal(back, known, instants_of(known), target)
        live = back


def test_sums_come_from_the_file_and_are_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    events, kept = busy_log(3, tickets=9, events=80), Kept(5 * HOUR_US, 0, 7)
    live, at_us = LiveHistories(RULES, kept=kept).with_news(events), instants_of(events)[0]
    rows = live_rows(live, at_us, "resolution")
    assert live.made_sums
    write_state(tmp_path / "state", live, {})
    monkeypatch.setattr("features.layers.Tickets._recent", lambda *_: pytest.fail("made again"))
    back, _ = read_state(tmp_path / "state", LiveHistories(RULES, kept=kept))
    assert live_rows(back, at_us, "resolution").equals(rows)


@pytest.mark.parametrize("is_from_file", [False, True])
def test_what_is_replaced_is_freed_at_once_and_waits_for_no_search_for_garbage(tmp_path: Path, is_from_file: bool):
    """Large arrays hang on few objects: in circles they would stay for hours, and for good once the search leaves them out."""
    events, empty = busy_log(3, tickets=9, events=80), LiveHistories(RULES, kept=Kept(5 * HOUR_US, 0, 7))
    live, instants = empty.with_news(events), instants_of(events)
    if is_from_file:
        live_rows(live, instants[0], "resolution")
        write_state(tmp_path / "state", live, {})
        live, _ = read_state(tmp_path / "state", empty)
    gc.collect()
    gc.disable()
    try:
        for at_us in instants:  # those before the recent ones ask whole histories
            live_rows(live, at_us, "resolution")
        (layer,) = live.layers
        held: list[object] = [layer.over._whole.histories, layer.open._whole.histories]
        held += [desk for part in (layer.open, layer.over) for desk, _ in part.recent_desks().values()]
        assert len(held) > 2
        left = [weakref.ref(one) for one in held]
        del live, layer, held
        assert [ref() for ref in left if ref() is not None] == []
    finally:
        gc.enable()


def test_texts_of_any_characters_and_ids_of_their_own_come_back(tmp_path: Path):
    hostile = ["\u00e9", "\x00", "\U0001f600", "\u202eabc", "", "x" * 70_000, "a\nb"]
    rows = [
        {"ticket": f"T{text}", "minute": place, "status": "new", "team": text, "attributes.place": text}
        for place, text in enumerate(hostile)
    ]
    events = frame(rows)
    events["event_id"] = [f"own {place} \u2028" for place in range(len(events))]
    live = LiveHistories.of(events, RULES)
    write_state(tmp_path / "state", live, {"mark": "\ud800"})
    back, said = read_state(tmp_path / "state", LiveHistories(RULES))
    assert said == {"mark": "\ud800"}
    assert_same_log(live.logs()[0], back.logs()[0])


def test_what_was_read_cannot_be_written_to_and_others_may_not_read_the_file(tmp_path: Path):
    write_state(tmp_path / "state", LiveHistories.of(busy_log(4), RULES), {})
    back, _ = read_state(tmp_path / "state", LiveHistories(RULES))
    with pytest.raises(ValueError, match="read-only"):
        back.logs()[0].at_us[:] = 0
    assert (tmp_path / "state").stat().st_mode & 0o077 == 0


def test_a_file_that_is_cut_off_or_changed_anywhere_is_refused(tmp_path: Path):
    path = tmp_path / "state"
    write_state(path, LiveHistories.of(busy_log(4, tickets=2, events=10), RULES), {})
    whole, chance = path.read_bytes(), np.random.default_rng(1)
    for size in [0, 1, len(whole) - 1, *chance.integers(0, len(whole), 100).tolist()]:
        path.write_bytes(whole[:size])
        with pytest.raises(MemoryFileError):
            read_state(path, LiveHistories(RULES))
    for place in [0, len(whole) - 1, *chance.integers(0, len(whole), 300).tolist()]:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << int(chance.integers(8))]) + whole[place + 1 :])
        with pytest.raises(MemoryFileError):
            read_state(path, LiveHistories(RULES))
    path.write_bytes(whole)
    assert read_state(path, LiveHistories(RULES))[0].rows


def test_a_file_of_other_agreements_code_or_zones_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "state"
    write_state(path, LiveHistories.of(busy_log(4), RULES), {})
    stricter = parse_agreements(AGREEMENTS.replace("within: 3 h", "within: 1 h"), source="test desk")
    for empty in (LiveHistories(stricter), LiveHistories(RULES, kept=Kept(HOUR_US))):
        with pytest.raises(MemoryFileError, match="other code or under other agreements"):
            read_state(path, empty)
    for name in ("_code", "_clock"):
        with monkeypatch.context() as other:
            other.setattr(f"features.memory.state.{name}", lambda *_: "another")
            with pytest.raises(MemoryFileError, match="other code or under other agreements"):
                read_state(path, LiveHistories(RULES))
    assert read_state(path, LiveHistories(RULES))[0].rows


def test_a_disk_that_fills_up_leaves_the_file_before_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path, before = tmp_path / "state", LiveHistories.of(busy_log(4), RULES)
    write_state(path, before, {"n": 1})
    monkeypatch.setattr(ArrayWriter, "finish", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space"):
        write_state(path, before, {"n": 2})
    assert [found.name for found in tmp_path.iterdir()] == ["state"]
    assert read_state(path, LiveHistories(RULES))[1] == {"n": 1}


def test_only_whole_numbers_are_kept_each_once_and_what_is_missing_is_told(tmp_path: Path):
    with (tmp_path / "arrays").open("wb") as file:
        writer = ArrayWriter(file)
        writer.put("a", np.arange(3))
        writer.put_texts("texts", ["\ud800", "", "\U0001f600a"])
        writer.put("none", np.empty((0, 4), np.int16))
        for name, array in (("a", np.arange(3)), ("b", np.array([object()])), ("c", np.zeros(1))):
            with pytest.raises(ValueError, match="cannot be kept"):
                writer.put(name, array)
        writer.finish({})
    found = ArrayFile(tmp_path / "arrays")
    assert found.array("none").shape == (0, 4)
    assert "a" in found
    assert found.texts("texts") == ["\ud800", "", "\U0001f600a"]
    with pytest.raises(MemoryFileError, match="it holds no b"):
        found.array("b")


def test_nothing_known_comes_back_as_nothing(tmp_path: Path):
    write_state(tmp_path / "state", LiveHistories(RULES), {})
    back, _ = read_state(tmp_path / "state", LiveHistories(RULES))
    assert back.rows == 0
    assert isinstance(back.open_snapshots(0), Snapshots)
