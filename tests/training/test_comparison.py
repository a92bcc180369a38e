"""Two models are compared on the same tickets, which neither has learned from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from models.bundle import BreachBundle, load_bundle
from sla.agreements.agreement_set import AgreementSet
from tests.training.conftest import TrainedDesk
from training.building import HistoryRows
from training.comparison import compare_bundles, compare_settings
from training.plan import TrainingError


@dataclass(frozen=True)
class Rivals:
    """A model trained on the first weeks of a desk, its logistic regression as a second one, and the desk's whole log."""

    source: HistoryRows
    agreements: AgreementSet
    first: BreachBundle
    second: BreachBundle
    knew_until: datetime


@pytest.fixture(scope="module")
def rivals(trained_desk: TrainedDesk) -> Rivals:
    first = load_bundle(trained_desk.response.bundle, version="breach v1")
    linear = next(member for member, _share in first.members if member.kind == "linear")
    second = replace(first, members=((linear, 1.0),), version="breach v2")
    source = HistoryRows.of(trained_desk.events, trained_desk.agreements, "resolution", 16, 0)
    return Rivals(source, trained_desk.agreements, first, second, first.manifest.window.known_until)


def test_only_tickets_that_neither_has_learned_from_are_asked_about(rivals: Rivals) -> None:
    found = compare_bundles(rivals.source, rivals.first, rivals.second)
    rows = rivals.source.labelled
    new = (rows.opened_us > rivals.knew_until.timestamp() * 1e6) & (rows.breached >= 0)
    assert found.since == rivals.knew_until
    assert 0 < found.sets["prefix"].tickets <= len(np.unique(rows.ticket[new]))
    assert set(found.sets["prefix"].scores) == {
        "breach v1",
        "breach v2",
        "team x priority table",
        "share used + priority",
        "base rate",
    }


def test_the_figures_are_those_of_the_bundles_on_features_of_their_own_specification(rivals: Rivals) -> None:
    found = compare_bundles(rivals.source, rivals.first, rivals.second)
    rows = rivals.source.labelled
    keep = (rows.opened_us > rivals.knew_until.timestamp() * 1e6) & (rows.breached >= 0) & rows.is_event
    keep &= rows.at_us <= found.until.timestamp() * 1e6
    part = rivals.source.take(np.flatnonzero(keep))
    X = part.described(rivals.second.spec, rivals.second.text).X
    said = rivals.second.predict(pd.DataFrame(X, columns=rivals.second.spec.names))
    brier = float(np.mean((said - part.labelled.y) ** 2))
    assert found.sets["prefix"].scores["breach v2"].brier == pytest.approx(brier, abs=1e-12)


def test_a_comparison_turned_round_has_the_signs_turned_round(rivals: Rivals) -> None:
    there = compare_bundles(rivals.source, rivals.first, rivals.second).sets["prefix"].auc_gain["breach v2"]
    back = compare_bundles(rivals.source, rivals.second, rivals.first).sets["prefix"].auc_gain["breach v1"]
    assert (there.value, there.low, there.high) == pytest.approx((-back.value, -back.high, -back.low))


def test_a_model_that_says_the_opposite_is_clearly_worse(rivals: Rivals) -> None:
    contrary = replace(rivals.second, calibration=replace(rivals.second.calibration, kind="platt", slope=-1.0))
    found = compare_bundles(rivals.source, rivals.first, contrary)
    assert "breach v1 is clearly better than breach v2 in AUC" in found.verdict
    told = found.to_dict()
    assert told["sets"]["prefix"]["auc_gain"]["breach v2"]["low"] > 0
    assert "Gains are those of breach v1" in found.text()


def test_where_no_unseen_ticket_is_left_that_is_said_and_settings_can_be_compared_instead(rivals: Rivals) -> None:
    window = rivals.first.manifest.window.model_copy(update={"known_until": rivals.knew_until + timedelta(days=17)})
    late = replace(rivals.first, manifest=rivals.first.manifest.model_copy(update={"window": window}))
    with pytest.raises(TrainingError, match=r"tickets are left that neither has learned from.*--retrained"):
        compare_bundles(rivals.source, late, rivals.second)
    found = compare_settings(rivals.source, late, rivals.second, weeks=2)
    assert "trained anew" in found.how
    events = found.sets["prefix"]
    assert events.scores["breach v1"].auc > events.scores["share used + priority"].auc
    gain = events.auc_gain["breach v2"]  # the same settings and seed: the same model
    assert (gain.value, gain.low, gain.high) == (0.0, 0.0, 0.0)


def test_a_model_of_other_agreements_is_told_apart(rivals: Rivals) -> None:
    other = replace(rivals.second, manifest=rivals.second.manifest.model_copy(update={"agreements_version": "old"}))
    assert (
        "breach v2 was trained under other agreements (old)"
        in compare_bundles(rivals.source, rivals.first, other).text()
    )
