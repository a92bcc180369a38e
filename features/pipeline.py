"""From histories and snapshots to the matrix: the only way to make features, in training, backtest and live."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.families import values as family_values
from features.histories import Histories
from features.snapshots import Snapshots
from features.spec import FeatureSpec, SpecError
from features.text import TextEncoder
from features.view import View


def build(
    histories: Histories,
    snapshots: Snapshots,
    spec: FeatureSpec,
    target: str = "resolution",
    *,
    text: TextEncoder | None = None,
) -> pd.DataFrame:
    """The feature matrix: one row a snapshot, in their order; one float64 column a feature, in the order of the spec.

    See `feature_values`, which makes the numbers.
    """
    values = feature_values(histories, snapshots, spec, target, text=text)
    return pd.DataFrame(values, columns=spec.columns, copy=False)


def feature_values(
    histories: Histories,
    snapshots: Snapshots,
    spec: FeatureSpec,
    target: str = "resolution",
    *,
    text: TextEncoder | None = None,
) -> NDArray[np.float64]:
    """The numbers of `build`, m x k, each column in one piece.

    A value depends only on records that had happened and were recorded by the snapshot's instant; of other tickets only
    on those strictly before it. Missing values are NaN. A spec with text features wants the encoder it was made with.
    Raises SpecError if this code, or the encoder given, does not make the spec's features.
    """
    spec.check_text(text)
    columns = family_values(View(histories, snapshots, spec.settings, target, text))
    unmade = [name for name in spec.names if name not in columns]
    if unmade:
        raise SpecError(f"the spec asks for features this version does not make: {unmade}; train the bundle again")
    matrix = np.empty((len(spec.features), len(snapshots)), np.float64)
    for place, name in enumerate(spec.names):
        matrix[place] = columns[name]
    return matrix.T
