"""The calculator against a tape of minutes: thousands of random calendars, zones and instants from 1990 to 2060."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from sla.instants import NEVER_US, from_us, to_us
from tests.sla.calendar_examples import compiled, hard_days, random_calendar
from tests.sla.oracle import Tape, Written

REACH = timedelta(days=9)


@cache
def _hard_days() -> tuple[date, ...]:
    return tuple(hard_days())


def _case(seed: int, unit: int = 60) -> tuple[random.Random, Written, date]:
    rng = random.Random(seed)
    around = (
        rng.choice(_hard_days()) if rng.random() < 0.5 else date(1990, 1, 1) + timedelta(days=rng.randint(0, 25_900))
    )
    return rng, random_calendar(rng, around, unit), around


def _instants(rng: random.Random, around: date, count: int, unit: int = 60) -> list[datetime]:
    noon = datetime(around.year, around.month, around.day, 12, tzinfo=UTC)
    reach = int(timedelta(days=3).total_seconds())
    return [noon + timedelta(seconds=rng.randint(-reach, reach) // unit * unit) for _ in range(count)]


def _us(instants: list[datetime]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array([to_us(instant) for instant in instants], np.int64)


def _compare(seed: int, unit: int = 60) -> None:
    rng, written, around = _case(seed, unit)
    days = timedelta(days=1) if unit == 1 else REACH
    if unit == 1:
        instants = [
            datetime(around.year, around.month, around.day, rng.randint(0, 23), tzinfo=UTC)
            + timedelta(seconds=rng.randint(0, 3599))
            for _ in range(6)
        ]
    else:
        instants = _instants(rng, around, 12)
    tape = Tape(written, around - days, around + days, unit)
    working = compiled(written)
    starts, ends = instants[::2], instants[1::2]
    elapsed = working.elapsed_us(_us(starts), _us(ends)) // 1_000_000
    opened = working.is_open(_us(starts))
    amounts = [rng.randint(-600, 600) * unit for _ in starts]
    for index, (start, end, amount) in enumerate(zip(starts, ends, amounts, strict=True)):
        assert elapsed[index] == tape.elapsed_seconds(start, end), (seed, written, start, end)
        assert working.elapsed_seconds(start, end) == elapsed[index]
        assert opened[index] == tape.is_open(start), (seed, written, start)
        due = tape.due(start, amount)
        if due is not None:
            assert working.due(start, amount) == due, (seed, written, start, amount)
            vectorised = working.due_us(_us([start]), np.array([amount * 1_000_000]))
            assert from_us(int(vectorised[0])) == due
        _compare_edges(working, tape, start)


def _compare_edges(working: object, tape: Tape, at: datetime) -> None:
    for name in ("next_open", "next_close", "last_open"):
        expected = getattr(tape, name)(at)
        if expected is not None and tape.begin < expected:
            answer = int(getattr(working, f"{name}_us")(np.array([to_us(at)]))[0])
            assert abs(answer) != NEVER_US
            assert from_us(answer) == expected, (tape.written, name, at)


@pytest.mark.parametrize("block", range(8))
def test_the_calculator_agrees_with_a_tape_of_minutes(block: int) -> None:
    for seed in range(block * 250, (block + 1) * 250):
        _compare(seed)


def test_the_calculator_agrees_with_a_tape_of_seconds() -> None:
    for seed in range(100_000, 100_060):
        _compare(seed, unit=1)


def test_one_calendar_minus_another_agrees_with_a_tape_of_minutes() -> None:
    for seed in range(200_000, 200_150):
        rng, written, around = _case(seed)
        others = {"other": random_calendar(rng, around)}
        written["minus"] = ["other"]
        tape = Tape(written, around - REACH, around + REACH, others=others)
        working = compiled(written, others)
        for start, end in zip(_instants(rng, around, 4), _instants(rng, around, 4), strict=True):
            assert working.elapsed_seconds(start, end) == tape.elapsed_seconds(start, end), (seed, written, others)


def test_the_oracle_itself_shares_no_code_with_the_calculator() -> None:
    text = (Path(__file__).parent / "oracle.py").read_text()
    assert "from sla" not in text
    assert "import sla" not in text
