"""The command that holds a served model against what happened since it was trained."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.options import AgreementsOption, JsonOption, StoreOption, settings_with
from commands.printing import FOUND_A_FAULT, Progress, emit, says_faults
from commands.registry import RegistryOption, VersionArgument
from commands.training_options import lessons


@says_faults
def drift(
    version: VersionArgument = "champion",
    weeks: Annotated[int, typer.Option("--weeks", min=1, help="How many recent weeks at most.")] = 4,
    agreements: AgreementsOption = None,
    store: StoreOption = None,
    mlflow: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say whether the breach model still meets what it was trained on: features that drift, breaches expected beside those that came.

    Reads what the store has learned since the model was trained. Exit code 1 where a feature drifts, or clearly more or fewer
    breaches came than expected, so that a nightly run can tell someone.

    Example: slacast drift --weeks 6
    """
    from models.bundle import load_bundle
    from models.registry import bundle_folder, registered
    from training.building import HistoryRows
    from training.drift import drift_report
    from training.settings import TrainingSettings

    settings = settings_with(mlflow_uri=mlflow, database_url=store, agreements=agreements)
    model, progress = settings.model_name, Progress()
    found = registered(settings.mlflow_uri, model).find(version)
    folder = bundle_folder(settings.mlflow_uri, model, found.number, settings.var_dir / "bundles")
    bundle = load_bundle(folder, version=found.version)
    agreed, events, service_events = lessons(settings, None, progress)
    progress(f"asking {bundle.version} about what came since it was trained")
    source = HistoryRows.of(
        events, agreed, bundle.target, TrainingSettings().grid_one_in, 0, service_events=service_events
    )
    report = drift_report(source, bundle, weeks=weeks)
    emit(report, as_json)
    if report.drifts or report.is_off:
        raise typer.Exit(FOUND_A_FAULT)
