"""The answer keys of other systems about calendars, working days, availability and budgets, run one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cache

import pytest

from sla.working_time.calendar_errors import CalendarError
from tests.sla.peer_conventions import OPTIONS, agrees_by_option, declared_convention, defined, listed
from tests.sla.peer_days import DAY_OPERATIONS
from tests.sla.peer_service_vectors import SERVICE_OPERATIONS
from tests.sla.peer_vectors import ABSENT, FOLDER, OPERATIONS, Vector, agrees, vectors

ALL_OPERATIONS = OPERATIONS | DAY_OPERATIONS | SERVICE_OPERATIONS
# Tickets with pauses and several clocks; test_vectors_clocks.py and its like run these.
CLOCK_OPERATIONS = {"ticket", "elapsed_paused", "add_paused", "glpi_target"}

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=ABSENT)


@cache
def _ours() -> tuple[Vector, ...]:
    return tuple(vector for vector in vectors() if vector["op"] not in CLOCK_OPERATIONS)


@cache
def _disagreeing() -> dict[str, str]:
    found = {}
    for vector in _ours():
        try:
            answer = ALL_OPERATIONS[vector["op"]](vector)
        except CalendarError as error:
            found[vector["id"]] = f"{vector['op']}: expected {vector['expect']}, but we refuse it: {error}"
            continue
        if not agrees(vector, answer):
            found[vector["id"]] = f"{vector['op']}: expected {vector['expect']}, ours {answer}"
    return found


def test_every_operation_of_the_answer_keys_is_run_here_or_with_the_clocks() -> None:
    assert {vector["op"] for vector in vectors()} <= ALL_OPERATIONS.keys() | CLOCK_OPERATIONS


def test_each_answer_is_the_same_or_differs_by_a_convention_of_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    by_id = {vector["id"]: vector for vector in _ours()}
    named = {identity: listed().get(identity) or declared_convention(by_id[identity]) for identity in _disagreeing()}
    run, differing = _per_file(by_id), _per_file(named)
    with capsys.disabled():
        in_table = len(listed().keys() & by_id.keys())
        print(
            f"\nvectors: {len(by_id)} run, {len(by_id) - len(named)} agree exactly, {in_table} listed in docs/vectors.md"
        )
        for name, count in sorted(run.items()):
            print(f"  {name}: {count - differing[name]} of {count}")
    assert len(by_id) > 100
    assert {identity: _disagreeing()[identity] for identity, name in named.items() if name not in defined()} == {}


def _per_file(identities: Iterable[str]) -> Counter[str]:
    return Counter(identity.rsplit("-", 1)[0] for identity in identities)


def test_the_table_lists_no_vector_that_agrees() -> None:
    present = {vector["id"] for vector in _ours()}
    assert {identity for identity in listed() if identity in present} - _disagreeing().keys() == set()


def test_where_a_convention_is_an_option_of_ours_the_answer_under_it_is_the_peers() -> None:
    by_id = {vector["id"]: vector for vector in _ours()}
    asked = [by_id[identity] for identity in _disagreeing() if declared_convention(by_id[identity]) in OPTIONS]
    assert [vector["id"] for vector in asked if not agrees_by_option(vector)] == []


def test_each_row_of_the_table_names_a_convention_that_the_page_defines() -> None:
    assert {name for name in listed().values() if name not in defined()} == set()


@pytest.mark.parametrize(
    ("vector", "convention"),
    [
        ({"op": "add", "boundary": "open", "seconds": 60}, "due at the next opening"),
        ({"op": "add", "boundary": "open", "seconds": -60}, None),  # backwards we end at the opening, too
        ({"op": "add", "boundary": "close", "seconds": -60}, "counted back to the closing before"),
        ({"op": "add", "boundary": "close", "seconds": 60}, None),
        ({"op": "is_open", "closing_instant_inclusive": True}, "open at closing time"),
        ({"op": "add", "boundary": "open", "seconds": 0}, "zero is an amount"),
        ({"op": "elapsed", "peer_semantics": "wall_clock"}, "wall clock"),
        ({"op": "add", "policy": "closed on all days", "seconds": 60}, "wall clock"),
        ({"op": "add", "boundary": "insensitive", "seconds": 60}, None),
    ],
)
def test_a_convention_that_a_vector_declares_has_a_name_on_the_page(vector: Vector, convention: str | None) -> None:
    assert declared_convention(vector) == convention
    assert convention is None or convention in defined()
