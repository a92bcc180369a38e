"""Recovery objectives in the catalogue: how they are written, and what they leave as it was."""

from __future__ import annotations

import datetime as dt

import pytest

from sla.agreements.loading import AgreementError, parse_agreements

FILE = """\
slacast: 1
services:
  Mail: {criticality: high%s}
agreements:
  - name: Desk
    targets: [{metric: resolution, goals: [{default: true, within: no agreement}]}]
"""


def mail(extra: str):
    return parse_agreements(FILE % extra).services["Mail"]


def test_objectives_and_exercises_are_read():
    found = mail(
        ", availability_days: 7, continuity: {recovery_time: 4 h, recovery_point: 15 min, exercise_every_days: 180, exercised_on: 2026-02-10}"
    )
    assert found.availability_days == 7
    assert found.continuity is not None
    assert found.continuity.recovery_time is not None
    assert found.continuity.recovery_time.amount_us == 4 * 3600 * 1_000_000
    assert (found.continuity.exercise_every_days, found.continuity.exercised_on) == (180, dt.date(2026, 2, 10))


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (", continuity: {recovery_time: 2 working days}", "depends on a calendar"),
        (", continuity: {recovery_tim: 2 h}", 'did you mean "recovery_time"'),
        (", continuity: {exercise_every_days: 0}", "greater than or equal to 1"),
        (", availability_days: 400", "less than or equal to 366"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_line(extra: str, words: str):
    with pytest.raises(AgreementError, match=words) as caught:
        mail(extra)
    assert ":3: " in str(caught.value)


def test_a_file_that_says_nothing_of_it_keeps_its_fingerprint_and_another_gets_its_own():
    plain, same = parse_agreements(FILE % ""), parse_agreements(FILE % ", availability_days: 30")
    assert plain.version == same.version
    assert "continuity" not in plain.model_dump_json()
    assert len({plain.version, parse_agreements(FILE % ", continuity: {recovery_time: 4 h}").version}) == 2
    again = type(plain).model_validate(
        parse_agreements(FILE % ", continuity: {recovery_time: 4 h}").model_dump(by_alias=True)
    )
    assert str(again.services["Mail"].continuity.recovery_time) == "4 h"
