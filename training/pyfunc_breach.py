"""The MLflow face of a breach bundle (models from code): a frame of features in, probabilities out, no slacast server.

MLflow runs this file when it loads the model. It reads the bundle with the same code as the service, so both say the same.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd

from models.bundle import load_bundle


class BreachModel(mlflow.pyfunc.PythonModel):  # type: ignore[misc] # MLflow ships no types
    """A breach bundle behind MLflow's interface."""

    def load_context(self, context: Any) -> None:
        """Loads the bundle that was logged as the artifact `bundle`."""
        self.bundle = load_bundle(Path(context.artifacts["bundle"]))

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> np.ndarray[Any, Any]:
        """Probability of breach for each row of features; columns as in the signature, in that order."""
        return self.bundle.predict(model_input)


mlflow.models.set_model(BreachModel())
