"""Ids and values of any form: they come back as they were stored, and name one event each."""

import math

import numpy as np
import pandas as pd
import pytest

from features.store import ConflictError, Store, StoreError
from tests.features.builders import event, events, service_event, service_events


def test_ids_of_any_form_come_back_and_name_one_event_each(store: Store) -> None:
    ids = [
        "audit-17",
        "T1/1",
        "T1/20240304T080000000000/z000001000",
        "T1/20240304T080000000000/0001",
        "/",
        "Ä",
        "T1/é/01",
    ]
    frame = events(*({**event("T1", 0, status="open"), "event_id": name} for name in ids), event("T1", 0))
    store.append_ticket_events(frame, "test")
    pd.testing.assert_frame_equal(store.ticket_events(), frame)
    again = store.append_ticket_events(frame, "test")
    assert (again.inserted, again.duplicates) == (0, len(frame))
    with pytest.raises(ConflictError, match=r"audit-17: .*event_at is stored as"):
        store.append_ticket_events(events({**event("T1", 5, status="open"), "event_id": "audit-17"}), "test")


def test_an_id_that_contradicts_its_event_is_refused(store: Store) -> None:
    store.append_ticket_events(events(event("T1", 0)), "test")
    with pytest.raises(StoreError, match="contradicts"):
        store.append_ticket_events(events({**event("T1", 5), "event_id": event("T1", 0)["event_id"]}), "test")
    assert store.last_sequence() == 1


def test_service_events_of_any_id_are_known_when_they_come_again(store: Store) -> None:
    made = {**service_event("mail", 0), "event_id": "mail/outage/start/20240304T080000000000/001"}
    frame = service_events(made, service_event("mail", 1, value=0.1 + 0.2, kind="latency", phase="point"))
    store.append_service_events(frame, "test")
    pd.testing.assert_frame_equal(store.service_events(), frame)
    assert store.append_service_events(frame, "test").duplicates == 2


def test_values_come_back_bit_by_bit_whole_ones_too(store: Store) -> None:
    values = [
        1.0,
        -7.0,
        0.0,
        -0.0,
        0.5,
        1e-300,
        2.0**53 - 1,
        2.0**53,
        -(2.0**53),
        1e18,
        -1e300,
        float("inf"),
        math.nan,
        3.0,
    ]
    rows = [service_event("mail", n, value=value, kind="latency", phase="point") for n, value in enumerate(values)]
    store.append_service_events(service_events(*rows), "test")
    found = store.service_events()["value"]
    np.testing.assert_array_equal(found.to_numpy(), values)


@pytest.mark.parametrize("at", ["1970-01-01T00:00:00Z", "1969-12-31T23:59:59.999999Z", "2261-01-01T12:34:56.000001Z"])
def test_an_id_says_its_instant_to_the_microsecond(store: Store, at: str) -> None:
    instant = pd.Timestamp(at)
    frame = events({**event("T1"), "event_at": instant, "event_id": f"T1/{instant:%Y%m%dT%H%M%S%f}/007"})
    store.append_ticket_events(frame, "test")
    pd.testing.assert_frame_equal(store.ticket_events(), frame)
