"""The MLflow face of a volume model (models from code): a long table of counts in, a long table of forecasts out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import pandas as pd

from features.volumes.planned import Outlook
from models.volumes.bundle import load_volume_model
from models.volumes.frame import forecast_frame, frame_counts


class Volume(mlflow.pyfunc.PythonModel):  # type: ignore[misc] # MLflow ships no types
    """A volume model behind MLflow's interface; it is told of no holidays and plans here."""

    def load_context(self, context: Any) -> None:
        """Loads the folder that was logged as the artifact `bundle`."""
        self.model = load_volume_model(Path(context.artifacts["bundle"]))

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """The days after the last of the table, a row a series and day; columns as in the signature."""
        return forecast_frame(self.model.forecast(frame_counts(model_input), Outlook()))


mlflow.models.set_model(Volume())
