from __future__ import annotations

import pandas as pd
import pytest

from features.schema import (
    SchemaError,
    attribute_columns,
    conform_service_events,
    conform_ticket_events,
    empty_service_events,
    empty_ticket_events,
    validate_service_events,
    validate_ticket_events,
)
from tests.features.builders import event, events, service_event, service_events


def test_frames_without_rows_keep_the_contract() -> None:
    validate_ticket_events(empty_ticket_events(["title"]))
    validate_service_events(empty_service_events(["region"]))
    assert attribute_columns(empty_ticket_events(["title"])) == ["attributes.title"]


def test_conforming_supplies_absent_columns_and_recorded_at() -> None:
    frame = conform_ticket_events(pd.DataFrame([event("T1", 3, **{"attributes.title": "x"})]))
    assert frame["recorded_at"].equals(frame["event_at"])
    assert frame["status"].isna().all()
    assert frame["attributes.title"].tolist() == ["x"]


def test_conforming_keeps_known_to_be_empty_apart_from_no_news() -> None:
    frame = events(event("T1", 0, assignee=""), event("T1", 1, assignee=None))
    assert frame["assignee"].fillna("no news").tolist() == ["", "no news"]


def test_conforming_supplies_absent_numbers() -> None:
    assert service_events(service_event())["value"].isna().all()


def test_conforming_does_not_change_the_callers_frame() -> None:
    mine = pd.DataFrame([event("T1", 3)])
    before = mine.copy()
    conform_ticket_events(mine)
    pd.testing.assert_frame_equal(mine, before)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"status": "opened"}, r"'status' holds \['opened'\], expected one of"),
        ({"kind": "exploded"}, "'kind' holds"),
        ({"waiting_on": "godot"}, "'waiting_on' holds"),
        ({"actor_kind": "robot"}, "'actor_kind' holds"),
        ({"event_id": ""}, "'event_id' is missing in 1 of 1 rows"),
        ({"event_id": None}, "'event_id' is missing in 1 of 1 rows"),
        ({"kind": None}, "'kind' is missing in 1 of 1 rows"),
        ({"ticket_id": None}, "'ticket_id' is missing in 1 of 1 rows"),
        ({"ticket_id": ""}, "'ticket_id' is missing in 1 of 1 rows"),
        ({"recorded_at": pd.Timestamp("2020-01-01T00:00Z")}, "recorded before they happened"),
        ({"event_at": pd.Timestamp("2024-03-04T08:00:00")}, "instants need a time zone"),
        ({"event_at": None}, "'event_at' is missing"),
        ({"colour": "red"}, r"unknown columns \['colour'\]"),
    ],
)
def test_what_breaks_the_contract_is_named(change: dict[str, object], words: str) -> None:
    with pytest.raises(SchemaError, match=words):
        conform_ticket_events(pd.DataFrame([{**event("T1"), **change}]))


def test_one_id_names_one_event() -> None:
    with pytest.raises(SchemaError, match="event ids occur twice, first 'T1/"):
        events(event("T1"), event("T1"))


def test_columns_in_another_order_or_dtype_are_refused() -> None:
    frame = events(event("T1"))
    with pytest.raises(SchemaError, match="in this order"):
        validate_ticket_events(frame[frame.columns[::-1]])
    with pytest.raises(SchemaError, match="'status' has dtype object"):
        validate_ticket_events(frame.astype({"status": object}))
    with pytest.raises(SchemaError, match=r"is named attributes\.colour"):
        validate_ticket_events(frame.assign(colour="red"))


def test_maintenance_may_be_recorded_before_it_happens() -> None:
    early = service_event(kind="maintenance", recorded_at=pd.Timestamp("2020-01-01T00:00Z"))
    assert len(conform_service_events(pd.DataFrame([early]))) == 1
    with pytest.raises(SchemaError, match="'phase' holds"):
        service_events(service_event(phase="middle"))
