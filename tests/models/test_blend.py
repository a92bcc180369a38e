"""Shares of members add up to the whole."""

from __future__ import annotations

import numpy as np
import pytest

from models.blend import Blend


def test_a_blend_is_the_weighted_mean_of_log_odds() -> None:
    margins = {"boosting": np.array([1.0, -1.0]), "linear": np.array([3.0, 1.0]), "hazard": np.array([9.0, 9.0])}
    assert np.allclose(Blend.of({"boosting": 0.75, "linear": 0.25}).margin(margins), [1.5, -0.5])
    assert np.array_equal(Blend.even("hazard").margin(margins), margins["hazard"])


def test_a_member_without_a_share_has_no_say_and_need_not_be_there() -> None:
    blend = Blend.of({"linear": 0.0, "boosting": 1.0})
    assert blend == Blend.even("boosting")
    assert blend.kinds == ("boosting",)
    assert blend.share("linear") == 0.0
    assert np.array_equal(blend.margin({"boosting": np.array([2.0])}), [2.0])


@pytest.mark.parametrize("shares", [{"boosting": 0.5}, {"boosting": 1.5, "linear": -0.5}, {}])
def test_shares_that_are_no_parts_of_a_whole_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="their sum is 1"):
        Blend.of(shares)


def test_a_blend_says_its_shares_in_words() -> None:
    assert str(Blend.of({"linear": 0.25, "boosting": 0.75})) == "75 % boosting + 25 % linear"
