"""Commands of those who run the service: bring the store up to date, copy it, take personal data out of it."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from commands.access import duration, operator
from commands.options import JsonOption, StoreOption, settings_with
from commands.printing import emit, says_faults


@says_faults
def migrate(store: StoreOption = None) -> None:
    """Bring the tables of the store up to date, under a lock; killed halfway, the store is as before.

    Every command does so when it opens the store; this is for doing it before a new version is started.

    Example: slacast migrate
    """
    from features.store import open_store

    with open_store(settings_with(database_url=store).database_url) as opened:
        typer.echo(f"{opened.url} is up to date")


@says_faults
def backup(
    file: Annotated[Path, typer.Argument(help="The file to make; it must not exist.")], store: StoreOption = None
) -> None:
    """Copy a SQLite store, as it is at one instant, while the service runs.

    Example: slacast backup /backups/slacast-2026-05-18.db
    """
    from features.store.backup import back_up
    from features.store.migration import up_to_date

    with up_to_date(settings_with(database_url=store).database_url) as engine:
        typer.echo(f"{file}: {back_up(engine, file):,} bytes, checked")


@says_faults
def erase(
    customer: Annotated[
        str | None, typer.Option("--customer", metavar="NAME", help="Erase this customer, named as in the events.")
    ] = None,
    older_than: Annotated[
        str | None,
        typer.Option(
            "--older-than", metavar="DURATION", help="Erase people and texts of tickets quiet for so long, as 730d."
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking; it cannot be undone.")] = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Erase personal data everywhere in the store, for good: names and free texts go, tickets and their times stay.

    Example: slacast erase --customer "Ada Byron"
    """
    from features.store.erasure import erase_customer, erase_older
    from features.store.migration import up_to_date
    from serving.kept_state import forget_states

    if (customer is None) == (older_than is None):
        raise typer.BadParameter("give either --customer or --older-than")
    now = datetime.now(UTC)
    before = None if older_than is None else now - duration(older_than)
    settings = settings_with(database_url=store)
    with up_to_date(settings.database_url) as engine:
        if not yes:
            typer.confirm(f"Erase from {engine.url.render_as_string()} for good?", abort=True, err=True)
        if customer is not None:
            erased = erase_customer(engine, customer, f"erased-{secrets.token_hex(6)}", now, operator())
        else:
            assert before is not None  # noqa: S101 (one of both is given)
            erased = erase_older(engine, before, now, operator())
    forget_states(settings.var_dir)
    emit(erased, as_json)
    typer.echo("A running service still holds them in memory, and models may: restart it, and train again.", err=True)
