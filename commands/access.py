"""Commands of the administrator: who may use the service."""

from __future__ import annotations

import getpass
import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated

import typer

from commands.options import JsonOption, StoreOption, settings_with
from commands.printing import emit, says_faults

keys = typer.Typer(no_args_is_help=True, help="Make, list and revoke access keys.", rich_markup_mode=None)


class RoleChoice(StrEnum):
    """What a key is for."""

    READER = "reader"
    DISPATCHER = "dispatcher"
    PLANNER = "planner"
    SCIENTIST = "scientist"
    MANAGER = "manager"
    ADMIN = "admin"


@keys.command("create")
@says_faults
def create_key(
    name: Annotated[str, typer.Option("--name", help="Who or what will use it, as the audit log shall call it.")],
    role: Annotated[RoleChoice, typer.Option("--role", help="What it may do (docs/access.md).")] = RoleChoice.READER,
    team: Annotated[
        list[str] | None, typer.Option("--team", help="It sees only tickets of this team; may be repeated.")
    ] = None,
    service: Annotated[
        list[str] | None, typer.Option("--service", help="It sees only tickets of this service; may be repeated.")
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option(
            "--expires", metavar="DURATION", help="How long it is good for: 90d, 12h (default: until revoked)."
        ),
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make an access key and show it, once: only its hash is stored.

    Example: slacast keys create --name jira --role dispatcher --team network --expires 90d
    """
    from features.store import open_store
    from serving.access.making import make_key

    now = datetime.now(UTC)
    until = None if expires is None else now + duration(expires)
    with open_store(settings_with(database_url=store).database_url) as opened:
        emit(make_key(opened, name, role.value, team or [], service or [], until, now, operator()), as_json)


@keys.command("list")
@says_faults
def list_keys(store: StoreOption = None, as_json: JsonOption = False) -> None:
    """List all access keys ever made, without what is secret of them.

    Example: slacast keys list
    """
    from features.store import open_store
    from serving.access.making import KeyList

    with open_store(settings_with(database_url=store).database_url) as opened:
        emit(KeyList(tuple(opened.access_keys.all()), datetime.now(UTC)), as_json)


@keys.command("revoke")
@says_faults
def revoke_key(
    prefix: Annotated[
        str, typer.Argument(help="The eight letters after slk_ that name the key, as `list` shows them.")
    ],
    store: StoreOption = None,
) -> None:
    """Revoke an access key: it, and every session begun with it, opens nothing any more.

    Example: slacast keys revoke 7hx2mq4c
    """
    from features.store import open_store

    with open_store(settings_with(database_url=store).database_url) as opened:
        revoked = opened.access_keys.revoke(prefix, datetime.now(UTC), operator())
    typer.echo(f"key {revoked.prefix} ({revoked.name}, {revoked.role}) is revoked")


def duration(text: str) -> timedelta:
    """The length of `90d`, `12h` or `30min`; typer.BadParameter for anything else, and for none at all."""
    found = re.fullmatch(r"([0-9]{1,6})(d|h|min)", text.strip())
    if found is None or int(found[1]) == 0:
        raise typer.BadParameter(f"{text!r} is not a duration such as 90d, 12h or 30min")
    units = {"d": timedelta(days=1), "h": timedelta(hours=1), "min": timedelta(minutes=1)}
    return int(found[1]) * units[found[2]]


def operator() -> str:
    """What the audit log calls whoever types this."""
    try:
        return f"command line ({getpass.getuser()})"
    except (OSError, KeyError):  # a container's user may have no name
        return "command line"
