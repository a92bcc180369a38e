"""The MLflow face of a work-time model (models from code): a frame of tickets' words in, hands-on minutes out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd

from models.work_marks import COLUMNS, load_work_time


class WorkTimeFace(mlflow.pyfunc.PythonModel):  # type: ignore[misc] # MLflow ships no types
    """A work-time model behind MLflow's interface."""

    def load_context(self, context: Any) -> None:
        """Loads the folder that was logged as the artifact `bundle`."""
        self.model = load_work_time(Path(context.artifacts["bundle"]))

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> np.ndarray[Any, Any]:
        """Mean minutes of each row's ticket; columns as in the signature."""
        return self.model.belief({name: model_input[name].to_numpy(dtype=object) for name in COLUMNS}).expected


mlflow.models.set_model(WorkTimeFace())
