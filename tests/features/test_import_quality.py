"""The data quality report: what a careful reader would want to know about a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.importing import import_file
from features.sources.faults import SourceError
from features.sources.mapping import parse_mapping
from features.sources.quality import Quality
from features.sources.reading import read
from features.sources.report import notes, report_text
from tests.features.builders import MAPPING, ROWS, written


def quality(folder: Path, rows: str, mapping: str = MAPPING) -> Quality:
    return read(written(folder, rows), parse_mapping(mapping)).quality


def with_columns(**columns: list[str]) -> str:
    lines = ROWS.strip().splitlines()
    return (
        "\n".join(
            ",".join([line, *(([name, *values])[k] for name, values in columns.items())])
            for k, line in enumerate(lines)
        )
        + "\n"
    )


def suspects(folder: Path, **columns: list[str]) -> list[str]:
    return [one.column for one in quality(folder, with_columns(**columns)).leak_suspects]


def test_states_are_shown_with_what_they_became(tmp_path: Path) -> None:
    assert [(one.found, one.became, one.rows) for one in quality(tmp_path, ROWS).states] == [
        ("New", "new", 2),
        ("Open", "open", 1),
        ("Done", "resolved", 1),
    ]


def test_time_span_and_order_are_told(tmp_path: Path) -> None:
    lines = ROWS.splitlines()
    shuffled = "\n".join([lines[0], lines[4], lines[1], lines[2], lines[3]])
    found = quality(tmp_path, shuffled)
    assert f"{found.first_at:%H:%M}-{found.last_at:%H:%M}" == "08:00-11:00"
    assert found.out_of_order_rows == 2
    assert quality(tmp_path, ROWS).out_of_order_rows == 0


def test_a_date_of_the_future_on_every_row_is_suspected(tmp_path: Path) -> None:
    final = ["2024-03-04 11:00", "2024-03-04 11:00", "2024-03-05 09:00", "2024-03-04 11:00"]
    assert suspects(tmp_path, moment=final) == ["moment"]


def test_a_date_of_the_past_on_every_row_is_not_suspected(tmp_path: Path) -> None:
    assert suspects(tmp_path, moment=["2024-03-01", "2024-03-01", "2024-03-02", "2024-03-01"]) == []


def test_a_final_value_with_a_telling_name_is_suspected(tmp_path: Path) -> None:
    assert suspects(tmp_path, close_code=["c1", "c1", "c2", "c1"]) == ["close_code"]


def test_what_changes_within_a_ticket_or_is_the_same_for_all_is_not_suspected(tmp_path: Path) -> None:
    assert suspects(tmp_path, close_code=["", "", "", "c1"]) == []
    assert suspects(tmp_path, close_code=["c1"] * 4) == []
    assert suspects(tmp_path, requester=["Ann", "Ann", "Bob", "Ann"]) == []


def test_a_mapping_that_uses_a_suspect_must_say_that_it_trusts_it(tmp_path: Path) -> None:
    file = written(tmp_path, with_columns(close_code=["c1", "c1", "c2", "c1"]))
    using = written(tmp_path, MAPPING + "attributes: {code: close_code}\n", "mapping.yaml")
    store = f"sqlite:///{tmp_path / 'store.db'}"
    with pytest.raises(
        SourceError, match=r"column 'close_code': the same value on every row of a ticket.*move it to `ignore`"
    ):
        import_file(file, using, store)
    assert "it is used: move it to `ignore`" in import_file(file, using, store, dry_run=True).text()
    trusting = written(tmp_path, MAPPING + "attributes: {code: close_code}\ntrusted: [close_code]\n", "mapping.yaml")
    assert import_file(file, trusting, store).stored is not None


def test_a_wrong_time_zone_shows_in_the_busiest_hours(tmp_path: Path) -> None:
    def rows(hours: list[int]) -> str:
        return "ticket,changed,state\n" + "".join(
            f"T{k},2024-03-{1 + k // 24:02d} {hour:02d}:30,New\n" for k, hour in enumerate(hours)
        )

    office = [9, 10, 11, 12, 13, 14, 15, 16] * 20
    assert not quality(tmp_path, rows(office)).has_odd_hours
    assert quality(tmp_path, rows([(hour + 9) % 24 for hour in office])).has_odd_hours
    assert not quality(tmp_path, rows(list(range(24)) * 10)).has_odd_hours


def test_a_long_silence_is_told(tmp_path: Path) -> None:
    found = read(written(tmp_path, ROWS + "T9,2024-05-04 08:00,New\n"), parse_mapping(MAPPING))
    assert any("no rows at all for 61 days after 2024-03-04" in note for note in notes(found))


def test_the_report_holds_the_counts_and_the_rejected_rows(tmp_path: Path) -> None:
    found = read(written(tmp_path, ROWS + "T3,never,New\n"), parse_mapping(MAPPING + "rejected_share_limit: 0.5\n"))
    text = report_text(found)
    assert "5 rows read, 1 rejected, 0 dropped as identical" in text
    assert "row 6, column 'changed': 'never'" in text


def _many_tickets(folder: Path, numbers: dict[str, list[int]]) -> list[tuple[str, str]]:
    """Suspects among columns of 80 tickets; ticket k has 2 + k % 5 rows an hour apart, and each column one number on all of them."""
    lines = [
        ",".join([f"N{ticket}", f"2024-03-04 {8 + row:02d}:{ticket % 60:02d}", "Open", *values])
        for ticket, values in enumerate(zip(*(map(str, column) for column in numbers.values()), strict=True))
        for row in range(2 + ticket % 5)
    ]
    text = "\n".join([",".join([ROWS.splitlines()[0], *numbers]), *lines, ""])
    return [(one.column, one.reason) for one in quality(folder, text).leak_suspects]


def test_a_final_count_copied_to_every_row_is_suspected_and_a_plain_number_is_not(tmp_path: Path) -> None:
    rows = [2 + ticket % 5 for ticket in range(80)]
    found = _many_tickets(
        tmp_path,
        {
            "handovers": [count - 2 for count in rows],
            "floor": [(ticket * 7) % 11 for ticket in range(80)],
            "impact": [ticket % 2 + (count > 4) for ticket, count in enumerate(rows)],
        },
    )
    assert [column for column, _ in found] == ["handovers"]
    assert "goes with how many rows the ticket came to have (rank correlation 1.00)" in found[0][1]
