"""Reading an agreements file: every fault at once, each with its line, what was found and what to write instead."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ValidationError

from sla.agreements.agreement_set import AgreementSet
from sla.agreements.references import reference_faults, unresolved_names
from sla.agreements.smart import smart_faults
from sla.agreements.suggestions import did_you_mean
from sla.agreements.written_keys import keys_at
from sla.agreements.yaml_lines import Document, YamlError, read_document
from sla.instants import NEVER_US, to_us
from sla.working_time.business_time import compile_calendar
from sla.working_time.calendar_errors import CalendarError

_EARLIEST = np.array([to_us(datetime(1900, 1, 1, tzinfo=UTC))], dtype=np.int64)  # before it no calendar opens


@dataclass(frozen=True, order=True)
class Fault:
    """One thing wrong with a file; `severity` is "fault" when it cannot be used so, "smart" when a promise cannot be kept account of."""

    line: int
    where: str
    message: str
    severity: str = "fault"

    def text(self, source: str) -> str:
        """The fault as compilers print it: file:line: where: message."""
        place = f"{self.where}: " if self.where else ""
        mark = "SMART: " if self.severity == "smart" else ""
        return f"{source}:{self.line}: {mark}{place}{self.message}"


class AgreementError(ValueError):
    """An agreements file with faults; the text lists them all."""

    def __init__(self, source: str, faults: list[Fault]) -> None:
        self.source, self.faults = source, faults
        count = f"{len(faults)} fault{'s' if len(faults) > 1 else ''}"
        super().__init__("\n".join([f"{source}: {count}", *(fault.text(source) for fault in faults)]))


@dataclass(frozen=True)
class CheckReport:
    """What `slacast check` found: faults first, then what the SMART check reports; `agreements` is None when there are faults."""

    source: str
    faults: tuple[Fault, ...]
    agreements: AgreementSet | None

    @property
    def is_clean(self) -> bool:
        """True when nothing at all was found."""
        return not self.faults

    def text(self) -> str:
        """The report for people: a line for each fault, and a summary."""
        lines = [fault.text(self.source) for fault in self.faults]
        if self.agreements is None:
            return "\n".join([*lines, f"{self.source}: {_count(len(lines), 'fault')}; nothing was loaded"])
        known = self.agreements
        summary = (
            f"{self.source}: {_count(len(known.agreements), 'agreement')}, {_count(len(known.clocks), 'clock')}, "
            f"{_count(len(known.calendars), 'calendar')}, {_count(len(known.services), 'service')}, version {known.version}"
        )
        verdict = "no faults" if self.is_clean else f"{_count(len(lines), 'finding')} of the SMART check"
        return "\n".join([*lines, f"{summary}: {verdict}"])

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values for JSON."""
        return {
            "source": self.source,
            "ok": self.is_clean,
            "version": None if self.agreements is None else self.agreements.version,
            "faults": [fault.__dict__ for fault in self.faults],
        }


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def load_agreements(path: str | Path) -> AgreementSet:
    """The agreements of a YAML file. Raises AgreementError, listing every fault with its line, and OSError."""
    path = Path(path)
    return parse_agreements(_read(path), source=str(path), folder=path.parent)


def parse_agreements(text: str, source: str = "agreements", folder: Path | None = None) -> AgreementSet:
    """The agreements of a YAML text; `source` names it in errors, `folder` is where relative iCalendar paths begin.

    Raises AgreementError, listing every fault with its line. What only the SMART check minds does not stop loading.
    """
    agreements, faults, _ = _examine(text, folder)
    if agreements is None:
        raise AgreementError(source, faults)
    return agreements


def check_file(path: str | Path, attributes: Collection[str] | None = None) -> CheckReport:
    """What is wrong with an agreements file, all at once, the SMART check included. Raises OSError when it cannot be read.

    `attributes` are the columns that the events at hand have; with them, promises about others are reported too.
    """
    path = Path(path)
    try:
        text = _read(path)
    except AgreementError as error:
        return CheckReport(str(path), tuple(error.faults), None)
    return check_text(text, source=str(path), folder=path.parent, attributes=attributes)


def check_text(
    text: str, source: str = "agreements", folder: Path | None = None, attributes: Collection[str] | None = None
) -> CheckReport:
    """What is wrong with an agreements text; see `check_file`."""
    agreements, faults, document = _examine(text, folder)
    if agreements is not None and document is not None:
        found = smart_faults(agreements, attributes)
        faults = sorted(Fault(document.line(path), place_of(path), message, "smart") for path, message in found)
    return CheckReport(source, tuple(faults), agreements)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        fault = Fault(1, "", f"not UTF-8 text (byte {error.start}): save the file as UTF-8")
        raise AgreementError(str(path), [fault]) from error


def _examine(text: str, folder: Path | None) -> tuple[AgreementSet | None, list[Fault], Document | None]:
    try:
        document = read_document(text)
    except YamlError as error:
        return None, [Fault(error.line, "", str(error))], None
    if not isinstance(document.value, dict):
        found = "an empty file" if document.value is None else f"a {type(document.value).__name__}"
        return None, [Fault(1, "", f"{found}; expected keys slacast, calendars and agreements")], document
    faults = [
        Fault(line, place_of(path[:-1]), f'"{path[-1]}" is written twice; keep one') for path, line in document.repeated
    ]
    agreements: AgreementSet | None = None
    try:
        agreements = AgreementSet.model_validate(document.value).reading_from(folder)
    except ValidationError as error:
        faults += [fault_of(detail, document) for detail in error.errors()]
        faults += [
            Fault(document.line(path), place_of(path), message) for path, message in unresolved_names(document.value)
        ]
    else:
        faults += [
            Fault(document.line(path), place_of(path), message) for path, message in reference_faults(agreements)
        ]
    if not faults and agreements is not None:
        faults += _calendar_faults(agreements, document)
    return (None if faults else agreements), sorted(set(faults)), document


def _calendar_faults(agreements: AgreementSet, document: Document) -> list[Fault]:
    """Calendars that cannot be built (a `minus` in a circle, an iCalendar file that is not there) or never open where used."""
    faults = []
    used = {term.calendar for clock in agreements.clocks.values() for term in clock.terms if term.measures}
    for index, name in enumerate(agreements.calendar_names):
        line, where = document.line(("calendars", name)), f"calendars.{name}"
        try:
            opens = compile_calendar(
                agreements.calendars[name], agreements.calendars, name=name, folder=agreements.folder
            )
            if index in used and int(opens.next_open_us(_EARLIEST)[0]) == NEVER_US:
                faults.append(
                    Fault(line, where, "never opens, but a target uses it, so its clock would never run: give it hours")
                )
        except CalendarError as error:
            faults.append(Fault(line, where, str(error)))
    return faults


def fault_of(detail: Any, document: Document, model: type[BaseModel] = AgreementSet) -> Fault:
    """What pydantic found wrong with a document that `model` describes, with its line and the key that was probably meant."""
    path: tuple[str | int, ...] = tuple(detail["loc"])
    kind, message = detail["type"], str(detail["msg"]).removeprefix("Value error, ")
    if kind == "extra_forbidden":
        message = f'unknown key "{path[-1]}"{did_you_mean(str(path[-1]), keys_at(model, path[:-1]))}'
    elif kind == "missing" and path[-1] == "within":
        message = '"within" is missing: a target without a time bound is no promise; write a length such as "8 h", or "no agreement"'
    elif kind == "missing":
        message = f'"{path[-1]}" is missing; add it'
    elif kind == "tuple_type":
        message = f"a list is expected here; found {detail['input']!r}"
    elif kind != "value_error":
        message = f"{message}; found {detail['input']!r}"
    return Fault(document.line(path), place_of(_written(path, document)), message)


def _written(path: tuple[str | int, ...], document: Document) -> tuple[str | int, ...]:
    """The part of a path that the author wrote, without steps that exist only inside the program."""
    found: tuple[str | int, ...] = ()
    for segment in path:
        if (*found, segment) in document.line_of:
            found = (*found, segment)
    return found


def place_of(path: tuple[str | int, ...]) -> str:
    """A path into a document as people write it: `rules[2].above`."""
    text = ""
    for segment in path:
        text += f"[{segment + 1}]" if isinstance(segment, int) else f"{'.' if text else ''}{segment}"
    return text
