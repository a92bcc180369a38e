"""What a forecast of outages says: shares that can be compared, and reasons that do not speak against them."""

from __future__ import annotations

import numpy as np
import pytest

from features.outages.columns import RULES, OutageColumns, column_names
from models.outage_forecast import ServiceForecast, reasons, share_words, shares_in_words

NAMES = column_names()


def row(**said: float) -> OutageColumns:
    """One row: zeros but for the values said (blanks in names as underscores)."""
    values = np.zeros((1, len(NAMES)))
    for name, value in said.items():
        values[0, NAMES.index(name.replace("_", " "))] = value
    return OutageColumns(NAMES, values, np.full((1, len(RULES)), 0.1))


def told(columns: OutageColumns, by: str, *, is_less: bool = False, **pushes: float) -> tuple[str, ...]:
    """The reasons of a row, with how far each column moves the odds; the day is a Saturday."""
    push = np.zeros(columns.values.shape)
    for name, value in pushes.items():
        push[0, NAMES.index(name.replace("_", " "))] = value
    return reasons(columns, push, 0, by, 5, is_less=is_less)


@pytest.mark.parametrize(
    ("probability", "usual", "expected"),
    [
        (0.31, 0.12, ("3 of 10", "1 of 10")),
        (0.31, 0.08, ("31 of 100", "8 of 100")),
        (0.22, 0.18, ("22 of 100", "18 of 100")),
        (0.21, 0.19, ("2 of 10", "2 of 10")),
        (0.08, 0.13, ("8 of 100", "13 of 100")),
        (0.0101, 0.02, ("1 of 100", "2 of 100")),
        (0.004, 0.0012, ("4 of 1000", "1 of 1000")),
        (0.3, 0.0004, ("3 of 10", "fewer than 1 of 1000")),
        (0.999, 0.5, ("9 of 10", "5 of 10")),
    ],
)
def test_a_probability_and_what_is_usual_are_told_of_the_same_number(
    probability: float, usual: float, expected: tuple[str, str]
) -> None:
    assert shares_in_words(probability, usual) == expected


@pytest.mark.parametrize(
    ("probability", "words"),
    [(0.5, "5 of 10"), (0.0101, "1 of 100"), (0.006, "6 of 1000"), (0.0003, "fewer than 1 of 1000")],
)
def test_one_probability_is_told_in_round_numbers(probability: float, words: str) -> None:
    assert share_words(probability) == words


def test_the_sentence_says_how_often_what_is_usual_and_why() -> None:
    one = ServiceForecast("mail", 0.31, 0.12, 1.0, 30.0, ("two outages in 7 days", "a change within 24 hours"))
    assert one.words == (
        "3 of 10 such days saw an outage; usual for this service: 1 of 10; "
        "because: two outages in 7 days, a change within 24 hours"
    )


def test_a_rule_tells_only_what_it_looks_at() -> None:
    columns = row(outages_in_7_days=np.log1p(2), change_ahead=1.0, log_odds_by_rate_x_weekday=0.5)
    assert told(columns, "EWMA") == ("two outages in 7 days",)
    assert told(columns, "rate x weekday") == ("two outages in 7 days", "more outages on Saturdays")


def test_less_than_usual_is_never_because_of_outages() -> None:
    columns = row(outages_in_7_days=np.log1p(7), log_odds_by_rate_x_weekday=-0.5)
    assert told(columns, "rate x weekday", is_less=True) == ("fewer outages on Saturdays",)
    calm = row(days_since_the_last_outage_ended=np.log1p(23.4), change_ahead=1.0)
    assert told(calm, "EWMA", is_less=True) == ("no outage for 23 days",)
    assert told(calm, "mean", is_less=True, outages_in_7_days=-0.4, change_ahead=0.3) == ("no outage for 23 days",)
    assert told(calm, "mean", is_less=True, outages_in_7_days=0.4, change_ahead=0.3) == ()


def test_a_model_tells_what_moved_it_most_first() -> None:
    columns = row(
        change_ahead=1.0,
        major_incidents_in_1_days=np.log1p(1),
        tickets_reopened_in_7_days=np.log1p(12),
        share_of_failed_checks_in_1_days=0.02,
        failed_checks_of_15_minutes_against_the_day=0.18,
        latency_in_1_days=np.log(1.5),
        latency_of_6_hours_against_the_day=np.log(2.0),
    )
    pushes = {
        "change_ahead": 0.2,
        "major_incidents_in_1_days": 0.4,
        "tickets_reopened_in_7_days": 0.3,
    }
    expected = ("one major incident in 24 hours", "12 tickets reopened in 7 days", "a change within 24 hours")
    assert told(columns, "mean", **pushes) == expected
    assert told(columns, "mean", failed_checks_of_15_minutes_against_the_day=0.3) == (
        "20 % of the checks of 15 minutes failed",
    )
    assert told(columns, "mean", latency_of_6_hours_against_the_day=0.3) == ("answers take 3.0 times as long as usual",)
    assert told(columns, "mean", change_ahead=0.01) == ()
