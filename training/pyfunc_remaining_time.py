"""The MLflow face of a remaining-time model (models from code): a frame of features in, hours out, no slacast server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd

from models.remaining_time import load_remaining_time


class RemainingTime(mlflow.pyfunc.PythonModel):  # type: ignore[misc] # MLflow ships no types
    """A remaining-time model behind MLflow's interface."""

    def load_context(self, context: Any) -> None:
        """Loads the folder that was logged as the artifact `bundle`."""
        self.model = load_remaining_time(Path(context.artifacts["bundle"]))

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> np.ndarray[Any, Any]:
        """Hours until each row's ticket ends; columns as in the signature, in that order."""
        return self.model.predict(model_input)


mlflow.models.set_model(RemainingTime())
