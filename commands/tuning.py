"""The search for better training settings, and how settings files are read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.options import AgreementsOption, JsonOption, StoreOption, instant, settings_with
from commands.printing import Progress, emit, says_faults
from commands.training_options import ModelChoice, SettingsOption, TargetOption, lessons, training_settings


@says_faults
def tune(
    model: Annotated[ModelChoice, typer.Argument(help="What to tune.")],
    minutes: Annotated[
        float | None,
        typer.Option("--minutes", min=0, help="Stop after about so long; the same call again goes on (default: 10)."),
    ] = None,
    trials: Annotated[
        int | None,
        typer.Option("--trials", min=1, help="Stop when so many settings were tried, earlier calls included."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE", help="Where to write the settings (default: tuning/MODEL.yaml below var)."
        ),
    ] = None,
    agreements: AgreementsOption = None,
    store: StoreOption = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="INSTANT", help="Tune as if it were then (default: use all).")
    ] = None,
    cut: Annotated[
        str | None,
        typer.Option(
            "--cut", metavar="INSTANT", help="Look at nothing after this instant (default: where train judges)."
        ),
    ] = None,
    target: TargetOption = "resolution",
    settings_file: SettingsOption = None,
    seed: Annotated[int, typer.Option("--seed", help="Same data, same seed, same search.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Search for better training settings on weeks before the cut, and keep them only where later weeks agree.

    Weeks after the cut, on which training is judged, are never looked at. What comes out is a file for train --settings.

    Example: slacast tune breach --minutes 10
    """
    from training.tuned_settings import TuneRequest, tune_breach

    settings = settings_with(database_url=store, agreements=agreements)
    chosen = training_settings(settings_file, None)
    progress = Progress()
    agreed, events, service_events = lessons(settings, as_of, progress)
    request = TuneRequest(
        events=events,
        service_events=service_events,
        agreements=agreed,
        folder=settings.var_dir / "tuning",
        target=target,
        cut=instant(cut) if cut else None,
        seed=seed,
        start=chosen,
        minutes=10 if minutes is None and trials is None else minutes,
        trials=trials,
        out=out,
    )
    emit(tune_breach(request, progress), as_json)
