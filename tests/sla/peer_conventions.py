"""Where the answer keys of other systems differ from us by a convention: what they declare, and what docs/vectors.md lists."""

from __future__ import annotations

import re
from pathlib import Path

from sla.instants import SECOND_US, from_us, to_us
from tests.sla.peer_days import counted_edges, day_rule
from tests.sla.peer_vectors import Vector, agrees, business_time, instant

TABLE = Path(__file__).resolve().parents[2] / "docs" / "vectors.md"


def listed() -> dict[str, str]:
    """The rows of the table: vector and the convention that differs."""
    rows = re.findall(
        r"^\| `([a-z0-9_]+-\d+)` \| ([a-z_]+) \| ([^|]+) \|", TABLE.read_text(encoding="utf-8"), re.MULTILINE
    )
    return {identity: convention.strip() for identity, _, convention in rows}


def defined() -> set[str]:
    """The conventions that the page defines."""
    return set(re.findall(r"^- \*\*([^*]+)\*\*", TABLE.read_text(encoding="utf-8"), re.MULTILINE))


def declared_convention(vector: Vector) -> str | None:
    """The convention, other than ours, that a vector itself declares; docs/vectors.md defines each name."""
    if vector["op"] == "add" and (convention := _border(vector)):
        return convention
    if vector.get("closing_instant_inclusive"):
        return "open at closing time"
    if vector.get("peer_semantics") == "wall_clock" or vector.get("policy"):
        return "wall clock"
    if vector["op"] == "add_days" and day_rule(vector) is None:
        return "another day rule"
    if vector["op"] == "days_between" and "rule" in vector and counted_edges()[vector["rule"]] is None:
        return "another day rule"
    return None


def _border(vector: Vector) -> str | None:
    """Where a peer puts an amount that is used up at a border of closed time, if that is not where we do."""
    if vector.get("seconds") == 0:
        return "zero is an amount"
    forward = vector.get("seconds", 0) > 0
    if vector.get("boundary") == "open" and forward:
        return "due at the next opening"
    if vector.get("boundary") == "close" and not forward:
        return "counted back to the closing before"
    return None


def agrees_by_option(vector: Vector) -> bool:
    """Whether our answer is the peer's when we are asked under its convention, for conventions that are options of ours."""
    working = business_time(vector["calendar"])
    if vector["op"] == "is_open":
        return agrees(vector, {"open": working.is_open_at(instant(vector["at"]), closing_included=True)})
    due = working.due(
        instant(vector["start"]), vector["seconds"], "opening" if vector["boundary"] == "open" else "closing"
    )
    if step := vector.get("round_result_seconds"):
        due = from_us(round(to_us(due) / (step * SECOND_US)) * step * SECOND_US)
    return agrees(vector, {"at": due})


OPTIONS = ("due at the next opening", "counted back to the closing before", "open at closing time")
