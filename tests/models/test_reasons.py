"""Reasons are in words, add up, and tell the truth about what moves the score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from features.declaration import Feature
from features.families import MODULES, declared
from features.service_histories import COUNTED
from features.spec import FeatureSpec
from models.attribution import BLOCK_ROWS, FEW_ROWS, PathTable, path_table
from models.clipping import TrainingRange
from models.phrases import FLAGS, WORDED, Phrasebook, duration
from models.reasons import reason_texts, reasons
from models.topics import ALWAYS, STATES, TOPICS, Groups, topic_of
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


def test_texts_of_many_rows_are_those_of_their_reasons() -> None:
    bundle, X = small_bundle(), small_matrix(300, seed=25)
    X.iloc[::7, 0] = np.nan
    told = [[reason.text for reason in of_row] for of_row in reasons(bundle, X, 5)]
    assert [[text for text in of_row if text is not None] for of_row in reason_texts(bundle, X, 5).tolist()] == told
    assert any(len(of_row) < 5 for of_row in told)
    assert reason_texts(bundle, X.iloc[:0]).shape == (0, 3)


def speaker(names: Sequence[str], values: Sequence[float], pushes: Sequence[float], total: float) -> int:
    """Slow and obvious: among the features of one topic."""
    for name in (ALWAYS, *STATES):
        if name in names and (name == ALWAYS or values[names.index(name)] >= 0.5):
            return names.index(name)
    return int(np.argmax(np.array(pushes) * np.sign(total)))


@pytest.mark.parametrize("rows", [0, 1, 50])
def test_who_words_a_reason_is_told_by_each_row_alone(rows: int) -> None:
    chance = np.random.default_rng(3)
    names = ("a", "is_waiting", "b", "share_used", "service_outage_now", "c", "age_hours", "is_waiting_on_others", "d")
    groups = Groups(names, np.array([0, 1, 0, 2, 1, 0, 2, 1, 3]), 4)
    values, contributions = chance.random((rows, 9)), chance.normal(size=(rows, 9)).round(1)  # with equal ones
    group = np.array([chance.permutation(4)[:3] for _ in range(rows)], np.intp).reshape(rows, 3)
    total = np.take_along_axis(groups.sums(contributions), group, axis=1)
    found = groups.spoken(group, total, contributions, values)
    for of in range(rows):
        for place, one in enumerate(group[of].tolist()):
            members = [number for number in range(9) if groups.of_feature[number] == one]
            told: list[Any] = [[names[number] for number in members], values[of, members], contributions[of, members]]
            assert found[of, place] == members[speaker(*told, total[of, place])]


@pytest.mark.parametrize("rows", [0, 1, FEW_ROWS, FEW_ROWS + 1, BLOCK_ROWS + FEW_ROWS - 1])
def test_attributions_are_the_steps_of_every_tree_added_up(rows: int) -> None:
    chance = np.random.default_rng(4)
    steps = np.where(chance.random((12, 5)) < 0.5, chance.normal(size=(12, 5)), 0.0)  # some leaves have no step at all
    steps[5] = 0.0
    table = PathTable(csr_matrix(steps), np.array([0, 4, 9]), 0.0)
    leaves = np.stack([chance.integers(0, most, rows, np.int32) for most in (4, 5, 3)], axis=1)
    slow = np.zeros((rows, 5))
    for tree, first in enumerate(table.first_leaf.tolist()):
        slow += steps[first + leaves[:, tree]]
    assert (table.attributions(leaves) == slow).all()  # bit by bit, over several blocks


def test_no_trees_move_nothing() -> None:
    assert path_table([], 3).attributions(np.zeros((2, 0), np.int32)).tolist() == [[0.0] * 3] * 2


def test_no_rows_have_no_reasons() -> None:
    assert reasons(small_bundle(), small_matrix(5).iloc[:0]) == []


def test_a_reason_that_lowers_the_risk_says_so() -> None:
    for of_row in reasons(small_bundle(), small_matrix(100, seed=22)):
        for reason in of_row:
            assert reason.text.endswith("(lowers the risk)") == (not reason.raises_risk)


def test_groups_are_additive() -> None:
    bundle, X = small_bundle(), small_matrix(100, seed=23)
    sums = bundle.groups.sums(bundle.contributions(X))
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


def declared_features() -> list[Feature]:
    """What the pipeline makes of a desk with teams and assignees."""
    settings = replace(
        SPEC.settings,
        families=tuple(MODULES),
        keys=(("team",), ("team", "category")),
        recent_keys=(("team",),),
        duration_keys=(("team",),),
        load_keys=(("team",),),
        spread_keys=(("team",),),
        due_keys=(("team",),),
        present_keys=(("assignee",),),
        service_kinds=COUNTED,
        counts_service_tickets=True,
        has_majors=True,
        has_warnings=True,
        text_topics=("printer, toner, paper",),
    )
    return list(declared(settings))


def test_wordings_and_topics_name_features_that_exist() -> None:
    names = {feature.name for feature in declared_features()}
    assert set(FLAGS) <= names
    assert set(WORDED) <= names
    assert {name for members in TOPICS.values() for name in members} <= names


def test_every_feature_of_the_pipeline_has_words_for_every_value() -> None:
    spec = FeatureSpec(tuple(declared_features()), SPEC.settings)
    usual = np.full(len(spec.features), 0.5)
    book = Phrasebook(spec, TrainingRange(usual, usual, usual))
    for place in range(len(spec.features)):
        for value in (0.0, 1.0, 2.4, -3.0, 400.0, np.nan):
            text = book.phrase(place, value)
            assert text
            assert "{" not in text
            assert "nan" not in text.split()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("team_open", 12.0, "12 tickets are open with the same team: usual is 4 tickets"),
        ("team_older", 1.0, "1 ticket of the same team came before it: usual is 4 tickets"),
        ("team_breach_logit", 0.9, "tickets with this team breach more often than most (odds 2.5 times higher)"),
        ("team_breach_logit", -4.0, "tickets with this team breach less often than most (odds over 10 times lower)"),
        (
            "team_breach_logit_14d",
            0.9,
            "tickets with this team breach more often than most of late (odds 2.5 times higher)",
        ),
        ("team_category_breach_logit", 0.0, "tickets with this team and category fare like most"),
        ("team_log_hours", 0.7, "tickets with this team take 2.0 times as long as most"),
        ("team_log_hours", -0.7, "tickets with this team are done in 50 % of the usual time"),
        ("status_changes", 2.0, "changes of status: 2: usual is 4"),
        ("local_weekday", 0.0, "today is Monday"),
        ("local_hour", 8.5, "it is 08:30 at the desk"),
        ("teams_seen", 1.0, "different teams that held it: 1: usual is 4"),
        ("team_due_sooner", 7.0, "7 tickets of the same team are due before it: usual is 4 tickets"),
        ("assignee_changes_1d", 1.0, "1 change of tickets with its assignee in 24 hours: usual is 4 changes"),
        ("assignee_quiet_hours", 16.0, "no ticket with its assignee changed for 16 h or more: usual is 4.0 h"),
        ("team_log_hours_spread", 0.4, "tickets with this team differ more in length than most"),
        ("team_log_hours_spread", -0.05, "tickets with this team differ in length like most"),
        ("warnings_passed", 1.0, "1 warning of its agreement passed: usual is 4 warnings"),
        ("hours_to_next_warning", 1.5, "90 min of working time until the next warning: usual is 4.0 h"),
        ("hours_to_open", 12.0, "12 h until its calendar opens: usual is 4.0 h"),
        ("hours_to_close", 0.5, "30 min until its calendar closes: usual is 4.0 h"),
        ("shift_share_left", 0.25, "25 % of the shift is left: usual is 400 %"),
        ("service_outage_now", 1.0, "its service has an outage"),
        ("service_outages_7d", 1.0, "1 outage of its service in 7 days: usual is 4 outages"),
        ("service_hours_since_outage_ended", 1.0, "the last outage of its service ended 60 min ago: usual is 4.0 h"),
        ("service_hours_since_outage_began", 720.0, "no outage of its service in 30 days"),
        ("service_open_ratio", 2.5, "2.5 times as many tickets of its service are open as usual"),
        ("service_open_major", 1.0, "1 ticket of the top priority open for its service: usual is 4 tickets"),
        ("service_change_ahead_1d", 1.0, "a change of its service is due within 24 hours"),
        ("service_outage_now", np.nan, "the service has a known outage going on: unknown"),
        ("text_00", 0.3, "like tickets that say: printer, toner, paper"),
        ("text_00", 0.0, "unlike tickets that say: printer, toner, paper"),
    ],
)
def test_the_words_for_what_the_pipeline_measures(name: str, value: float, words: str) -> None:
    spec = FeatureSpec(tuple(declared_features()), SPEC.settings)
    usual = np.full(len(spec.features), 4.0)
    assert Phrasebook(spec, TrainingRange(usual, usual, usual)).phrase(spec.names.index(name), value) == words


def spoken(names: Sequence[str], values: Sequence[float], leading: int) -> int:
    """Who words the reason of one topic whose score the feature at `leading` moved."""
    groups = Groups(tuple(names), np.zeros(len(names), np.intp), 1)
    pushes = np.eye(len(names))[[leading]]
    return int(groups.spoken(np.zeros((1, 1), np.intp), np.ones((1, 1)), pushes, np.array([values]))[0, 0])


def test_a_waiting_ticket_says_whom_it_waits_for() -> None:
    names = ["is_waiting", "is_waiting_on_customer", "waiting_hours"]
    assert spoken(names, [1.0, 1.0, 5.0], leading=2) == 1
    assert spoken(names, [1.0, 0.0, 5.0], leading=2) == 0
    assert spoken(names, [0.0, 0.0, 5.0], leading=2) == 2


def test_an_outage_that_is_on_is_what_people_want_to_know() -> None:
    names = ["service_outages_7d", "service_outage_now"]
    assert spoken(names, [3.0, 1.0], leading=0) == 1
    assert spoken(names, [3.0, 0.0], leading=0) == 0


def test_what_measures_one_story_is_one_topic() -> None:
    topics = {feature.name: topic_of(feature) for feature in declared_features()}
    assert topics["share_used"] == topics["remaining_hours"] == topics["is_nearly_used"]
    assert topics["team_breach_logit"] == topics["team_log_hours"] == topics["team_breach_logit_14d"]
    assert topics["team_open"] == topics["team_resolved_7d"] == topics["team_due_sooner"]
    assert topics["team_log_hours"] == topics["team_log_hours_spread"]
    assert topics["service_outage_now"] == topics["service_degradations_7d"]
    assert topics["team_breach_logit"] != topics["team_category_breach_logit"]
    assert len(set(topics.values())) < len(topics) / 2
