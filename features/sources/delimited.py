"""CSV and TSV files as tables."""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv

from features.sources.encoding import as_utf8
from features.sources.faults import Rejection, SourceError
from features.sources.mapping_model import FileFormat
from features.sources.table import Coded, Codes, Rows, Table

_EXAMPLES = 3
_SHOWN_CHARACTERS = 80
_END_BYTES = 1 << 16


def read_table(name: str, content: bytes, layout: FileFormat) -> Table:
    """The records of a delimited file as text. `name` is the file's name for messages.

    Records with another number of fields than the header are rejected and counted; blank lines are not records. Raises
    SourceError where the file as a whole cannot be read: wrong encoding, no header, no records, a quote never closed.
    """
    text = as_utf8(name, content, layout.encoding)
    header, header_lines = _header(name, text, layout)
    odd = _OddRows(header_lines, text[-_END_BYTES:])
    arrow = _parsed(name, text, layout, len(header), odd)
    columns = [_coded(arrow.column(index)) for index in range(len(header))]
    blank = np.logical_and.reduce([_is_blank(column) for column in columns])
    is_even = np.ones(arrow.num_rows + len(odd.numbers), np.bool_)
    is_even[np.array(odd.numbers, dtype=np.int64) - 2] = False
    numbers = np.flatnonzero(is_even) + 2
    repeated = tuple(word for word, count in Counter(header).items() if count > 1)
    rejections = odd.rejections(name, layout, len(header))
    rejected = sum(one.count for one in rejections)
    if blank.all() and not rejected:
        raise SourceError(f"{name}: has a header but no rows below it; export it again with data")
    kept = {word: column.take(~blank) for word, column in zip(header, columns, strict=True) if word not in repeated}
    lines = _line_numbers(columns, numbers, odd)
    return Table(name, kept, numbers[~blank], lines[~blank], int((~blank).sum()) + rejected, rejections, repeated)


@dataclass
class _OddRows:
    """Collects the records that do not fit the header while the file is parsed."""

    header_lines: int
    at_end: bytes  # the last bytes of the file
    numbers: list[int] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    fields: list[int] = field(default_factory=list)

    def __call__(self, row: Any) -> str:
        self.numbers.append(row.number - self.header_lines + 1)
        self.texts.append(row.text)
        self.fields.append(row.actual_columns)
        return "skip"

    def rejections(self, name: str, layout: FileFormat, width: int) -> tuple[Rejection, ...]:
        rows = [index for index, text in enumerate(self.texts) if text.strip()]
        for index in rows:
            if layout.quote and self.texts[index].count(layout.quote) % 2:
                raise SourceError(
                    f"{name}, row {self.numbers[index]}: a quote {layout.quote} opens and is never closed: {_shown(self.texts[index])!r}; "
                    'mend the row, or write `file: {quote: ""}` in the mapping if quotes are ordinary characters'
                )
        if not rows:
            return ()
        self._refuse_cut_off(name, rows[-1], width)
        # A record that swallowed several lines counts as that many: nothing is lost unseen.
        numbers = tuple(
            number for index in rows for number in [self.numbers[index]] * (self.texts[index].strip().count("\n") + 1)
        )
        examples = tuple(
            f"row {self.numbers[index]}: {self.fields[index]} fields in {_shown(self.texts[index])!r}"
            for index in rows[:_EXAMPLES]
        )
        return (Rejection("another number of fields than the header", f"{width} fields", numbers, examples),)

    def _refuse_cut_off(self, name: str, last: int, width: int) -> None:
        """A short record at the very end, without the line break that ends every other record, is half a record."""
        text = self.texts[last]
        if self.at_end.endswith(text.encode()) and text and not text.endswith("\n") and self.fields[last] < width:
            raise SourceError(
                f"{name}, row {self.numbers[last]}: the file ends in the middle of a record: {_shown(text)!r} has {self.fields[last]} of {width} fields; "
                "it is cut off: copy or export it again (or end the last line, if it is whole)"
            )


def _header(name: str, text: bytes, layout: FileFormat) -> tuple[list[str], int]:
    lines = io.TextIOWrapper(io.BytesIO(text), encoding="utf-8", newline="")
    reader = csv.reader(lines, delimiter=layout.separator, **_quoting(layout))
    header = [word.strip() for word in next(reader, [])]
    if not any(header):
        raise SourceError(f"{name}, line 1: expected the names of the columns, found an empty line")
    return header, reader.line_num


def _quoting(layout: FileFormat) -> dict[str, Any]:
    return {"quotechar": layout.quote} if layout.quote else {"quoting": csv.QUOTE_NONE}


def _parsed(name: str, text: bytes, layout: FileFormat, width: int, odd: _OddRows) -> Any:
    names = [str(index) for index in range(width)]  # a header may repeat a name
    try:
        arrow = pa.csv.read_csv(
            pa.BufferReader(text),
            read_options=pa.csv.ReadOptions(
                use_threads=False, column_names=names, skip_rows=odd.header_lines, block_size=16 << 20
            ),
            parse_options=pa.csv.ParseOptions(
                delimiter=layout.separator,
                quote_char=layout.quote or False,
                newlines_in_values=True,
                ignore_empty_lines=False,
                invalid_row_handler=odd,
            ),
            convert_options=pa.csv.ConvertOptions(
                column_types={word: pa.dictionary(pa.int32(), pa.string()) for word in names}, strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid as error:
        if text.count(b"\n") <= odd.header_lines:
            raise SourceError(f"{name}: has a header but no rows below it; export it again with data") from error
        raise SourceError(
            f"{name}: cannot be read as delimited text: {error}; check `file: delimiter, quote` in the mapping"
        ) from error
    return arrow.unify_dictionaries()


def _coded(column: Any) -> Coded:
    chunks = column.chunks
    if not chunks:
        return Coded(np.empty(0, dtype=np.int32), np.empty(0, dtype=object))
    codes: Codes = np.concatenate([chunk.indices.to_numpy(zero_copy_only=False) for chunk in chunks]).astype(np.int32)
    return Coded(codes, chunks[0].dictionary.to_numpy(zero_copy_only=False).astype(object))


def _line_numbers(columns: list[Coded], numbers: Rows, odd: _OddRows) -> Rows:
    """The line on which each record begins: every line break inside an earlier value moves it on."""
    breaks = np.zeros(len(numbers), dtype=np.int64)
    for column in columns:
        of_value = np.array([text.count("\n") for text in column.values], dtype=np.int64)
        if of_value.any():
            breaks += column.per_row(of_value, 0)
    odd_breaks = np.array([0, *np.cumsum([text.rstrip("\n").count("\n") for text in odd.texts])], dtype=np.int64)
    before = np.cumsum(breaks) - breaks + odd_breaks[np.searchsorted(np.array(odd.numbers, dtype=np.int64), numbers)]
    return numbers + before + odd.header_lines - 1


def _is_blank(column: Coded) -> Any:
    return column.per_row(np.array([not text.strip() for text in column.values], dtype=bool), True)


def _shown(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "..."
