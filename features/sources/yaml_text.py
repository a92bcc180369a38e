"""YAML read strictly: a key written twice is a fault, and every fault can say its line."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from features.sources.faults import MappingError

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class YamlText:
    """A document and the line on which each of its keys and items stands."""

    name: str
    data: dict[str, Any]
    lines: dict[Path, int]

    def line(self, path: Path) -> int:
        """The line (from 1) of the key or item at `path`, or of its nearest parent."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


class _TextLoader(yaml.SafeLoader):
    """Leaves everything but `null` as text: a state that looks like a number, a date or a yes is still a state."""


_TextLoader.yaml_implicit_resolvers = {
    letter: [
        (tag, pattern) for tag, pattern in resolvers if tag in ("tag:yaml.org,2002:null", "tag:yaml.org,2002:merge")
    ]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_yaml(text: str, name: str) -> YamlText:
    """The document in `text`; `name` is the file's name for messages.

    Raises MappingError for text that is not YAML, for a key written twice, and for anything but keys and values on top.
    """
    loader = _TextLoader(text)
    try:
        node = loader.get_single_node()
        if not isinstance(node, yaml.MappingNode):
            raise MappingError(
                f"{name}: expected keys and values such as `time_zone: Europe/Berlin`, found nothing of the kind"
            )
        lines: dict[Path, int] = {}
        faults = list(_walk(node, (), lines))
        if faults:
            raise MappingError("\n".join(f"{name}, {fault}" for fault in faults))
        return YamlText(name, loader.construct_document(node), lines)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "somewhere"
        raise MappingError(
            f"{name}, {where}: this is not YAML: {error.problem}; check indentation, colons and quotes"
        ) from error
    except yaml.YAMLError as error:
        raise MappingError(f"{name}: this is not YAML: {error}") from error
    finally:
        loader.dispose()


def _walk(node: yaml.Node, path: Path, lines: dict[Path, int]) -> Iterator[str]:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _walk(item, (*path, index), lines)
    elif isinstance(node, yaml.MappingNode):
        first: dict[Hashable, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.value in first:
                yield (
                    f"line {line}: the key {key.value!r} is written twice, first in line {first[key.value]}; "
                    "keep one of the two"
                )
            first[key.value] = line
            lines[(*path, key.value)] = line
            yield from _walk(value, (*path, key.value), lines)
