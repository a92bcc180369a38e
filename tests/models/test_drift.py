"""Drift as the training range has it: what lies beyond, and what lies on one side of the median."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models.bundle import BreachBundle
from models.drift import drifted, stability_index
from tests.serving.real_desk import fitted_bundle, random_events


@pytest.fixture(scope="module")
def bundle() -> BreachBundle:
    return fitted_bundle(random_events(120, seed=7))


def test_a_shifted_feature_comes_first_and_says_drifts(bundle: BreachBundle) -> None:
    middle = pd.DataFrame(np.repeat([bundle.range.usual], 80, axis=0), columns=bundle.spec.names)
    assert {one.word for one in drifted(bundle, middle)} == {"steady"}
    of_calendar = np.array([feature.family == "calendar" for feature in bundle.spec.features])
    spread = np.flatnonzero((bundle.range.high > bundle.range.usual) & ~of_calendar)
    place = int(spread[0])
    moved = middle.copy()
    moved.iloc[:70, place] = bundle.range.high[place]
    first = drifted(bundle, moved)[0]
    assert (first.name, first.word) == (bundle.spec.names[place], "moves")
    outside = middle.copy()
    outside.iloc[:5, place] = bundle.range.high[place] + 1e6
    first = drifted(bundle, outside)[0]
    assert (first.name, first.outside, first.word) == (bundle.spec.names[place], 5 / 80, "drifts")


def test_the_index_of_two_halves_is_that_of_the_definition() -> None:
    for above in (0.5, 0.6, 0.9):
        shares = np.array([above, 1 - above])
        assert stability_index(above) == pytest.approx(float(((shares - 0.5) * np.log(shares / 0.5)).sum()))
