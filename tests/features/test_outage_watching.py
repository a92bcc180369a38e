"""When targets were watched, against the plain reading of the rule."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from features.outages.watching import Watching
from sla.instants import NEVER_US, SECOND_US

CHECKS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 200)), max_size=40)
SILENT = 7


@given(CHECKS, st.integers(0, 3), st.integers(0, 220))
def test_spans_say_what_every_single_check_says(checks, service, second):
    checks = sorted(checks)
    watching = Watching.of(
        np.array([who for who, _ in checks], np.int64),
        np.array([at * SECOND_US + 400_000 for _, at in checks], np.int64),
        5,
        SILENT * SECOND_US,
    )
    mine = [at for who, at in checks if who == service]
    asked = np.array([service]), np.array([second * SECOND_US])
    assert watching.just_before(*asked)[0] == any(second - SILENT <= at < second for at in mine)
    assert watching.from_on(*asked)[0] == any(second <= at < second + SILENT for at in mine)
    assert watching.has_checks.tolist() == [any(who == number for who, _ in checks) for number in range(5)]
    assert watching.first_us[service] == (min(mine) * SECOND_US if mine else NEVER_US)
