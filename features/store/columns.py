"""What columns of the store hold, each in its `info`, and how they are declared."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import BigInteger, Boolean, Column, Float, Integer, Table, Text
from sqlalchemy.types import TypeEngine

WORD, INSTANT, WHOLE, NUMBER, TEXT, FLAG = "word", "instant", "whole", "number", "text", "flag"
_TYPES: Final[dict[str, type[TypeEngine[Any]]]] = {
    WORD: BigInteger,  # the number of a text in `words`
    INSTANT: BigInteger,  # microseconds since 1970 UTC
    WHOLE: BigInteger,
    NUMBER: Float,
    TEXT: Text,
    FLAG: Boolean,
}


def held_by(column: Column[Any]) -> str:
    """What the column holds: WORD, INSTANT, WHOLE, NUMBER, TEXT or FLAG."""
    return str(column.info["holds"])


def key_of(table: Table) -> Column[Any]:
    """The column that numbers the rows in the order of commits."""
    return next(iter(table.primary_key.columns))


def sequence(name: str, *, is_given: bool = False) -> Column[Any]:
    """The column that numbers the rows; `is_given`: by the program, not by the database."""
    # SQLite hands out ascending row numbers only to a column of exactly the type INTEGER.
    number = BigInteger().with_variant(Integer, "sqlite")
    return Column(name, number, primary_key=True, autoincrement=not is_given, info={"holds": WHOLE})


def columns(holds: str, *names: str, optional: bool = False) -> list[Column[Any]]:
    """Columns that hold such values, in this order."""
    return [Column(name, _TYPES[holds], nullable=optional, info={"holds": holds}) for name in names]
