"""A table seen through its mapping: columns by their canonical name, words translated, bad rows set aside with the reason."""

from __future__ import annotations

from collections.abc import Mapping as Dict
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.sources.dates import UNREADABLE, Instants, given_instants, read_instants
from features.sources.faults import Rejection, SourceError, count_of, did_you_mean
from features.sources.mapping_model import OTHERWISE, Mapping
from features.sources.pseudonyms import check_secret, pseudonyms
from features.sources.table import Coded, CodedInstants, Codes, Table

_T = TypeVar("_T")
_EXAMPLES = 3
_SHOWN = 60
_DELIMITERS = {",": "','", ";": "';'", "\t": r'"\t"', "|": "'|'"}


@dataclass
class MappedTable:
    """A file's rows under canonical names. Rows that `reject` has set aside stay in the arrays until `without_rejected`."""

    table: Table
    mapping: Mapping
    duplicate_rows: tuple[int, ...]  # identical rows that were left out
    unmapped: tuple[str, ...]  # columns neither used nor ignored
    is_rejected: NDArray[np.bool_]
    rejections: list[Rejection] = field(default_factory=list)
    secret: str | None = field(default=None, repr=False)  # that pseudonyms are made with
    _read: dict[str, Coded] = field(default_factory=dict)

    def source_column(self, target: str) -> str | None:
        """The file's column for a canonical name or attribute, or None."""
        return self.mapping.columns.get(target) or self.mapping.attributes.get(target)

    def coded(self, target: str) -> Coded:
        """The column of a canonical name or attribute: missing and cleared values applied, words translated, names hidden."""
        found = self._translated(target)
        if target not in self.mapping.pseudonymise:
            return found
        check_secret(self.mapping, self.secret, self.table.name)
        return found.translated(pseudonyms(found.values, self.secret or ""))

    def _translated(self, target: str) -> Coded:
        column = self.source_column(target)
        if column is None:
            return Coded.constant(self.mapping.constants.get(target), len(self.table))
        coded = self._with_missing(self.table.columns[column], target)
        table = self.mapping.values.get(target)
        if not table:
            return coded
        self._refuse_unknown(coded, column, target, table)
        return coded.translated([value if value == "" else _look_up(table, value) for value in coded.values])

    def states(self) -> tuple[Coded, Coded]:
        """The columns status and waiting_on: a known status that waits for nobody clears waiting_on."""
        column = self.source_column("status")
        coded = self.coded_as_written("status")
        table = self.mapping.states
        if column is None or not table:
            return coded, self.coded("waiting_on")
        self._refuse_unknown(coded, column, "states", table)
        found = [_look_up(table, value) for value in coded.values]
        status = coded.translated([None if state is None else str(state.status) for state in found])
        waits = coded.translated([None if state is None else str(state.waiting_on or "") for state in found])
        return status, waits

    def coded_as_written(self, target: str) -> Coded:
        """The column of a canonical name with missing values applied, but not translated."""
        column = self.source_column(target)
        if column is None:
            return Coded.constant(self.mapping.constants.get(target), len(self.table))
        return self._with_missing(self.table.columns[column], target)

    def instants(self, target: str, *, required: bool) -> Instants:
        """The instants of a canonical column; rows that hold no date, or none although required, are rejected."""
        column = self.source_column(target) or ""
        instants = self._instants(target)
        expected = f"a date from 1970 to 2099 as {' or '.join(repr(text) for text in self.mapping.dates)}"
        if required:
            self.reject(instants.is_missing, f"column {column!r} has no date", target, expected)
        self.reject(
            ~instants.is_missing & (instants.at_us == UNREADABLE),
            f"column {column!r} has an unreadable date",
            target,
            expected,
        )
        return instants

    def _instants(self, target: str) -> Instants:
        column = self.source_column(target)
        given = None if column is None else self.table.columns[column]
        is_plain = not any(text[:1].isdigit() for text in self.mapping.missing)  # no instant stands for "missing"
        if isinstance(given, CodedInstants) and "iso" in self.mapping.dates and is_plain:
            return given_instants(given, self.mapping.time_zone)
        return read_instants(self.coded_as_written(target), self.mapping.dates, self.mapping.time_zone)

    def reject(self, is_bad: NDArray[np.bool_], reason: str, target: str, expected: str) -> None:
        """Set rows aside; each row counts for the first reason found."""
        fresh = is_bad & ~self.is_rejected
        rows = np.flatnonzero(fresh)
        if len(rows):
            column = self.source_column(target)
            raw = self.table.columns[column] if column else Coded.constant(None, len(self.table))
            examples = tuple(
                f"{self.table.place(row)}, column {column!r}: {_text(raw, row)!r}" for row in rows[:_EXAMPLES]
            )
            numbers = tuple(int(number) for number in self.table.row_numbers[rows])
            self.rejections.append(Rejection(reason, expected, numbers, examples))
            self.is_rejected |= fresh

    def refuse_if_too_many_rejected(self) -> None:
        """Raise SourceError where more rows are rejected than the mapping allows, or all of them."""
        rejected = sum(one.count for one in self.rejections)
        read = self.table.rows_read
        limit = self.mapping.rejected_share_limit
        if rejected > limit * read or (rejected and rejected + len(self.duplicate_rows) >= read):
            reasons = "\n".join(one.text() for one in self.rejections)
            raise SourceError(
                f"{self.table.name}: {rejected:,} of {read:,} rows would be rejected, more than the limit of {limit:.1%}; nothing was imported.\n"
                f"{reasons}\nCorrect the mapping or the file, or raise `rejected_share_limit` in the mapping."
            )

    def _with_missing(self, column: Coded, target: str) -> Coded:
        if target not in self._read:  # asked for again by the quality report; a million ids take a second
            self._read[target] = self._without_missing(column, target)
        return self._read[target]

    def _without_missing(self, column: Coded, target: str) -> Coded:
        missing = set(self.mapping.missing)
        cleared = set(self.mapping.cleared.get(target, ()))
        stripped = [str(value).strip() for value in column.values]
        return column.translated(
            ["" if value in cleared else None if value in missing or value == "" else value for value in stripped]
        )

    def _refuse_unknown(self, coded: Coded, column: str, where: str, table: Dict[str, object]) -> None:
        if OTHERWISE in table:
            return
        counts = coded.counts()
        unknown = [value for value in counts if value and value not in table]
        if unknown:
            lines = [self._unknown_line(coded, column, value, counts[value], where, table) for value in unknown[:10]]
            more = f"\n... and {len(unknown) - 10} more values" if len(unknown) > 10 else ""
            raise SourceError("\n".join(lines) + more)

    def _unknown_line(
        self, coded: Coded, column: str, value: str, count: int, where: str, table: Dict[str, object]
    ) -> str:
        code = int(np.flatnonzero(coded.values == value)[0])
        place = self.table.place(np.flatnonzero(coded.codes == code)[0])
        key = "states" if where == "states" else f"values, {where}"
        return (
            f"{self.table.name}, {place}, column {column!r}: {value!r} ({count_of(count, 'row')}) is not in the mapping under `{key}`, "
            f"which knows {', '.join(repr(word) for word in table)}.{did_you_mean(value, table)} "
            f"Add a line for it; `{value}: null` means no news, `'{OTHERWISE}'` stands for every other value."
        )


def mapped_table(table: Table, mapping: Mapping, secret: str | None = None) -> MappedTable:
    """The table under its mapping, identical rows dropped if the mapping says so; `secret` makes pseudonyms.

    Raises SourceError where a column of the mapping is not in the file or stands in its header twice.
    """
    used = dict.fromkeys([*mapping.columns.values(), *mapping.attributes.values()])
    _refuse_repeated(table, mapping)
    _refuse_absent(table, list(used))
    unmapped = tuple(name for name in table.columns if name not in used and name not in mapping.ignore)
    duplicates: tuple[int, ...] = ()
    if mapping.duplicates == "drop":
        is_repeat = _is_repeat([column.codes for column in table.columns.values()], len(table))
        duplicates = tuple(int(number) for number in table.row_numbers[is_repeat])
        table = table.take(~is_repeat) if is_repeat.any() else table
    return MappedTable(
        table, mapping, duplicates, unmapped, np.zeros(len(table), dtype=bool), list(table.rejections), secret
    )


def _is_repeat(columns: list[Codes], rows: int) -> NDArray[np.bool_]:
    """Whether a row equals an earlier one in all columns.

    The columns that tell most rows apart are asked first, each only about the rows that still have an equal: after the
    ticket and the time there are hardly any.
    """
    near = np.arange(rows)
    group = np.zeros(rows, np.int64)
    for codes in sorted(columns, key=lambda codes: -int(codes.max(initial=0))):
        width = int(codes.max(initial=0)) + 2
        group = pd.factorize(group * width + codes[near] + 1)[0].astype(np.int64)
        has_equal = np.bincount(group, minlength=1)[group] > 1 if len(group) else np.zeros(0, np.bool_)
        near, group = near[has_equal], group[has_equal]
    is_repeat = np.zeros(rows, np.bool_)
    is_repeat[near[pd.Series(group).duplicated().to_numpy()]] = True
    return is_repeat


def _refuse_repeated(table: Table, mapping: Mapping) -> None:
    wrong = [name for name in table.repeated_names if name not in mapping.ignore]
    if wrong:
        raise SourceError(
            f"{table.name}{table.names_at}: the header names {', '.join(repr(name) for name in wrong)} more than once, so it is not clear which column is meant; "
            "rename one in the file, or list the name under `ignore` in the mapping"
        )


def _refuse_absent(table: Table, used: list[str]) -> None:
    names = list(table.columns)
    absent = [name for name in used if name not in table.columns]
    if not absent:
        return
    lines = [
        f"{table.name}{table.names_at}: there is no column {name!r}.{did_you_mean(name, names)}" for name in absent
    ]
    if len(names) == 1 and table.names_at:
        found = [shown for mark, shown in _DELIMITERS.items() if mark in names[0]]
        lines.append(
            f"The header is one column, {names[0][:_SHOWN]!r}: probably the mapping needs `file: {{delimiter: {found[0] if found else '...'}}}`."
        )
    lines.append(
        f"The file's columns are: {', '.join(names)}. Correct the names under `columns` or `attributes` in the mapping."
    )
    raise SourceError("\n".join(lines))


def _look_up(table: Dict[str, _T], value: str) -> _T | None:
    return table[value] if value in table else table.get(OTHERWISE)


def _text(column: Coded, row: int) -> str:
    code = int(column.codes[row])
    text = "" if code < 0 else str(column.values[code])
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
