"""Reasons are in words, add up, and tell the truth about what moves the score."""

from __future__ import annotations

import numpy as np
import pytest

from models.phrases import FLAGS, WORDED, Phrasebook, duration
from models.reasons import Groups, reasons
from tests.models.builders import SPEC, row, small_bundle, small_matrix


def texts(**values: float) -> list[str]:
    return [reason.text for reason in reasons(small_bundle(), row(**values))[0]]


def test_a_reason_says_the_number_and_what_is_usual() -> None:
    assert texts(handovers=4)[0] == "handed over 4 times: usual is once"


def test_the_used_time_is_told_in_per_cent() -> None:
    assert any(
        text.startswith("95 % of its time is used: usual is ") for text in texts(share_used=0.95, is_half_used=1)
    )


def test_a_yes_or_no_is_told_as_a_fact() -> None:
    assert "nobody is assigned" in texts(is_assigned=0, handovers=0)


def test_a_place_in_an_order_is_told_by_its_value() -> None:
    book = Phrasebook(SPEC, small_bundle().range)
    assert book.phrase(5, 0.0) == "priority is 1 - Critical"
    assert book.phrase(5, np.nan) == "place of the ticket's priority: unknown"


def test_every_row_gets_at_most_the_asked_number_weightiest_first() -> None:
    found = reasons(small_bundle(), small_matrix(100, seed=21), top=2)
    assert len(found) == 100
    for of_row in found:
        sizes = [abs(reason.contribution) for reason in of_row]
        assert len(sizes) <= 2
        assert sizes == sorted(sizes, reverse=True)


def test_no_rows_have_no_reasons() -> None:
    assert reasons(small_bundle(), small_matrix(5).iloc[:0]) == []


def test_a_reason_that_lowers_the_risk_says_so() -> None:
    for of_row in reasons(small_bundle(), small_matrix(100, seed=22)):
        for reason in of_row:
            assert reason.text.endswith("(lowers the risk)") == (not reason.raises_risk)


def test_groups_are_additive() -> None:
    bundle, X = small_bundle(), small_matrix(100, seed=23)
    sums = Groups.of(bundle).sums(bundle.contributions(X))
    assert sums.shape == (100, 5)  # six features, two of which answer one question
    assert np.allclose(sums.sum(axis=1) + bundle.baseline(), bundle.log_odds(X))


@pytest.mark.parametrize("exact", [False, True])
def test_taking_the_first_reason_away_moves_the_score_in_its_direction(exact: bool) -> None:
    bundle, X = small_bundle(), small_matrix(200, seed=24)
    usual = bundle.range.usual
    before, told, kept = bundle.log_odds(X), reasons(bundle, X, exact=exact), 0
    for place, of_row in enumerate(told):
        first, without = of_row[0], X.iloc[[place]].copy()
        without[list(first.features)] = usual[[SPEC.names.index(name) for name in first.features]]
        moved = before[place] - bundle.log_odds(without)[0]
        kept += moved * first.contribution >= 0
    assert kept >= 0.95 * len(told)


def test_durations_read_as_people_say_them() -> None:
    assert [duration(h) for h in (0.5, 3.25, 30.0, 100.0, -3.0)] == ["30 min", "3.2 h", "30 h", "4.2 days", "-3.0 h"]
    assert duration(100.0, is_working=True) == "100 h"


def test_wordings_name_features_that_exist() -> None:
    from features.families import calendar, clock, path, static

    declared = {
        feature.name for family in (calendar, clock, path, static) for feature in family.declared(SPEC.settings)
    }
    assert set(FLAGS) | set(WORDED) <= declared
