"""Instants that are sent to us: with their offset, written out, in the span that calendars cover."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, AwareDatetime, BeforeValidator

FIRST, END = datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"\s*[+-]?[\d_]+(\.\d*)?\s*")


def _is_written_out(value: object) -> object:
    if isinstance(value, int | float) or (isinstance(value, str) and _NUMBER.fullmatch(value)):
        raise ValueError(
            f"is a number ({value}); expected a date and time with offset, such as 2026-07-06T10:15:00+02:00"
        )
    return value


def _in_span(at: datetime) -> datetime:
    if not FIRST <= at < END:
        raise ValueError("must lie between 1970 and 2099")
    return at


Instant: TypeAlias = Annotated[AwareDatetime, BeforeValidator(_is_written_out), AfterValidator(_in_span)]
