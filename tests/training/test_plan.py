"""What a training is called, and what it refuses before it begins."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.schema import empty_ticket_events
from sla.agreements.loading import load_agreements
from tests.training.builders import DAY_US, START_US, small_plan, synthetic_source
from training.building import HistoryRows, TargetError
from training.lifecycle import train_from
from training.plan import TrainingError, model_name
from training.splits import LEAST_JUDGED, derive_periods
from training.steps import Steps

AGREEMENTS = Path(__file__).resolve().parents[2] / "examples" / "demo" / "agreements.yaml"


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("resolution", "breach"),
        ("first_response", "breach-first_response"),
        ("team_time:Network", "breach-team_time-Network"),
        ("supplier_time:Müller & Co. (24/7)", "breach-supplier_time-Müller-Co-24-7-"),
    ],
)
def test_a_model_is_called_after_its_target_in_signs_that_registries_take(target: str, name: str) -> None:
    assert model_name(target) == name


def test_a_target_that_no_agreement_has_is_refused_with_those_there_are() -> None:
    with pytest.raises(TargetError, match=r"no agreement has a target 'reply'.*there are: first_response, resolution"):
        HistoryRows.of(empty_ticket_events(), load_agreements(AGREEMENTS), "reply", 16, 0)


@pytest.mark.parametrize(("outcome", "words"), [(0, "no promise was broken"), (1, "every promise was broken")])
def test_a_log_with_one_outcome_is_refused_and_the_reason_named(tmp_path: Path, outcome: int, words: str) -> None:
    source = synthetic_source(tickets=400)
    source.labelled.breached[:] = outcome
    with pytest.raises(TrainingError, match=f"nothing to tell apart.*{words}"):
        train_from(source, small_plan(tmp_path, ""), Steps(lambda _step: None))


def test_where_few_tickets_arrive_more_weeks_are_judged() -> None:
    """About eight tickets a week for two years: four weeks would tell nothing."""
    source = synthetic_source(tickets=900, days=700)
    rows = source.labelled
    periods = derive_periods(rows, source.end_us, None, None, weeks_judged=4)
    judged = (rows.opened_us > periods.cut_us) & (rows.opened_us <= periods.until_us)
    assert len(np.unique(rows.ticket[judged])) == pytest.approx(
        LEAST_JUDGED, rel=0.35
    )  # at most a third of the history
    assert periods.until_us - periods.cut_us > 100 * DAY_US
    begin = datetime.fromtimestamp(START_US / 1e6, UTC)
    assert pd.Timestamp(periods.cut_us, unit="us", tz="UTC") > begin + timedelta(days=400)
