"""Every ticket of the answer keys of other systems, run through our clocks."""

from __future__ import annotations

from functools import cache

import pytest

from tests.sla.peer_conventions import defined, listed
from tests.sla.peer_tickets import OPERATIONS, convention, differences
from tests.sla.peer_vectors import ABSENT, FOLDER, vectors

pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason=ABSENT)


@cache
def findings() -> dict[str, list[str]]:
    """For each vector, what we answer otherwise than the peer."""
    return {vector["id"]: differences(vector) for vector in vectors() if vector["op"] in OPERATIONS}


@cache
def conventions() -> dict[str, str | None]:
    """For each vector that differs, the convention by which it does, from the table or as the vector declares it."""
    differ = {name for name, found in findings().items() if found}
    by_id = {vector["id"]: vector for vector in vectors()}
    return {name: listed().get(name) or convention(by_id[name]) for name in differ}


def test_every_ticket_agrees_or_differs_by_a_convention_of_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    named = {name: rule for name, rule in conventions().items() if rule in defined()}
    count = len(findings()) - len(conventions())
    in_table = len(listed().keys() & findings().keys())
    with capsys.disabled():
        print(f"\nticket vectors: {len(findings())} run, {count} agree exactly, {in_table} listed in docs/vectors.md")
    assert {name: findings()[name] for name in conventions().keys() - named.keys()} == {}
    assert findings()


def test_the_table_lists_no_ticket_that_agrees() -> None:
    assert listed().keys() & findings().keys() - conventions().keys() == set()


def test_a_ticket_is_listed_under_the_convention_that_it_declares() -> None:
    by_id = {vector["id"]: vector for vector in vectors()}
    assert {name: convention(by_id[name]) for name in listed() if name in findings()} == {
        name: rule for name, rule in listed().items() if name in findings()
    }
