"""The order of the queue, docs/decisions/0003-queue-order.md."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from serving.queue import QueueRow
from serving.risk import LATE, Group, Risk, Thresholds
from tests.serving.builders import HOUR, NOW, busy_desk, by_ticket, clock, queue_of, row


def order(*rows: QueueRow) -> list[str]:
    return [found.ticket_id for found in queue_of(rows).rows]


def test_what_is_due_soon_comes_by_due_time_whatever_the_model_says() -> None:
    assert order(row("risky", clock=clock(10), probability=0.9), row("sooner", clock=clock(2), probability=0.01)) == [
        "sooner",
        "risky",
    ]


def test_beyond_the_window_high_risk_is_saved_first_and_the_rest_is_safe() -> None:
    rows = (
        row("low", clock=clock(20), probability=0.1),
        row("high", clock=clock(25), probability=0.6),
        row("higher", clock=clock(29), probability=0.8),
    )
    queue = queue_of((*rows, row("soon", clock=clock(15), probability=0.0)))
    assert [found.ticket_id for found in queue.rows] == ["soon", "higher", "high", "low"]
    assert by_ticket(queue)["low"].group is Group.SAFE_FOR_NOW
    assert by_ticket(queue)["high"].group is Group.SAVE_NOW


def test_a_ticket_with_exactly_sixteen_working_hours_left_is_to_be_saved_now() -> None:
    assert row(clock=clock(16), probability=0.0).group is Group.SAVE_NOW
    assert row(clock=clock(16 + 1 / 3600), probability=0.0).group is Group.SAFE_FOR_NOW


def test_a_paused_ticket_comes_last_of_the_safe_ones_even_if_it_would_be_due_soon() -> None:
    paused = row("paused", clock=clock(1, state="paused"), waiting_on="customer", probability=0.99)
    assert paused.group is Group.SAFE_FOR_NOW
    assert order(
        paused, row("calm", clock=clock(29), probability=0.01), row("bare", clock=clock(None, state="no_agreement"))
    ) == ["calm", "bare", "paused"]
    assert "waits on the customer" in paused.why_here


def test_what_is_late_stands_in_its_own_group_longest_without_contact_first() -> None:
    rows = [
        row("spoken", clock=clock(-9, state="breached"), last_contact_at=NOW - timedelta(hours=1)),
        row("silent", clock=clock(-1, state="breached"), last_contact_at=NOW - timedelta(days=2)),
        row("never", clock=clock(-1, state="breached"), opened_at=NOW - timedelta(days=5)),
        row("waits", clock=clock(-2, state="paused_and_breached"), last_contact_at=NOW - timedelta(days=1)),
    ]
    assert order(*rows) == ["never", "silent", "waits", "spoken"]
    assert {found.group for found in rows} == {Group.LATE_OR_LOST}


def test_no_probability_makes_a_breached_or_paused_ticket_anything_else() -> None:
    assert row(clock=clock(-1, state="breached"), probability=0.01).risk is Risk.BREACHED
    assert row(clock=clock(5, state="paused"), probability=0.99).risk is Risk.PAUSED


def test_without_a_model_the_share_used_gives_the_word() -> None:
    words = {left: row(clock=clock(left, 100)).risk for left in (60, 50, 20, 19)}
    assert words == {60: Risk.ON_TRACK, 50: Risk.SOME_RISK, 20: Risk.HIGH_RISK, 19: Risk.HIGH_RISK}


def test_thresholds_move_words_and_groups() -> None:
    strict = Thresholds(high_risk_from=0.3, some_risk_from=0.1, save_within_working_hours=1)
    assert row(clock=clock(10), probability=0.3, thresholds=strict).risk is Risk.HIGH_RISK
    assert row(clock=clock(10), probability=0.2, thresholds=strict).group is Group.SAFE_FOR_NOW


def test_rules_and_model_are_said_to_disagree_only_when_two_words_apart() -> None:
    assert row(clock=clock(29), probability=0.9).disagrees
    assert row(clock=clock(1), probability=0.01).disagrees
    assert not row(clock=clock(14), probability=0.9).disagrees


lefts = st.one_of(st.none(), st.floats(-50, 50))
states = st.sampled_from(["running", "paused", "no_agreement"])
rows = st.builds(
    lambda number, left, state, probability, priority: row(
        f"T{number}",
        clock=clock(None if state == "no_agreement" else left, 50, _state(left, state)),
        probability=probability if left is not None and left > 0 and state != "no_agreement" else None,
        priority=priority,
    ),
    st.integers(0, 10**6),
    lefts,
    states,
    st.one_of(st.none(), st.floats(0, 1)),
    st.sampled_from("1234"),
)


def _state(left: float | None, state: str) -> str:
    if left is None:
        return "no_agreement"
    if left < 0 and state != "no_agreement":
        return {"running": "breached", "paused": "paused_and_breached"}[state]
    return state


@given(st.lists(rows, unique_by=lambda found: found.ticket_id), st.randoms())
def test_the_order_is_total_and_its_groups_hold_together(found: list[QueueRow], chance) -> None:  # type: ignore[no-untyped-def]
    queue = queue_of(found)
    chance.shuffle(found)
    assert queue_of(found).rows == queue.rows
    ranks = [item.group.rank for item in queue.rows]
    assert ranks == sorted(ranks)
    assert all((item.group is Group.LATE_OR_LOST) == (item.risk in LATE) for item in queue.rows)
    counts = queue.counts
    assert counts.all == len(found) == counts.save_now + counts.safe_for_now + counts.late_or_lost
    running_soon = [
        i
        for i, item in enumerate(queue.rows)
        if item.clock.state == "running" and (item.clock.remaining_working_seconds or 0) <= 16 * HOUR
    ]
    assert running_soon == list(range(len(running_soon)))  # nothing stands before what is due soon


def test_the_fingerprint_changes_with_the_instant_the_events_and_the_bundle() -> None:
    prints = {
        queue_of([row()]).fingerprint,
        queue_of([row()], as_of=NOW + timedelta(seconds=1)).fingerprint,
        queue_of([row()], last_sequence=5).fingerprint,
        queue_of([row()], bundle_version="breach v8").fingerprint,
        queue_of([row()], rules_only_reason="none").fingerprint,
    }
    assert len(prints) == 5
    assert busy_desk(30).fingerprint == busy_desk(30).fingerprint
