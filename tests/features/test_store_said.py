"""What models said, read for judging: of all tickets, or of some with all that was said of each."""

from __future__ import annotations

import pandas as pd

from features.store import Store
from tests.features.stored_alerts import at
from tests.features.test_store_scores import prediction, predictions


def test_what_was_said_is_read_of_all_tickets_or_of_whole_tickets(store: Store) -> None:
    told = [
        prediction(f"T{place}", minute, 0.2 + minute / 100, due_at=at(90)) for place in range(12) for minute in (0, 10)
    ]
    others = [
        prediction("T1", 20, None),
        prediction("T1", 20, 0.5, target="first_response"),
        prediction("T1", -1, 0.9),
        prediction("T2", 5, 0.7, is_shadow=True, bundle_version="breach v2", due_at=None),
    ]
    store.predictions.append(predictions(*told, *others).astype({"due_at": "datetime64[us, UTC]"}))
    found = store.predictions.said_of_some(at(0), "resolution", 1000)
    assert found.one_in == 1
    assert list(found.frame) == ["ticket_id", "is_shadow", "scored_at", "bundle_version", "probability", "due_at"]
    assert len(found.frame) == 25
    shadow = found.frame[found.frame["is_shadow"]]
    assert (shadow["ticket_id"].tolist(), shadow["due_at"].isna().tolist()) == (["T2"], [True])
    assert set(found.frame.loc[~found.frame["is_shadow"], "due_at"]) == {pd.Timestamp(at(90))}
    some = store.predictions.said_of_some(at(0), "resolution", 9)
    assert some.one_in == 3
    whole = found.frame[found.frame["ticket_id"].isin(some.frame["ticket_id"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(some.frame, whole)
    assert 0 < some.frame["ticket_id"].nunique() < 12
    nothing = store.predictions.said_of_some(at(1000), "resolution", 9)
    assert (len(nothing.frame), list(nothing.frame)) == (0, list(found.frame))
