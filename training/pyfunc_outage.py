"""The MLflow face of an outage model (models from code): a frame of columns and rates in, probabilities out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd

from models.outage import load_outage_model, outage_frame_columns


class Outage(mlflow.pyfunc.PythonModel):  # type: ignore[misc] # MLflow ships no types
    """An outage model behind MLflow's interface."""

    def load_context(self, context: Any) -> None:
        """Loads the folder that was logged as the artifact `bundle`."""
        self.model = load_outage_model(Path(context.artifacts["bundle"]))

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> np.ndarray[Any, Any]:
        """The probability of a new outage, one a row; columns as in the signature."""
        return self.model.predict(outage_frame_columns(model_input))


mlflow.models.set_model(Outage())
