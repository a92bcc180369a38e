"""Which tickets are major incidents: those of the priority that is promised the shortest time."""

from __future__ import annotations

from collections.abc import Iterator

from sla.agreements.agreement_set import AgreementSet
from sla.agreements.terms import Term
from sla.durations import Duration

HOUR_US = 3_600_000_000
DAY_HOURS = 8  # of a working day, to compare it with a number of hours
METRIC = "resolution"


def top_priorities(agreements: AgreementSet) -> tuple[str, ...]:
    """The priorities with the shortest time to resolution, sorted; none where agreements name no priority or make no difference.

    The agreements decide, not the words: "1", "P1", "critical" and "Blocker" are all found, and the answer does not
    depend on which tickets a log holds.
    """
    lengths: dict[str, int] = {}
    longest = 0
    for term, length_us in _promised(agreements):
        longest = max(longest, length_us)
        lengths |= {priority: min(lengths.get(priority, length_us), length_us) for priority in _priorities(term)}
    shortest = min(lengths.values(), default=longest)
    top = sorted(priority for priority, length_us in lengths.items() if length_us == shortest)
    return tuple(top) if shortest < longest else ()


def _promised(agreements: AgreementSet) -> Iterator[tuple[Term, int]]:
    """What customers were promised for the resolution, with its length in microseconds."""
    for clock in agreements.clocks.values():
        if clock.metric == METRIC and not clock.party:
            yield from ((term, _length_us(term.within)) for term in clock.terms if term.within is not None)


def _priorities(term: Term) -> tuple[str, ...]:
    clauses = term.goal_applies_to or ()
    tests = [clause.tests["priority"] for clause in clauses if "priority" in clause.tests]
    return tuple(text for test in tests for text in test.one_of or ())


def _length_us(within: Duration) -> int:
    return within.amount_us or within.working_days * DAY_HOURS * HOUR_US
