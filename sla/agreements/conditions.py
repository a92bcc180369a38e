"""Conditions on a ticket: which tickets an agreement applies to, and when a clock starts, pauses, stops.

A condition is a list of clauses, of which one must hold; a clause maps attributes to tests, of which all must hold.
One class evaluates them on a single event and on whole columns alike, so that both paths cannot drift apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from sla.agreements.suggestions import did_you_mean
from sla.events import ACTOR_KINDS, KINDS, ROW_COLUMNS, STATE_COLUMNS, STATUSES, WAITING_ON

CHANGED = "changed"
OPENED = "opened"
SERVICE_FACTS = ("service.criticality", "service.business_value", "service.owner")
ATTRIBUTES = (*STATE_COLUMNS, *ROW_COLUMNS, *SERVICE_FACTS)
VOCABULARIES = {"status": STATUSES, "waiting_on": WAITING_ON, "kind": KINDS, "actor_kind": ACTOR_KINDS}

_EXPECTED = "write attributes and their values, for example {status: waiting, waiting_on: customer}"


def _text(value: Any) -> str:
    """The text an event would carry for a YAML value: 1 and "1" are the same priority."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


class Test(BaseModel):
    """A test of one attribute's text: every key given must hold; an attribute without a value fails all but `present: false` and `not`."""

    __test__ = False  # not a test case, whatever its name tells pytest
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    one_of: tuple[str, ...] | None = Field(
        None, alias="in", description="the value is one of these; a bare value or list means this"
    )
    none_of: tuple[str, ...] | None = Field(
        None, alias="not", description="the value is none of these; holds for a missing value too"
    )
    prefix: tuple[str, ...] | None = Field(None, description="the value begins with one of these")
    at_least: float | None = Field(None, description="the value is a number, this or more")
    at_most: float | None = Field(None, description="the value is a number, this or less")
    above: float | None = Field(None, description="the value is a number greater than this")
    below: float | None = Field(None, description="the value is a number less than this")
    present: bool | None = Field(None, description="whether the attribute has a value other than the empty text")

    @model_validator(mode="before")
    @classmethod
    def _from_short_form(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            value = {"in": value}
        return {
            key: _texts(item) if key in {"in", "not", "prefix", "one_of", "none_of"} else item
            for key, item in value.items()
        }

    @model_validator(mode="after")
    def _asks_something(self) -> Test:
        if not self.model_fields_set:
            raise ValueError(
                "an empty test: write a value, a list of values, or one of in, not, prefix, at_least, at_most, above, below, present"
            )
        return self

    def holds(self, value: str | None) -> bool:
        """True when the text (None = missing) passes every test given."""
        if self.present is not None and self.present != bool(value):
            return False
        if self.none_of is not None and value is not None and value in self.none_of:
            return False
        if self.one_of is not None and value not in self.one_of:
            return False
        if self.prefix is not None and not (value is not None and value.startswith(self.prefix)):
            return False
        return self._is_in_range(value)

    def _is_in_range(self, value: str | None) -> bool:
        if self.at_least is None and self.at_most is None and self.above is None and self.below is None:
            return True
        try:
            number = float(value) if value is not None else float("nan")
        except ValueError:
            return False
        return (
            (self.at_least is None or number >= self.at_least)
            and (self.at_most is None or number <= self.at_most)
            and (self.above is None or number > self.above)
            and (self.below is None or number < self.below)
            and number == number
        )

    def __str__(self) -> str:
        words = []
        if self.one_of is not None:
            words.append("is " + " or ".join(value or "empty" for value in self.one_of))
        if self.none_of is not None:
            words.append("is not " + " or ".join(value or "empty" for value in self.none_of))
        if self.prefix is not None:
            words.append("begins with " + " or ".join(self.prefix))
        limits = (("at least", self.at_least), ("at most", self.at_most), ("above", self.above), ("below", self.below))
        words += [f"is {word} {limit:g}" for word, limit in limits if limit is not None]
        if self.present is not None:
            words.append("has a value" if self.present else "has no value")
        return " and ".join(words)

    def named_values(self) -> tuple[str, ...]:
        """The values the test names exactly, for checking them against a vocabulary."""
        return (self.one_of or ()) + (self.none_of or ())


def _texts(value: Any) -> tuple[str, ...]:
    items = value if isinstance(value, (list, tuple)) else [value]
    return tuple(_text(item) for item in items)


def _known_attribute(name: str) -> str:
    if name in ATTRIBUTES or name.startswith("attributes."):
        return name
    hint = did_you_mean(name, ATTRIBUTES)
    raise ValueError(f'unknown attribute "{name}"{hint} (a free attribute is written attributes.{name})')


AttributeName = Annotated[str, AfterValidator(_known_attribute)]


class Clause(BaseModel):
    """Tests by attribute, all of which hold together; `changed` and `opened` look at the event instead of the state after it."""

    model_config = ConfigDict(frozen=True)

    tests: dict[AttributeName, Test] = {}
    changed: tuple[AttributeName, ...] = ()
    opened: bool | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_attributes(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            raise ValueError(f"{value!r} is not a condition: {_EXPECTED}")  # noqa: TRY004 - pydantic collects ValueError
        if "tests" in value and set(value) <= {"tests", CHANGED, OPENED}:
            return value
        if not value:
            raise ValueError(f"an empty condition would always hold: {_EXPECTED}, or leave the key out")
        clause: dict[str, Any] = {
            "tests": {str(key): item for key, item in value.items() if key not in {CHANGED, OPENED}}
        }
        if CHANGED in value:
            clause[CHANGED] = _texts(value[CHANGED])
        if OPENED in value:
            clause[OPENED] = value[OPENED]
        return clause

    @model_validator(mode="after")
    def _names_known_values(self) -> Clause:
        faults = [
            f'unknown {name} "{value}"{did_you_mean(value, VOCABULARIES[name])}'
            for name, test in self.tests.items()
            for value in test.named_values()
            if name in VOCABULARIES and value not in (*VOCABULARIES[name], "")
        ]
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def __hash__(self) -> int:
        return hash((frozenset(self.tests.items()), self.changed, self.opened))

    def asks_about_event(self) -> bool:
        """True when the clause asks about the event itself and so holds at one row only."""
        return bool(self.changed) or self.opened is not None or any(name in ROW_COLUMNS for name in self.tests)

    def __str__(self) -> str:
        words = [] if self.opened is None else ["the ticket opens" if self.opened else "after the ticket opened"]
        words += [f"{name} changes" for name in self.changed]
        return " and ".join(words + [f"{name} {test}" for name, test in self.tests.items()])


def _clauses(value: Any) -> Any:
    if isinstance(value, Mapping | Clause):
        return (value,)
    if isinstance(value, list | tuple):
        if not value:
            raise ValueError(f"an empty list of conditions never holds: {_EXPECTED}, or leave the key out")
        return tuple(value)
    raise ValueError(f"{value!r} is not a condition: {_EXPECTED}")


Condition = Annotated[tuple[Clause, ...], BeforeValidator(_clauses), WithJsonSchema({"$comment": "condition"})]
"""One of the clauses holds."""


def asks_about_event(condition: Condition) -> bool:
    """True when a clause of the condition can hold at one event only, so that it says nothing about the time after it."""
    return any(clause.asks_about_event() for clause in condition)


def asked_attributes(condition: Condition) -> frozenset[str]:
    """The attributes a condition asks about."""
    return frozenset(name for clause in condition for name in (*clause.tests, *clause.changed))


def describe(condition: Condition) -> str:
    """The condition in words."""
    return ", or ".join(str(clause) for clause in condition)
