"""Mappings read from YAML, every fault named with its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from features.schema import STATUSES
from features.sources.faults import MappingError, did_you_mean
from features.sources.mapping_model import FileFormat, Mapping, State
from features.sources.mapping_rules import faults_of
from features.sources.yaml_text import YamlText, read_yaml

__all__ = ["Mapping", "load_mapping", "parse_mapping"]


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
        mapping = Mapping.model_validate(document.data)
    except ValidationError as error:
        faults = [_fault(document, dict(detail)) for detail in error.errors()]
        raise MappingError("\n".join(dict.fromkeys(faults))) from error
    contradictions = [f"{name}, line {document.line(path)}: {fault}" for path, fault in faults_of(mapping)]
    if contradictions:
        raise MappingError("\n".join(contradictions))
    return mapping


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
    is_ours = detail["type"] == "value_error"  # our own texts name what was found
    shown = f", found {found!r}" if isinstance(found, str) and not is_ours else ""
    hint = did_you_mean(found, STATUSES) if isinstance(found, str) and "states" in path else ""
    return f"{place}{where}: {detail['msg'].removeprefix('Value error, ')}{shown}{'' if is_ours else '.'}{hint}"
