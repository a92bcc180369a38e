"""Settings from YAML files: what is written replaces the default, and what cannot be meant is refused with its line."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from sla.agreements.yaml_lines import Document, YamlError, read_document

S = TypeVar("S", bound=BaseModel)


class ConfigurationError(ValueError):
    """A settings file that cannot be used; the text names the file, the line, the key, and what was expected."""


def read_settings(path: Path, kind: type[S]) -> S:
    """The settings in a YAML file; keys that are not there keep their defaults.

    Raises ConfigurationError with every fault, each with its line. An empty file is all defaults.
    """
    if not path.is_file():
        raise ConfigurationError(f"{path} is not a file; expected a YAML file with settings")
    try:
        document = read_document(path.read_text(encoding="utf-8"))
    except YamlError as fault:
        raise ConfigurationError(f"{path}:{fault.line}: {fault}") from fault
    if document.repeated:
        raise ConfigurationError(
            "\n".join(f"{path}:{line}: {_dotted(key)} is written twice; keep one" for key, line in document.repeated)
        )
    found = {} if document.value is None else document.value
    if not isinstance(found, dict):
        raise ConfigurationError(f"{path}:1: expected keys and values such as `least_tickets: 200`, found {found!r}")
    try:
        return kind.model_validate(found)
    except ValidationError as fault:
        raise ConfigurationError(
            "\n".join(_fault(path, document, kind, detail) for detail in fault.errors())
        ) from fault


def _fault(path: Path, document: Document, kind: type[BaseModel], detail: ErrorDetails) -> str:
    place = detail["loc"]
    where = f"{path}:{document.line(place)}: {_dotted(place)}"
    if detail["type"] == "extra_forbidden":
        known = _keys(kind, place[:-1])
        near = difflib.get_close_matches(str(place[-1]), known, n=1)
        meant = f"did you mean {near[0]}?" if near else f"expected one of: {', '.join(known)}"
        return f"{where} is no setting; {meant}"
    return f"{where} is {detail['input']!r}: {detail['msg']}"


def _keys(kind: Any, place: tuple[str | int, ...]) -> list[str]:
    for part in place:
        field = kind.model_fields.get(part) if hasattr(kind, "model_fields") else None
        kind = None if field is None else field.annotation
    return list(kind.model_fields) if hasattr(kind, "model_fields") else []


def _dotted(place: tuple[str | int, ...]) -> str:
    return ".".join(str(part) for part in place) or "the file"
