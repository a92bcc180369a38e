"""The mapping: how one file's columns and words become canonical events. docs/data-contract.md explains every key."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from features.schema import STATUSES, WAITING_ON
from features.sources.adapter_columns import ADAPTERS, with_adapter_columns
from features.sources.faults import did_you_mean

OTHERWISE = "*"
"""In a translation table: every value that has no line of its own."""

FORMATS = ("delimited", "json_lines", "json", "parquet", "xes")
"""What a file can be, besides an adapter's own JSON."""

Text = Annotated[str, Field(coerce_numbers_to_str=True)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FileFormat(_Strict):
    """How the file is written; the defaults fit an ordinary CSV."""

    format: Literal[FORMATS] | None = None  # type: ignore[valid-type]  # None: what the file's ending says
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)  # None: a tab in .tsv, else a comma
    quote: str = Field(default='"', max_length=1)  # "" = values are never quoted
    encoding: str = "utf-8"
    member: str | None = None  # which file inside a zip, where there are several
    beside: tuple[str, ...] = ()  # for an adapter: further files of the same export, in the same folder

    @property
    def separator(self) -> str:
        """The character between two fields of a delimited file."""
        return self.delimiter or ","

    @field_validator("beside", mode="before")
    @classmethod
    def _from_one(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

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
    adapter: Literal[ADAPTERS] | None = None  # type: ignore[valid-type]
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
    pseudonymise: tuple[str, ...] = ()  # names of columns and attributes whose texts are stored as pseudonyms
    duplicates: Literal["drop", "keep"] = "drop"
    rejected_share_limit: float = Field(default=0.01, ge=0, le=1)

    @model_validator(mode="before")
    @classmethod
    def _with_the_adapters_columns(cls, value: Any) -> Any:
        return with_adapter_columns(value) if isinstance(value, dict) else value

    @field_validator("ignore", mode="before")
    @classmethod
    def _from_list(cls, value: Any) -> Any:
        return dict.fromkeys(value) if isinstance(value, list) else value

    @field_validator("dates", "missing", "pseudonymise", mode="before")
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
                f"{value!r} is no time zone.{did_you_mean(value, available_timezones())} Write it as Europe/Berlin or UTC."
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


DATE_WORDS = ("iso", "epoch_seconds", "epoch_milliseconds")
