"""What a mapping must not say, although each of its keys is well formed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from features.schema import ACTOR_KINDS, PHASES, SERVICE_KINDS, STATE_COLUMNS, TICKET_KINDS
from features.sources.adapter_columns import SERVICE_ADAPTERS
from features.sources.faults import did_you_mean
from features.sources.mapping_model import Mapping

_TARGETS = {
    "ticket_events": (
        "ticket_id",
        "event_at",
        "recorded_at",
        "opened_at",
        "order",
        "kind",
        *STATE_COLUMNS,
        "actor_kind",
    ),
    "service_events": ("service", "event_at", "recorded_at", "ended_at", "order", "kind", "phase", "severity", "value"),
}
_REQUIRED = {"ticket_events": ("ticket_id", "event_at"), "service_events": ("service", "event_at")}
_WORDS: dict[str, dict[str, tuple[str, ...]]] = {
    "ticket_events": {"kind": TICKET_KINDS, "actor_kind": ACTOR_KINDS},
    "service_events": {"kind": SERVICE_KINDS, "phase": PHASES},
}
_NOT_TRANSLATED = (
    "ticket_id",
    "event_at",
    "recorded_at",
    "opened_at",
    "ended_at",
    "order",
    "value",
    "status",
    "waiting_on",
)
_NAMES = ("customer", "assignee", "team", "service", "category", "channel")
"""Columns whose words only name something: rules, features and models need no more of them than which are equal."""

Fault = tuple[tuple[str | int, ...], str]
"""Where in the mapping, and what is wrong there."""


def faults_of(mapping: Mapping) -> list[Fault]:
    """Every contradiction inside a mapping: unknown names, columns both used and ignored, tables for nothing, unknown words."""
    return [
        *_adapter_faults(mapping),
        *_column_faults(mapping),
        *_usage_faults(mapping),
        *_table_faults(mapping),
        *_word_faults(mapping),
        *_pseudonym_faults(mapping),
    ]


def _adapter_faults(mapping: Mapping) -> Iterator[Fault]:
    if mapping.adapter is None:
        if mapping.file.beside:
            yield ("file", "beside"), "file: beside is only for an adapter; without one import each file by itself"
        return
    reads = "service_events" if mapping.adapter in SERVICE_ADAPTERS else "ticket_events"
    if mapping.kind != reads:
        noun = "tickets" if reads == "ticket_events" else "service events"
        yield ("kind",), f"adapter {mapping.adapter} reads {noun}; leave out `kind: {mapping.kind}`"
    if mapping.file.format is not None:
        yield ("file", "format"), f"file: format: adapter {mapping.adapter} reads its own JSON; leave out the format"


def _column_faults(mapping: Mapping) -> Iterator[Fault]:
    targets = _TARGETS[mapping.kind]
    for name in _REQUIRED[mapping.kind]:
        if name not in mapping.columns:
            yield ("columns",), f"columns: {name} is missing; write the file's column for it, as in `{name}: Number`"
    for section, keys in (("columns", mapping.columns), ("constants", mapping.constants)):
        for key in keys:
            if key not in targets:
                yield (
                    (section, key),
                    f"{section}: {key!r} is not one of {', '.join(targets)}.{did_you_mean(key, targets)} Other columns go under `attributes`",
                )
    for key in mapping.constants:
        if key in mapping.columns:
            yield ("constants", key), f"{key!r} stands under columns and under constants; keep one"


def _usage_faults(mapping: Mapping) -> Iterator[Fault]:
    used = {*mapping.columns.values(), *mapping.attributes.values()}
    for name in mapping.attributes:
        if name in _TARGETS[mapping.kind]:
            yield (
                ("attributes", name),
                f"attributes: {name!r} is a canonical name; put it under columns, or give the attribute another name",
            )
    for name in mapping.ignore:
        if name in used:
            yield ("ignore", name), f"column {name!r} is both used and ignored; keep one"
    if mapping.kind == "service_events" and "kind" not in {**mapping.columns, **mapping.constants}:
        yield ("columns",), f"kind is missing, as a column or a constant: one of {', '.join(SERVICE_KINDS)}"


def _table_faults(mapping: Mapping) -> Iterator[Fault]:
    mapped = {*mapping.columns, *mapping.attributes}
    if mapping.states and "status" not in mapping.columns:
        yield ("states",), "states needs `status` under columns: the column that holds the state"
    for section, keys in (("values", mapping.values), ("cleared", mapping.cleared)):
        for key in keys:
            if key not in mapped:
                yield (
                    (section, key),
                    f"{section}: {key!r} is neither under columns nor under attributes.{did_you_mean(key, mapped)}",
                )
            elif key in _NOT_TRANSLATED:
                advice = "; write `states` instead" if key in ("status", "waiting_on") else ""
                yield (section, key), f"{section}: {key!r} cannot be translated{advice}"


def _word_faults(mapping: Mapping) -> Iterator[Fault]:
    for key, words in _WORDS[mapping.kind].items():
        found: list[tuple[tuple[str | int, ...], str | None]] = []
        found += [(("values", key, value), word) for value, word in mapping.values.get(key, {}).items()]
        found += [(("constants", key), word) for word in _given(mapping.constants.get(key))]
        for path, word in found:
            if word is not None and word not in words:
                yield path, f"{key}: {word!r} is not one of {', '.join(words)}.{did_you_mean(word, words)}"


def _pseudonym_faults(mapping: Mapping) -> Iterator[Fault]:
    may_be = [name for name in mapping.columns if name in _NAMES]
    known = [*may_be, *mapping.attributes]
    for place, name in enumerate(mapping.pseudonymise):
        if name not in known:
            yield (
                ("pseudonymise", place),
                f"pseudonymise: {name!r} is none of this mapping's columns with names or attributes: {', '.join(known) or 'it has none'}.{did_you_mean(name, known)}",
            )


def _given(word: str | None) -> Iterable[str]:
    return [] if word is None else [word]
