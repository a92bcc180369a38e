"""The JSON Schema of an agreements file, from the models that read it, so that editors complete and check what is typed."""

from __future__ import annotations

import json
from typing import Any

from sla.agreements.agreement_set import AgreementSet, AgreementSource
from sla.agreements.catalogue import Service
from sla.agreements.conditions import ATTRIBUTES, CHANGED, OPENED, VOCABULARIES
from sla.agreements.targets import Goal, Penalty, Target

_MARK = {"$comment": "condition"}
_VALUE: dict[str, Any] = {"type": ["string", "number", "boolean"]}
_VALUES: dict[str, Any] = {"anyOf": [_VALUE, {"type": "array", "items": _VALUE, "minItems": 1}]}
# Lists in which a single item may stand for itself.
_ONE_OR_MORE = {"CalendarSpec": ("closed", "holidays", "minus")}


def agreements_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of an agreements file."""
    schema = AgreementSet.model_json_schema(by_alias=True)
    schema = _resolved(schema)
    schema["$defs"] |= {"Condition": _condition(), "Clause": _clause(), "Test": _test()}
    for model, names in _ONE_OR_MORE.items():
        for name in names:
            whole = schema["$defs"][model]["properties"][name]
            schema["$defs"][model]["properties"][name] = {"anyOf": [whole["items"], whole]}
    _allow_numbers(schema["properties"])
    for part in (AgreementSource, Target, Goal, Penalty, Service):
        _allow_numbers(schema["$defs"][part.__name__]["properties"])
    title = "slacast agreements"
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        **{k: v for k, v in schema.items() if k != "title"},
    }


def agreements_schema_text() -> str:
    """The schema as it is committed: indented JSON with a newline at the end."""
    return json.dumps(agreements_schema(), indent=2, ensure_ascii=False) + "\n"


def _resolved(part: Any) -> Any:
    """The schema with a reference where the models left a mark for a condition."""
    if isinstance(part, list):
        return [_resolved(item) for item in part]
    if not isinstance(part, dict):
        return part
    if part.get("$comment") == _MARK["$comment"]:
        return {**{key: value for key, value in part.items() if key != "$comment"}, "$ref": "#/$defs/Condition"}
    return {key: _resolved(value) for key, value in part.items()}


def _allow_numbers(properties: dict[str, Any]) -> None:
    """Let free texts be numbers where the models take those for texts: `team: 2` is a name."""
    for part in properties.values():
        for choice in (part, *part.get("anyOf", ())):
            if choice.get("type") == "string" and not choice.keys() & {"enum", "const", "format", "pattern"}:
                choice["type"] = ["string", "number"]


def _condition() -> dict[str, Any]:
    clause = {"$ref": "#/$defs/Clause"}
    return {
        "description": "one clause, or several of which one must hold",
        "anyOf": [clause, {"type": "array", "items": clause, "minItems": 1}],
    }


def _clause() -> dict[str, Any]:
    test = {"$ref": "#/$defs/Test"}
    properties: dict[str, Any] = dict.fromkeys(ATTRIBUTES, test)
    for name, words in VOCABULARIES.items():
        properties[name] = {
            "anyOf": [
                {"enum": [*words, ""]},
                {"type": "array", "items": {"enum": [*words, ""]}},
                {"type": "object", "$ref": "#/$defs/Test"},
            ]
        }
    names = {"anyOf": [{"enum": list(ATTRIBUTES)}, {"type": "string", "pattern": "^attributes\\."}]}
    properties[CHANGED] = {
        "description": "attributes that this event changed",
        "anyOf": [names, {"type": "array", "items": names}],
    }
    properties[OPENED] = {"type": "boolean", "description": "whether this is the first event of the ticket"}
    return {
        "description": "attributes and the tests they must pass, all of them",
        "type": "object",
        "properties": properties,
        "patternProperties": {"^attributes\\.": test},
        "additionalProperties": False,
        "minProperties": 1,
    }


def _test() -> dict[str, Any]:
    number = {"type": "number"}
    tests = {
        "in": _VALUES,
        "not": _VALUES,
        "prefix": _VALUES,
        "at_least": number,
        "at_most": number,
        "above": number,
        "below": number,
    }
    detailed = {
        "type": "object",
        "properties": {**tests, "present": {"type": "boolean"}},
        "additionalProperties": False,
        "minProperties": 1,
    }
    return {
        "description": "a value, a list of values of which one must be met, or named tests",
        "anyOf": [*_VALUES["anyOf"], detailed],
    }
