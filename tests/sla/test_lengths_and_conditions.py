"""Lengths of time and conditions: how they are written, and what they mean."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from sla.agreements.conditions import Condition, Test, describe
from sla.durations import format_us, parse_duration
from sla.instants import SECOND_US


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30 min", 1800),
        ("8 h", 28800),
        ("8h", 28800),
        ("1 h 30 min", 5400),
        ("1 hour, 30 minutes and 5 seconds", 5405),
        ("1.5 h", 5400),
        ("50 working hours", 180000),
        ("90 s", 90),
    ],
)
def test_a_length_is_an_amount_and_a_unit(text: str, seconds: int):
    assert parse_duration(text).amount_us == seconds * SECOND_US
    assert parse_duration(str(parse_duration(text))) == parse_duration(text)


@pytest.mark.parametrize(
    "text", ["", "8", "h", "8 parsecs", "-8 h", "0 h", "0 working days", "2 days", "1 week", "8 h or so", 8]
)
def test_anything_else_is_refused_with_what_to_write(text: object):
    with pytest.raises(ValueError, match=r"write"):
        parse_duration(text)


def test_working_days_are_not_a_number_of_hours():
    length = parse_duration("3 working days")
    assert (length.counts_days, length.working_days, str(length)) == (True, 3, "3 working days")


@pytest.mark.parametrize(("seconds", "text"), [(0, "0 s"), (5400, "1 h 30 min"), (-60, "-1 min"), (3601, "1 h 1 s")])
def test_lengths_are_said_in_words(seconds: int, text: str):
    assert format_us(seconds * SECOND_US) == text


# A test as written, values that pass it, values that do not; None is a missing value.
TESTS = [
    (1, ["1"], ["2", "", None]),
    ([1, "b"], ["1", "b"], ["c", None]),
    ({"not": [1, 2]}, ["3", "", None], ["1", "2"]),
    ({"prefix": "net"}, ["network", "net"], ["internet", "", None]),
    ({"at_least": 2, "below": 4}, ["2", "3.9"], ["1", "4", "many", "nan", "", None]),
    ({"above": 2, "at_most": 4}, ["3", "4"], ["2", "5"]),
    ({"present": True}, ["x"], ["", None]),
    ({"present": False}, ["", None], ["x"]),
    ({"in": ["a", "b"], "not": "b"}, ["a"], ["b", "c"]),
    (True, ["true"], ["True", "1"]),
    ("", [""], ["x", None]),
]


@pytest.mark.parametrize(("written", "passes", "fails"), TESTS)
def test_a_test_holds_for_what_it_says(written: object, passes: list[str | None], fails: list[str | None]):
    test = Test.model_validate(written)
    assert [value for value in passes if not test.holds(value)] == []
    assert [value for value in fails if test.holds(value)] == []


def test_a_test_that_asks_nothing_is_refused():
    with pytest.raises(ValidationError, match="an empty test"):
        Test.model_validate({})


def test_a_condition_is_said_in_words():
    condition = TypeAdapter(Condition).validate_python(
        [{"status": "waiting", "waiting_on": ["customer", ""]}, {"changed": "team"}]
    )
    assert describe(condition) == "status is waiting and waiting_on is customer or empty, or team changes"
