"""The mapping: how one file's columns and words become canonical events. docs/data-contract.md explains every key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from features.schema import ACTOR_KINDS, PHASES, SERVICE_KINDS, STATE_COLUMNS, STATUSES, TICKET_KINDS, WAITING_ON
from features.sources.faults import MappingError, did_you_mean
from features.sources.yaml_text import YamlText, read_yaml

_TICKET_TARGETS = ("ticket_id", "event_at", "recorded_at", "opened_at", "order", "kind", *STATE_COLUMNS, "actor_kind")
_SERVICE_TARGETS = ("service", "event_at", "recorded_at", "ended_at", "order", "kind", "phase", "severity", "value")
_REQUIRED = {"ticket_events": ("ticket_id", "event_at"), "service_events": ("service", "event_at")}
_TARGETS = {"ticket_events": _TICKET_TARGETS, "service_events": _SERVICE_TARGETS}
_NO_TABLE = ("ticket_id", "event_at", "recorded_at", "opened_at", "ended_at", "order", "value", "status", "waiting_on")
_WORDS = {
    "ticket_events": {"kind": TICKET_KINDS, "actor_kind": ACTOR_KINDS},
    "service_events": {"kind": SERVICE_KINDS, "phase": PHASES},
}
OTHERWISE = "*"
"""In a translation table: every value that has no line of its own."""

Text = Annotated[str, Field(coerce_numbers_to_str=True)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FileFormat(_Strict):
    """How the file is written; the defaults fit an ordinary CSV."""

    format: Literal["delimited"] = "delimited"
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    quote: str = Field(default='"', max_length=1)  # "" = values are never quoted
    encoding: str = "utf-8"
    member: str | None = None  # which file inside a zip, where there are several

    @field_validator("encoding")
    @classmethod
    def _is_known(cls, value: str) -> str:
        try:
            "".encode(value)
        except LookupError as error:
            raise ValueError(
                f"{value!r} is no encoding known here; usual ones: utf-8, cp1252, iso-8859-1, utf-16"
            ) from error
        return value


class State(_Strict):
    """What one of the file's states means."""

    status: Literal[STATUSES]  # type: ignore[valid-type]
    waiting_on: Literal[WAITING_ON] | None = None  # type: ignore[valid-type]

    @model_validator(mode="before")
    @classmethod
    def _from_word(cls, value: Any) -> Any:
        return {"status": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _waits_for_someone(self) -> State:
        if self.waiting_on is not None and self.status != "waiting":
            raise ValueError(f"waiting_on is only for status: waiting, not for {self.status!r}")
        return self


class Mapping(_Strict):
    """How one kind of file is read. Columns are named as in the file's header."""

    kind: Literal["ticket_events", "service_events"] = "ticket_events"
    file: FileFormat = FileFormat()
    time_zone: str
    dates: tuple[str, ...] = Field(default=("iso",), min_length=1)
    missing: tuple[Text, ...] = ("",)
    columns: dict[str, str]
    attributes: dict[str, str] = {}
    states: dict[Text, State | None] = {}
    values: dict[str, dict[Text, Text | None]] = {}
    cleared: dict[str, tuple[Text, ...]] = {}
    constants: dict[str, Text] = {}
    ignore: dict[str, str | None] = {}
    trusted: tuple[str, ...] = ()
    duplicates: Literal["drop", "keep"] = "drop"
    rejected_share_limit: float = Field(default=0.01, ge=0, le=1)

    @field_validator("ignore", mode="before")
    @classmethod
    def _from_list(cls, value: Any) -> Any:
        return dict.fromkeys(value) if isinstance(value, list) else value

    @field_validator("dates", "missing", mode="before")
    @classmethod
    def _from_one(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("time_zone")
    @classmethod
    def _is_a_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(
                f"{value!r} is no time zone.{did_you_mean(value, available_timezones())} Write it as Europe/Berlin or UTC"
            ) from error
        return value

    @field_validator("dates")
    @classmethod
    def _are_formats(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            if text not in DATE_WORDS and "%" not in text:
                raise ValueError(
                    f"{text!r} is no date format; write one such as '%d/%m/%Y %H:%M', or one of {', '.join(DATE_WORDS)}"
                )
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Mapping:
        faults = [*self._column_faults(), *self._table_faults()]
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def _column_faults(self) -> list[str]:
        targets = _TARGETS[self.kind]
        faults = [f"columns: {name} is required" for name in _REQUIRED[self.kind] if name not in self.columns]
        faults += [
            f"{key!r} is not one of {', '.join(targets)}; other columns go under attributes.{did_you_mean(key, targets)}"
            for key in (*self.columns, *self.constants)
            if key not in targets
        ]
        faults += [
            f"{key!r} stands under columns and under constants; keep one"
            for key in self.constants
            if key in self.columns
        ]
        used = {*self.columns.values(), *self.attributes.values()}
        faults += [f"column {name!r} is both used and ignored; keep one" for name in self.ignore if name in used]
        if self.kind == "service_events" and "kind" not in {**self.columns, **self.constants}:
            faults.append(f"kind is needed, as a column or a constant: one of {', '.join(SERVICE_KINDS)}")
        return faults

    def _table_faults(self) -> list[str]:
        faults = []
        if self.states and "status" not in self.columns:
            faults.append("states needs `status` under columns: the column that holds the state")
        for key, table in self.values.items():
            if key in _NO_TABLE or key not in {*self.columns, *self.attributes}:
                faults.append(
                    f"values: {key!r} is not a mapped column that can be translated (states translate the status)"
                )
            faults += _word_faults(f"values, {key}", table.values(), _WORDS[self.kind].get(key))
        for key in self.cleared:
            if key not in {*self.columns, *self.attributes} or key in _NO_TABLE:
                faults.append(f"cleared: {key!r} is not a mapped column that can be empty")
        for key, value in self.constants.items():
            faults += _word_faults(f"constants, {key}", [value], _WORDS[self.kind].get(key))
        return faults


DATE_WORDS = ("iso", "epoch_seconds", "epoch_milliseconds")


def load_mapping(path: str | Path) -> Mapping:
    """The mapping in a YAML file. Raises MappingError listing every fault with its line."""
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise MappingError(
            f"{file}: there is no such file; a mapping is written as docs/your-own-data.md shows"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise MappingError(f"{file}: cannot be read as UTF-8 text: {error}") from error
    return parse_mapping(text, str(file))


def parse_mapping(text: str, name: str = "mapping") -> Mapping:
    """The mapping written in `text`; `name` is used in messages. Raises MappingError listing every fault with its line."""
    document = read_yaml(text, name)
    try:
        return Mapping.model_validate(document.data)
    except ValidationError as error:
        faults = [_fault(document, dict(detail)) for detail in error.errors()]
        raise MappingError("\n".join(dict.fromkeys(faults))) from error


def _word_faults(where: str, found: Any, words: tuple[str, ...] | None) -> list[str]:
    if words is None:
        return []
    wrong = [value for value in found if value is not None and value not in words]
    return [f"{where}: {value!r} is not one of {', '.join(words)}.{did_you_mean(value, words)}" for value in wrong]


def _fields_at(path: tuple[str | int, ...]) -> list[str]:
    if len(path) > 1 and path[0] == "file":
        return list(FileFormat.model_fields)
    return list(State.model_fields if len(path) > 1 and path[0] == "states" else Mapping.model_fields)


def _fault(document: YamlText, detail: dict[str, Any]) -> str:
    path = tuple(part for part in detail["loc"] if part in ("State", "[key]") or isinstance(part, (str, int)))
    place = f"{document.name}, line {document.line(path)}: "
    where = ", ".join(str(part) for part in path) or "mapping"
    if detail["type"] == "extra_forbidden":
        known = _fields_at(path)
        return (
            f"{place}unknown key {path[-1]!r}; expected one of {', '.join(known)}.{did_you_mean(str(path[-1]), known)}"
        )
    if detail["type"] == "missing":
        return f"{place}{where} is missing; write it as docs/data-contract.md shows"
    found = detail.get("input")
    shown = f", found {found!r}" if isinstance(found, (str, int, float)) else ""
    hint = did_you_mean(found, STATUSES) if isinstance(found, str) and "states" in path else ""
    return f"{place}{where}: {detail['msg'].removeprefix('Value error, ')}{shown}.{hint}"
