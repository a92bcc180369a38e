"""The answer keys of other systems about calendars, working days, availability and budgets, run one by one."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from tests.sla.peer_service_vectors import SERVICE_OPERATIONS
from tests.sla.peer_vectors import ABSENT, FOLDER, OPERATIONS, Vector, agrees, vectors

TABLE = Path(__file__).resolve().parents[2] / "docs" / "vectors.md"
ALL_OPERATIONS = OPERATIONS | SERVICE_OPERATIONS
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
        answer = ALL_OPERATIONS[vector["op"]](vector)
        if not agrees(vector, answer):
            found[vector["id"]] = f"{vector['op']}: expected {vector['expect']}, ours {answer}"
    return found


def _listed() -> dict[str, str]:
    """The rows of the table in docs/vectors.md: vector and the convention that differs."""
    rows = re.findall(r"^\| `([a-z_]+-\d+)` \| ([a-z_]+) \| ([^|]+) \|", TABLE.read_text(), re.MULTILINE)
    return {identity: convention.strip() for identity, _, convention in rows}


def test_every_operation_of_the_answer_keys_is_run_here_or_with_the_clocks() -> None:
    assert {vector["op"] for vector in vectors()} <= ALL_OPERATIONS.keys() | CLOCK_OPERATIONS


def test_each_answer_is_the_same_or_differs_by_a_convention_in_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    surprises = {identity: text for identity, text in _disagreeing().items() if identity not in _listed()}
    run, differing = (
        Counter(v["id"].rsplit("-", 1)[0] for v in _ours()),
        Counter(i.rsplit("-", 1)[0] for i in _disagreeing()),
    )
    with capsys.disabled():
        print(f"\nvectors: {sum(run.values())} run, {sum(run.values()) - sum(differing.values())} agree exactly")
        for name, count in sorted(run.items()):
            print(f"  {name}: {count - differing[name]} of {count}")
    assert len(_ours()) > 100
    assert surprises == {}


def test_the_table_lists_no_vector_that_agrees() -> None:
    present = {vector["id"] for vector in _ours()}
    assert {identity for identity in _listed() if identity in present} - _disagreeing().keys() == set()


def test_each_row_of_the_table_names_a_convention_that_the_page_defines() -> None:
    defined = set(re.findall(r"^- \*\*([^*]+)\*\*", TABLE.read_text(), re.MULTILINE))
    assert {name for name in _listed().values() if name not in defined} == set()
