"""Charts say with text what they show, keep inside their frame, and draw gaps as gaps."""

import math
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from serving.web.charts import LEFT, RIGHT, WIDTH, Band, Line, Plot, round_step, sparkline

VALUES = st.lists(st.none() | st.floats(-1e6, 1e6), min_size=1, max_size=40)


@given(VALUES, st.sampled_from(["line", "step", "dots", "bars"]))
@example([5e-324], "line")  # the smallest number there is: it has no fifth part
@example([1e6, 1e6 - 2e-10], "step")
def test_everything_drawn_lies_inside_the_frame(values, kind):
    drawn = Plot([str(place) for place in range(len(values))], [Line("x", values, kind)], height=200).svg()
    for x, y in re.findall(r"(-?[\d.]+) (-?[\d.]+)(?= L|\"|$)", " ".join(re.findall(r' d="M([^"]*)"', drawn))):
        assert LEFT - 0.1 <= float(x) <= WIDTH - RIGHT + 0.1
        assert 0 <= float(y) <= 200
    for height in re.findall(r'height="(-?[\d.]+)"', drawn):
        assert float(height) >= 0
    assert "nan" not in drawn


def test_a_gap_is_a_gap():
    drawn = Plot(list("abcde"), [Line("x", [1, 2, None, 3, 4])]).svg()
    assert len(re.findall('<path class="line main"', drawn)) == 2
    banded = Plot(list("abc"), bands=[Band("80 %", [1, None, 1], [2, None, 3])]).svg()
    assert len(re.findall('<path class="band wide"', banded)) == 2


def test_the_drawing_says_what_it_shows_and_runs_nothing():
    drawn = Plot(["<b>"], [Line("<script>", [1.0])], title='"quoted"').svg()
    assert "<script>" not in drawn
    assert "<b>" not in drawn
    assert "&lt;script&gt;" in drawn
    assert 'role="img"' in drawn
    assert "style=" not in drawn  # the content policy would refuse it
    assert "&lt;i&gt;" in sparkline([1, None, 3], "<i>")


def test_bars_stand_on_zero_and_shares_are_told_in_per_cent():
    drawn = Plot(["a", "b"], [Line("x", [0.5, -0.5], "bars")], unit="%", floor=None).svg()
    first, second = re.findall(r'<rect class="column main" x="[\d.]+" y="([\d.]+)" width="[\d.]+" height="([\d.]+)"', drawn)  # fmt: skip
    assert float(first[0]) + float(first[1]) == pytest.approx(float(second[0]), abs=0.2)
    assert "60 %" in drawn


@given(st.floats(1e-6, 1e9))
def test_axes_count_in_ones_twos_and_fives(span):
    step = round_step(span)
    assert span / step <= 5 + 1e-6
    assert round(step / 10 ** math.floor(math.log10(step) + 1e-9), 6) in (1, 2, 5)


def test_nothing_to_draw_is_an_empty_frame():
    assert "<svg" in Plot([], []).svg()
    assert "<path" not in sparkline([], "nothing yet")
