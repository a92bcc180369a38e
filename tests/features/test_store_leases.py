"""One of several acts: leases on both kinds of database."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

from features.store import Store
from features.store.engine import amending, make_engine, reading
from features.store.leases import Lease, LeaseLostError, Leases, database_now_us, holding
from sla.instants import from_us
from tests.features.test_store_scores import prediction, predictions


class SetClock:
    """The database's clock, set by hand."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self, connection: Connection) -> int:
        return round(self.seconds * 1_000_000)


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def engine(store: Store, url: str) -> Iterator[Engine]:
    found = make_engine(url)
    yield found
    found.dispose()


@pytest.fixture
def leases(engine: Engine, clock: SetClock) -> Leases:
    return Leases(engine, clock)


def test_one_holds_it_until_it_stops_renewing(leases: Leases, clock: SetClock) -> None:
    assert leases.find("scorer") is None
    first = leases.take("scorer", "a", 30)
    assert (first.holder, first.turn, first.expires_at) == ("a", 1, from_us(1_030_000_000))
    clock.seconds += 29
    assert leases.take("scorer", "b", 30) == first
    assert leases.take("scorer", "a", 30).expires_at == from_us(1_059_000_000)
    clock.seconds += 29.999
    assert leases.take("scorer", "b", 30).holder == "a"
    clock.seconds += 0.001
    second = leases.take("scorer", "b", 30)
    assert (second.holder, second.turn) == ("b", 2)
    assert leases.take("scorer", "a", 30) == second == leases.find("scorer")


def test_a_holder_that_comes_back_late_goes_on_if_nobody_took_its_place(leases: Leases, clock: SetClock) -> None:
    first = leases.take("scorer", "a", 30)
    clock.seconds += 3_600
    assert leases.take("scorer", "a", 30).turn == first.turn


def test_it_is_free_at_once_when_it_is_given_back_and_only_by_its_holder(leases: Leases) -> None:
    first = leases.take("scorer", "a", 30)
    assert leases.release(first) is True
    second = leases.take("scorer", "b", 30)
    assert second.holder == "b"
    assert leases.release(first) is False
    assert leases.find("scorer") == second


def test_what_was_given_back_is_held_no_more_though_the_same_process_takes_it_again(
    leases: Leases, store: Store, clock: SetClock
) -> None:
    first = leases.take("scorer", "a", 30)
    assert leases.release(first) is True
    clock.seconds += 5
    second = leases.take("scorer", "a", 30)
    assert second.turn > first.turn
    assert (first.acquired_at, second.acquired_at) == (from_us(1_000_000_000), from_us(1_005_000_000))
    with pytest.raises(LeaseLostError, match="no longer holds"):
        store.predictions.append(predictions(prediction("T1")), conditions=[holding(first)])
    assert leases.release(first) is False
    assert store.predictions.append(predictions(prediction("T1")), conditions=[holding(second)]).inserted == 1


def test_a_renewed_lease_was_acquired_when_it_was_taken_first(leases: Leases, clock: SetClock) -> None:
    first = leases.take("scorer", "a", 30)
    clock.seconds += 20
    assert leases.take("scorer", "a", 30).acquired_at == first.acquired_at


def test_nobody_takes_it_from_one_who_is_storing_under_it(leases: Leases, engine: Engine) -> None:
    """In SQLite whoever writes keeps all other writers out anyway."""
    mine = leases.take("scorer", "a", 30)
    if engine.dialect.name != "postgresql":
        pytest.skip("rows are locked one by one in PostgreSQL alone")
    with amending(engine) as storing, engine.connect() as other:
        holding(mine)(storing)
        with pytest.raises(OperationalError, match="could not obtain lock"):
            other.execute(text("SELECT * FROM leases FOR UPDATE NOWAIT"))


def test_leases_of_other_names_are_others(leases: Leases) -> None:
    assert [leases.take("scorer", "a", 30).holder, leases.take("mail", "b", 30).holder] == ["a", "b"]


def test_a_clock_set_back_does_not_lock_everybody_out(leases: Leases, clock: SetClock) -> None:
    leases.take("scorer", "dead", 30)
    clock.seconds -= 86_400
    assert leases.take("scorer", "b", 30).holder == "b"


def test_what_is_stored_under_a_lost_lease_is_not_stored(leases: Leases, clock: SetClock, store: Store) -> None:
    mine = leases.take("scorer", "a", 30)
    assert store.predictions.append(predictions(prediction("T1")), conditions=[holding(mine)]).inserted == 1
    clock.seconds += 60
    leases.take("scorer", "b", 30)
    with pytest.raises(LeaseLostError, match="no longer holds"):
        store.predictions.append(predictions(prediction("T2")), conditions=[holding(mine)])
    assert [len(chunk) for chunk in store.predictions.chunks()] == [1]


def test_of_many_that_ask_at_the_same_moment_one_gets_it(engine: Engine) -> None:
    found: list[Lease] = []
    together = threading.Barrier(6)

    def ask(holder: str) -> None:
        together.wait()
        found.append(Leases(engine).take("scorer", holder, 60))

    threads = [threading.Thread(target=ask, args=(str(number),)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert len({(lease.holder, lease.turn) for lease in found}) == 1


def test_the_databases_own_clock_goes_forward(engine: Engine) -> None:
    with reading(engine) as connection:
        first = database_now_us(connection)
    with reading(engine) as connection:
        assert first <= database_now_us(connection) <= first + timedelta(minutes=10) / timedelta(microseconds=1)
