"""Service events come in the order of their ids, whatever the services are called."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.sources.mapping import load_mapping
from features.sources.reading import read

MAPPING = """
kind: service_events
time_zone: UTC
columns: {service: name, event_at: at, ended_at: over, kind: what}
"""


@pytest.mark.parametrize("with_end", [True, False])
@pytest.mark.parametrize("odd", ["a-b", "a b", "é", "Z", "a/b", "a0"])
def test_events_come_in_the_order_of_their_ids(tmp_path: Path, odd: str, with_end: bool) -> None:
    mapping, file = tmp_path / "mapping.yaml", tmp_path / "rows.csv"
    mapping.write_text(MAPPING if with_end else MAPPING.replace("ended_at: over, ", ""))
    rows = ["name,at,over,what"]
    for hour in (5, 3, 3, 3, 11):
        at = f"2026-01-0{1 + hour % 2}T{hour:02d}:00:00Z,2026-01-05T00:00:00Z"
        rows += [f"{service},{at},outage" for service in ("a", odd, "ab", "b")]
    rows.append("a,2026-01-01T00:00:00Z,2026-01-05T00:00:00Z,change")
    file.write_text("\n".join(dict.fromkeys(rows)) + "\n", encoding="utf-8")
    ids = read(file, load_mapping(mapping)).events["event_id"].tolist()
    assert len(ids) == (len(set(rows)) - 1) * (2 if with_end else 1)
    assert ids == sorted(ids, key=str.encode)
