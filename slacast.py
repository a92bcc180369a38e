"""The roof: one command line that imports only the floor asked for."""

from __future__ import annotations

import os

import typer

from commands import (
    access,
    data,
    demonstration,
    drift,
    learning,
    operations,
    outages,
    registry,
    reports,
    rules,
    service,
    simulation,
    starter,
    tuning,
)

# Read by MLflow at import: no run of ours calls home or draws download bars.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Which open tickets will miss their service level, early enough to act, beside an exact SLA calculator.",
)
app.command("check")(rules.check)
app.command("clocks")(rules.clocks)
app.command("explain")(rules.explain)
app.command("import")(data.import_)
app.command("features")(data.features)
app.command("pseudonym")(data.pseudonym)
app.command("train")(learning.train)
app.command("backtest")(learning.backtest)
app.command("tune")(tuning.tune)
app.add_typer(registry.app, name="models")
app.command("drift")(drift.drift)
app.add_typer(outages.app, name="forecast")
app.command("score")(service.score)
app.command("serve")(service.serve)
app.command("simulate")(simulation.simulate)
app.add_typer(reports.app, name="report")
app.add_typer(access.keys, name="keys")
app.command("migrate")(operations.migrate)
app.command("backup")(operations.backup)
app.command("erase")(operations.erase)
app.command("demo")(demonstration.demo)


def main() -> None:
    """Run the command line."""
    starter.follow_starter()
    app()


if __name__ == "__main__":
    main()
