"""Plain events enter the store as a frame that says the same would: row by row, and with the same faults."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from features.plain_events import PlainEvents
from features.schema import INSTANT_DTYPE, NO_INSTANT_US, TICKET_COLUMNS, SchemaError, validate_ticket_events
from features.store import Store, tables
from features.store.coding import instants_us
from features.store.faults import ConflictError, IdentityError
from tests.features.builders import event, events
from tests.features.test_store_properties import few, new_store

WORDS = st.sampled_from([None, "", "Ann", "Łucja; \"quoted\", 'twice'\n", "\x1f\u2028\U0001f600", "a/b"])
IDS = [
    "jira-1",
    "T1/20240304T080000000000/001",
    "T2/20240304T080100000000/002",
    "a/b",
    "\u00e9" * 90,
    "001",
    "T1/20240304T080000000000/001\n",
]
RECORDS = st.builds(
    lambda ticket, minute, event_id, late, values: {
        **event(ticket, minute, 1, **values),
        **({"event_id": event_id} if event_id else {}),
        "recorded_at": event(ticket, minute + late)["event_at"],
    },
    st.sampled_from(["T1", "T2", "Ö/3"]),
    st.integers(0, 4),
    st.sampled_from([None, *IDS]),
    st.integers(0, 2),
    st.fixed_dictionaries(
        {
            "kind": st.sampled_from(["created", "updated"]),
            "team": WORDS,
            "attributes.title": WORDS,
            "attributes.a\"'": WORDS,
            "status": st.sampled_from([None, "new", "open"]),
        }
    ),
)
LOGS = st.lists(RECORDS, min_size=1, max_size=10, unique_by=lambda record: record["event_id"])


def plain(frame: pd.DataFrame) -> PlainEvents:
    texts = {name: [None if pd.isna(text) else text for text in frame[name]] for name in frame if name[-3:] != "_at"}
    return PlainEvents(texts, *(instants_us(frame[name]) for name in ("event_at", "recorded_at")))


def append(store: Store, given_events: Any) -> Any:
    """The report, or the error's text."""
    try:
        return store.append_ticket_events(given_events, "test")
    except (ConflictError, IdentityError, SchemaError) as error:
        return type(error), str(error)


def rows(store: Store) -> list[Any]:
    with store._engine.connect() as connection:
        return [
            connection.execute(select(table)).fetchall()
            for table in (tables.ticket_events, tables.words, tables.imports)
        ]


@few
@given(logs=st.lists(LOGS, min_size=2, max_size=3))
def test_the_same_rows_are_stored_in_the_same_order_and_refused_with_the_same_words(
    logs: list[list[dict[str, Any]]],
) -> None:
    with new_store() as one, new_store() as other:
        for log in logs:
            frame = events(*log)
            assert append(one, plain(frame)) == append(other, frame)
            assert rows(one) == rows(other)


def test_they_are_stored_in_each_kind_of_store_and_known_again(store: Store) -> None:
    frame = events(*(event("T1", minute, 1, team="Łucja, \"x\"\n'", **{"attributes.title": "\u2028"}) for minute in range(30)))  # fmt: skip
    frame["event_id"] = [f"own {place}" if place % 3 else name for place, name in enumerate(frame["event_id"])]
    assert append(store, plain(frame)).inserted == 30
    pd.testing.assert_frame_equal(store.ticket_events()[frame.columns], frame)
    assert append(store, plain(frame)).duplicates == 30
    assert append(store, frame).duplicates == 30
    other = replace(plain(frame), texts={**plain(frame).texts, "team": ["other"] * 30})
    assert append(store, other)[0] is ConflictError


def test_a_frame_of_them_is_canonical() -> None:
    frame = events(event("T1", 1, 1, team="A", **{"attributes.title": ""}), event("T2", 2, 1, **{"attributes.b": "x"}))
    pd.testing.assert_frame_equal(plain(frame).frame(), frame)
    assert plain(frame).attributes == ["attributes.b", "attributes.title"]


def mostly(good: list[object], *bad: object) -> st.SearchStrategy[object]:
    return st.sampled_from(good * 6 + list(bad))


eight, nine = (pd.Timestamp(f"2024-03-04T0{hour}:00Z") for hour in (8, 9))
ROWS = st.fixed_dictionaries(
    {
        "event_id": mostly([f"e{number}" for number in range(9)], "", None),
        "ticket_id": mostly(["T1", "T2"], "", None),
        "event_at": mostly([eight], nine, pd.NaT),
        "recorded_at": mostly([eight, nine], pd.NaT),
        "kind": mostly(["created", "updated"], "exploded", "", None),
        "status": mostly(["new", None], "odd", ""),
        "waiting_on": mostly(["customer", "", None], "odd"),
        "actor_kind": mostly(["agent", "", None], "odd"),
        "team": st.sampled_from(["", "A", None]),
        "attributes.title": st.sampled_from(["", "A", None]),
    }
)


@settings(deadline=None, max_examples=100)
@given(st.lists(ROWS, max_size=3))
def test_they_are_good_exactly_where_a_frame_of_them_is_and_refused_with_the_same_words(
    given_rows: list[dict[str, Any]],
) -> None:
    names = (*TICKET_COLUMNS, "attributes.title")
    columns = {name: [row.get(name) for row in given_rows] for name in names}
    dtypes = {name: INSTANT_DTYPE if name.endswith("_at") else "str" for name in columns}
    frame = pd.DataFrame({name: pd.Series(values, dtype=dtypes[name]) for name, values in columns.items()})
    plain_events = plain(frame)

    def found(check: Callable[[], None]) -> str:
        try:
            check()
        except SchemaError as error:
            return str(error)
        return ""

    assert found(plain_events.check) == found(lambda: validate_ticket_events(frame))
    assert plain_events._are_plainly_good() == (found(plain_events.check) == "")


GOOD = plain(events(event("T1", 1, 1, team="A"), event("T2", 2, 1, team="B")))


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("event_id", ["a", "a"]),
        ("event_id", ["", "a"]),
        ("event_id", [None, "a"]),
        ("ticket_id", ["", "T"]),
        ("ticket_id", [None, "T"]),
        ("kind", [None, "updated"]),
        ("kind", ["updated", "thing"]),
        ("status", ["opened", None]),
        ("waiting_on", ["nobody", ""]),
        ("actor_kind", ["robot", ""]),
        ("colour", ["red", "red"]),
    ],
)
def test_what_a_frame_would_be_refused_for_is_refused(name: str, values: list[str | None]) -> None:
    bad = replace(GOOD, texts={**GOOD.texts, name: values})
    with pytest.raises(SchemaError) as of_frame:
        validate_ticket_events(bad.frame())
    with pytest.raises(SchemaError) as of_plain:
        bad.check()
    assert str(of_plain.value) == str(of_frame.value)


@pytest.mark.parametrize("instants", [{"at_us": [NO_INSTANT_US, 5]}, {"recorded_us": [NO_INSTANT_US, NO_INSTANT_US]}])
def test_an_instant_that_is_missing_or_recorded_before_it_happened_is_refused(instants: dict[str, list[int]]) -> None:
    GOOD.check()
    with pytest.raises(SchemaError, match="is missing in"):
        replace(GOOD, **{name: np.array(values, np.int64) for name, values in instants.items()}).check()
    with pytest.raises(SchemaError, match="recorded before they happened"):
        replace(GOOD, recorded_us=GOOD.at_us - 1).check()
