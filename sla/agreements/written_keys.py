"""Which keys may be written at a place of a file, found by walking the models that describe it."""

from __future__ import annotations

from collections.abc import Mapping
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from sla.agreements.yaml_lines import Path


def keys_at(model: type[BaseModel], path: Path) -> list[str]:
    """The keys that may be written at a path below a model, empty when the path leads to no model."""
    found: Any = model
    for segment in path:
        found = _step(found, segment)
    found = _model(found)
    return [] if found is None else [info.alias or name for name, info in found.model_fields.items()]


def _step(annotation: Any, segment: str | int) -> Any:
    model = _model(annotation)
    if model is not None and isinstance(segment, str):
        fields = {info.alias or name: info.annotation for name, info in model.model_fields.items()}
        return fields.get(segment)
    for choice in _choices(annotation):
        arguments = get_args(choice)
        if isinstance(segment, int) and get_origin(choice) in (tuple, list):
            return arguments[0]
        if get_origin(choice) is not None and issubclass(get_origin(choice) or object, Mapping):
            return arguments[1]
    return annotation  # a single item may stand for a list of one


def _model(annotation: Any) -> type[BaseModel] | None:
    for choice in _choices(annotation):
        if isinstance(choice, type) and issubclass(choice, BaseModel):
            return choice
    return None


def _choices(annotation: Any) -> list[Any]:
    """The alternatives of an annotation without `Annotated` and unions around them."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _choices(get_args(annotation)[0])
    if origin is Union or origin is UnionType:
        return [choice for part in get_args(annotation) for choice in _choices(part)]
    return [annotation]
