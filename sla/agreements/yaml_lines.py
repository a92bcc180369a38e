"""YAML as plain Python values that remember the line each of them was written on."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

Path = tuple[str | int, ...]
_BOOLEANS = {"true": True, "false": False}
_INTEGER = re.compile(r"-?(0|[1-9]\d*)")
_NULLS = {"", "~", "null", "Null", "NULL"}


class YamlError(ValueError):
    """Text that is not YAML; `line` is where reading stopped."""

    def __init__(self, text: str, line: int) -> None:
        super().__init__(text)
        self.line = line


@dataclass
class Document:
    """Plain values, the line of each by its path, and the keys that were written twice."""

    value: Any
    line_of: dict[Path, int] = field(default_factory=dict)
    repeated: list[tuple[Path, int]] = field(default_factory=list)

    def line(self, path: Path) -> int:
        """The line of the value at a path, or of the nearest thing around it; segments that nobody wrote are skipped."""
        found: Path = ()
        for segment in path:
            if (*found, segment) in self.line_of:
                found = (*found, segment)
        return self.line_of.get(found, 1)


def read_document(text: str) -> Document:
    """The document a YAML text holds.

    Unlike YAML 1.1, `18:00`, `2016-05-16` and `1.10` stay text and only `true` and `false` are truth values, so that times,
    dates, version numbers and Norway (NO) arrive as they were written. Raises YamlError with the line.
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlError(f"not YAML: {error.problem or error.context}", 1 if mark is None else mark.line + 1) from error
    except yaml.YAMLError as error:
        raise YamlError(f"not YAML: {error}", 1) from error
    document = Document(None)
    if node is not None:
        document.value = _value(node, (), document, frozenset())
    return document


def _value(node: yaml.Node, path: Path, document: Document, above: frozenset[int]) -> Any:
    document.line_of.setdefault(path, node.start_mark.line + 1)
    if id(node) in above:
        raise YamlError("an anchor refers to itself", node.start_mark.line + 1)
    above = above | {id(node)}
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, document, above)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, index), document, above) for index, item in enumerate(node.value)]
    return _scalar(node)


def _mapping(node: yaml.MappingNode, path: Path, document: Document, above: frozenset[int]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    merged: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key, line = str(key_node.value), key_node.start_mark.line + 1
        if key_node.tag == "tag:yaml.org,2002:merge":
            for part in value_node.value if isinstance(value_node, yaml.SequenceNode) else [value_node]:
                merged |= _value(part, path, document, above)
            continue
        if key in values:
            document.repeated.append(((*path, key), line))
            continue
        document.line_of[(*path, key)] = line
        values[key] = _value(value_node, (*path, key), document, above)
    return {**merged, **values}


def _scalar(node: yaml.Node) -> Any:
    text = str(node.value)
    if not isinstance(node, yaml.ScalarNode) or node.style is not None:
        return text
    if text in _NULLS:
        return None
    if text.lower() in _BOOLEANS:
        return _BOOLEANS[text.lower()]
    return int(text) if _INTEGER.fullmatch(text) else text
