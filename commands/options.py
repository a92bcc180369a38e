"""Options that several commands share, and how their texts are read."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from serving.settings import Settings


StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="URL",
        help="Database with the events (default: SLACAST_DATABASE_URL, else sqlite:///var/slacast.db).",
    ),
]


AgreementsOption = Annotated[
    Path | None,
    typer.Option(
        "--agreements",
        metavar="FILE",
        help="Agreements in YAML (default: SLACAST_AGREEMENTS, else those last imported).",
    ),
]


AsOfOption = Annotated[
    str | None,
    typer.Option("--as-of", metavar="INSTANT", help="The instant to look at, ISO 8601 with offset (default: now)."),
]


JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def instant(text: str) -> datetime:
    """The aware UTC instant of an ISO 8601 text; raises typer.BadParameter for a text without an offset, which could mean any zone."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(
            f"{text!r} is not a date and time; expected ISO 8601 such as 2016-05-16T10:00+02:00"
        ) from error
    if at.tzinfo is None:
        raise typer.BadParameter(
            f"{text!r} has no UTC offset, so it could be meant in any time zone; write {text}+02:00 or {text}Z"
        )
    return at.astimezone(UTC)


def seen_at(as_of: str | None) -> datetime:
    """The instant asked for, or now: the edge at which the real clock is read."""
    return instant(as_of) if as_of else datetime.now(UTC)


def existing(path: Path) -> Path:
    """The path, or typer.BadParameter where there is no such file."""
    if not path.is_file():
        raise typer.BadParameter(f"{path} is not a file")
    return path


def days(text: str) -> float:
    """A length such as `7d` or `36h` in days; raises typer.BadParameter for anything else and for lengths that are not positive."""
    hours = {"d": 24.0, "h": 1.0}.get(text[-1:])
    try:
        found = float(text[:-1]) * (hours or 0.0) / 24.0
    except ValueError:
        found = 0.0
    if not 0.0 < found < float("inf"):
        raise typer.BadParameter(f"{text!r} is not a length; expected days or hours, such as 7d or 36h")
    return found


def pairs(texts: list[str] | None) -> dict[str, str]:
    """NAME=VALUE texts as a dictionary; typer.BadParameter for a text without `=`."""
    found = {}
    for text in texts or []:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise typer.BadParameter(f"{text!r} is not NAME=VALUE, such as priority=1")
        found[name] = value
    return found


def user_name() -> str:
    """Who is at the keyboard; a container may have no name for them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def pseudonym_secret() -> str | None:
    """The secret that pseudonyms are made with, or None where none is set."""
    secret = settings_with().pseudonym_secret
    return None if secret is None else secret.get_secret_value()


def settings_with(**given: Any) -> Settings:
    """The settings from the environment, with what was given on the command line (not None) in their place."""
    from serving.settings import load_settings

    return load_settings(**{name: value for name, value in given.items() if value is not None})
