"""Every ticket of the answer keys of other systems, run through our clocks."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from tests.sla.peer_tickets import OPERATIONS, convention, differences
from tests.sla.peer_vectors import ABSENT, FOLDER, vectors

TABLE = Path(__file__).resolve().parents[2] / "docs" / "vectors-clocks.md"
pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason=ABSENT)


@cache
def findings() -> dict[str, tuple[str | None, list[str]]]:
    """For each vector, the named convention in which the peer differs, if any, and what we answer otherwise."""
    return {
        vector["id"]: (convention(vector), differences(vector)) for vector in vectors() if vector["op"] in OPERATIONS
    }


def test_every_ticket_of_the_answer_keys_agrees_or_differs_by_a_named_convention(capsys: pytest.CaptureFixture[str]):
    found = findings()
    agree = [name for name, (_, differ) in found.items() if not differ]
    named = Counter(rule for rule, differ in found.values() if differ and rule)
    with capsys.disabled():
        print(
            f"\nticket vectors: {len(found)} run, {len(agree)} agree exactly, {sum(named.values())} differ by a named convention"
        )
        for rule, count in named.items():
            print(f"  {count}: {rule}")
    unexplained = {name: differ for name, (rule, differ) in found.items() if differ and not rule}
    assert unexplained == {}
    assert found


def test_each_difference_that_we_know_of_is_listed_with_its_convention():
    listed = set(re.findall(r"`([a-z_]+-\d{4})`", TABLE.read_text(encoding="utf-8")))
    files = {path.stem for path in FOLDER.glob("*.json")}
    differ = {name for name, (_, differences_) in findings().items() if differences_}
    assert {name for name in listed if name[:-5] in files} - differ == set(), "listed, but it agrees"
    conventions = TABLE.read_text(encoding="utf-8")
    assert {
        rule for rule, found in findings().values() if found and rule and rule.split(":")[0] not in conventions
    } == set()
