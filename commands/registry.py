"""Commands that look after trained models: which there are, how they compare, which one serves."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated

import typer

from commands.options import AgreementsOption, JsonOption, StoreOption, instant, settings_with, user_name
from commands.printing import Progress, emit, fail, says_faults
from commands.registry_text import list_text, move_text, show_text
from commands.training_options import lessons

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Look after trained models: list, show, compare, promote, roll back.",
)

ModelArgument = Annotated[str, typer.Argument(metavar="MODEL", help="The registered model, such as breach.")]
OptionalModelArgument = Annotated[
    str | None,
    typer.Argument(metavar="[MODEL]", help="The registered model (default: SLACAST_MODEL_NAME, else breach)."),
]
VersionArgument = Annotated[
    str, typer.Argument(metavar="VERSION", help="A version by its number (3 or v3) or by its alias (challenger).")
]
RegistryOption = Annotated[
    str | None,
    typer.Option(
        "--mlflow", metavar="URI", help="MLflow's address (default: SLACAST_MLFLOW_URI, else sqlite:///var/mlflow.db)."
    ),
]
ByOption = Annotated[
    str | None, typer.Option("--by", metavar="WHO", help="Who does it, for the record (default: your user name here).")
]


@says_faults
def list_(model: OptionalModelArgument = None, mlflow: RegistryOption = None, as_json: JsonOption = False) -> None:
    """List every version of a model: alias, what it learned from, its figures beside the rules', what the gate said and why.

    Example: slacast models list
    """
    from models.registry import registered

    settings = settings_with(mlflow_uri=mlflow, model_name=model)
    found = registered(settings.mlflow_uri, settings.model_name)
    typer.echo(_json(found.to_dict()) if as_json else list_text(found))


@says_faults
def show(
    model: ModelArgument,
    version: VersionArgument = "champion",
    mlflow: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one version whole: every figure, setting and fingerprint, its bundle, and who moved it.

    Example: slacast models show breach champion
    """
    from models.registry import bundle_folder, registered
    from models.versions import RegistryError

    settings = settings_with(mlflow_uri=mlflow)
    found = registered(settings.mlflow_uri, model)
    one = found.find(version)
    try:
        bundle = str(bundle_folder(settings.mlflow_uri, model, one.number, settings.var_dir / "bundles"))
    except RegistryError as fault:
        bundle = f"not there: {fault}"
    moves = [entry for entry in found.promotions.values() if one.number in (entry.number, entry.before.get("champion"))]
    if as_json:
        told = {"bundle": bundle, "promotions": [entry.model_dump(mode="json") for entry in moves]}
        typer.echo(_json({"model": model, **one.to_dict(), **told}))
        return
    typer.echo(show_text(one, bundle, moves))


@says_faults
def compare(
    model: ModelArgument,
    first: VersionArgument,
    second: VersionArgument = "champion",
    weeks: Annotated[int, typer.Option("--weeks", min=1, help="How many recent weeks with known outcomes.")] = 4,
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="INSTANT", help="The end of these weeks (default: the last known outcomes)."),
    ] = None,
    retrained: Annotated[
        bool,
        typer.Option(
            "--retrained", help="Compare their settings: both trained anew on what was known before these weeks."
        ),
    ] = False,
    agreements: AgreementsOption = None,
    store: StoreOption = None,
    mlflow: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare two versions on the same recent tickets, which neither has learned from, beside the rules, with paired intervals.

    Each answers on features of its own specification, rebuilt from the store.

    Example: slacast models compare breach challenger champion
    """
    from models.bundle import load_bundle
    from models.registry import bundle_folder, registered
    from training.building import HistoryRows
    from training.comparison import compare_bundles, compare_settings
    from training.settings import TrainingSettings

    settings = settings_with(mlflow_uri=mlflow, database_url=store, agreements=agreements)
    found, progress = registered(settings.mlflow_uri, model), Progress()
    versions = [found.find(text) for text in (first, second)]
    if versions[0].number == versions[1].number:
        raise fail(f"{first} and {second} are the same version of {model}: v{versions[0].number}")
    bundles = [
        load_bundle(
            bundle_folder(settings.mlflow_uri, model, one.number, settings.var_dir / "bundles"), version=one.version
        )
        for one in versions
    ]
    if bundles[0].target != bundles[1].target:
        raise fail(f"{versions[0].version} predicts {bundles[0].target}, {versions[1].version} {bundles[1].target}")
    agreed, events, service_events = lessons(settings, None, progress)
    source = HistoryRows.of(
        events, agreed, bundles[0].target, TrainingSettings().grid_one_in, 0, service_events=service_events
    )
    progress("asking both models")
    judge = compare_settings if retrained else compare_bundles
    emit(judge(source, *bundles, weeks=weeks, until=instant(until) if until else None), as_json)


@says_faults
def promote(
    model: ModelArgument,
    version: VersionArgument,
    reason: Annotated[
        str,
        typer.Option(
            "--reason", metavar="TEXT", help="Why; it is kept with the model (needed: you overrule the gate)."
        ),
    ],
    by: ByOption = None,
    mlflow: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a version the champion by hand; the champion before it becomes previous. The service takes it up within seconds.

    Its bundle is loaded first: one that cannot be served is refused.

    Example: slacast models promote breach challenger --reason "the champion does not know the new team"
    """
    from models.bundle import load_bundle
    from models.registry import bundle_folder, registered
    from training.promotion import promote as promote_version

    settings = settings_with(mlflow_uri=mlflow)
    one = registered(settings.mlflow_uri, model).find(version)
    load_bundle(bundle_folder(settings.mlflow_uri, model, one.number, settings.var_dir / "bundles"))
    entry = promote_version(
        settings.mlflow_uri, model, one.number, reason=reason, by=by or user_name(), at=datetime.now(UTC)
    )
    if one.gate == "failed" and not as_json:
        typer.echo(f"note: the gate kept {one.version} out: {one.gate_reason}", err=True)
    typer.echo(_json(entry.model_dump(mode="json")) if as_json else move_text(model, entry))


@says_faults
def rollback(
    model: ModelArgument,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is kept with the model.")],
    by: ByOption = None,
    mlflow: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take back the last promotion: the previous champion serves again and every alias is where it was. Again goes one further.

    Example: slacast models rollback breach --reason "too many false alarms since Monday"
    """
    from training.promotion import rollback as roll_back

    settings = settings_with(mlflow_uri=mlflow)
    entry = roll_back(settings.mlflow_uri, model, reason=reason, by=by or user_name(), at=datetime.now(UTC))
    typer.echo(_json(entry.model_dump(mode="json")) if as_json else move_text(model, entry))


app.command("list")(list_)
app.command("show")(show)
app.command("compare")(compare)
app.command("promote")(promote)
app.command("rollback")(rollback)


def _json(data: object) -> str:
    return json.dumps(data, ensure_ascii=False, indent=2, default=str)
