"""Who is champion: aliases are moved here alone, every move is written down, and a rollback is its exact inverse."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from models.registry import CHALLENGER, CHAMPION, PREVIOUS, quiet_mlflow, registered
from models.versions import PROMOTION_TAG, Promotion, RegisteredModel, RegistryError

NOT_PROMOTED = "not_promoted_because"


def promote(
    tracking_uri: str, name: str, number: int, *, reason: str = "", by: str = "", at: datetime | None = None
) -> Promotion:
    """The promotion, done and logged: the version is `champion`, the champion before it is `previous`.

    A version that was `challenger` is it no more. Promoting the champion again is refused: a rollback of it would mean nothing.
    """
    found = registered(tracking_uri, name)
    before = dict(found.aliases)
    if before.get(CHAMPION) == found.find(str(number)).number:
        raise RegistryError(f"{name} v{number} is the champion already.")
    after = {**before, CHAMPION: number}
    if CHAMPION in before:
        after[PREVIOUS] = before[CHAMPION]
    if after.get(CHALLENGER) == number:
        del after[CHALLENGER]
    entry = Promotion(kind="promotion", number=number, before=before, after=after, by=by, at=at, reason=reason)
    _log_and_move(tracking_uri, name, len(found.promotions), entry)
    return entry


def rollback(tracking_uri: str, name: str, *, reason: str = "", by: str = "", at: datetime | None = None) -> Promotion:
    """The rollback, done and logged: `champion` and `previous` are what they were before the last promotion.

    Called again it goes back one promotion further. A challenger registered since then keeps its alias.
    Raises RegistryError where there is nothing to go back to.
    """
    found = registered(tracking_uri, name)
    place, undone = _to_undo(found)
    if CHAMPION not in undone.before:
        raise RegistryError(
            f"{name} v{undone.number} was the first champion: there is no previous one. "
            "To serve from the rules alone, set SLACAST_USE_MODEL=false."
        )
    target = undone.before[CHAMPION]
    found.find(str(target))  # it may have been deleted since
    after = {alias: number for alias, number in undone.before.items() if alias != CHALLENGER}
    waiting = found.aliases.get(CHALLENGER, undone.before.get(CHALLENGER))
    if waiting is not None:
        after[CHALLENGER] = waiting
    before = dict(found.aliases)
    entry = Promotion(
        kind="rollback", number=target, before=before, after=after, by=by, at=at, reason=reason, undoes=place
    )
    _log_and_move(tracking_uri, name, len(found.promotions), entry)
    return entry


def _to_undo(found: RegisteredModel) -> tuple[int | None, Promotion]:
    """The promotion that is taken back, with its number in the log; for aliases set before there was a log, `previous` speaks."""
    standing, carrier = found.last_standing(), found.aliases.get(CHAMPION)
    if standing is None and carrier is not None and PREVIOUS in found.aliases and not found.promotions:
        before = {CHAMPION: found.aliases[PREVIOUS]}
        return None, Promotion(kind="promotion", number=carrier, before=before, after=dict(found.aliases))
    if standing is None:
        raise RegistryError(
            f"no promotion of {found.name!r} is left to take back: there is no previous champion. slacast models list shows its versions."
        )
    if carrier != standing[1].number:
        has = "no version" if carrier is None else f"v{carrier}"
        raise RegistryError(
            f"the last promotion made {found.name} v{standing[1].number} champion, but {has} is it now: somebody moved the alias "
            f"outside slacast. Say which version you want: slacast models promote {found.name} VERSION --reason ..."
        )
    return standing


def keep_as_challenger(tracking_uri: str, name: str, number: int, why: str) -> None:
    """Marks a version as `challenger` and writes beside it why it was not promoted."""
    client = _client(tracking_uri)
    client.set_registered_model_alias(name, CHALLENGER, str(number))
    client.set_model_version_tag(name, str(number), NOT_PROMOTED, why)


def _log_and_move(tracking_uri: str, name: str, entries: int, entry: Promotion) -> None:
    """The log first: should the machine stop in between, `before` and `after` tell what was meant."""
    client = _client(tracking_uri)
    client.set_registered_model_tag(name, f"{PROMOTION_TAG}.{entries + 1:04d}", entry.model_dump_json())
    _move(client, name, entry.before, entry.after)
    tags = {"by": entry.by, "because": entry.reason, "at": entry.at.isoformat() if entry.at else ""}
    verb, subject = ("promoted", entry.number) if entry.kind == "promotion" else ("rolled_back", entry.before[CHAMPION])
    for word, text in tags.items():
        if text:
            client.set_model_version_tag(name, str(subject), f"{verb}_{word}", text)


def _move(client: Any, name: str, before: Mapping[str, int], after: Mapping[str, int]) -> None:
    """Aliases from `before` to `after`, the champion last: who polls it in between still finds a whole state."""
    for alias in before.keys() - after.keys():
        client.delete_registered_model_alias(name, alias)
    for alias, number in sorted(after.items(), key=lambda pair: pair[0] == CHAMPION):
        if before.get(alias) != number:
            client.set_registered_model_alias(name, alias, str(number))


def _client(tracking_uri: str) -> Any:
    return quiet_mlflow().MlflowClient(tracking_uri, tracking_uri)
