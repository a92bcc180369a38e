import csv
import io
import json
from dataclasses import replace

import pytest

from serving.reports import as_csv, as_json, as_table
from serving.reports.delimited import harmless
from serving.reports.table import fitted
from serving.risk import Group
from tests.serving.builders import busy_desk, clock, queue_of, row


def test_the_table_fits_120_columns_and_never_hides_lateness() -> None:
    queue = busy_desk(100)
    lines = as_table(queue, queue.rows[:20]).splitlines()
    assert max(map(len, lines)) <= 120
    assert f"{queue.counts.late_or_lost} late or lost" in lines[1]
    left = {group: sum(row.group is group for row in queue.rows[20:]) for group in Group}
    assert lines[-1] == "   ... 80 more open tickets: " + ", ".join(
        f"{count} {words}"
        for count, words in zip(left.values(), ("save now", "safe for now", "late or lost"), strict=True)
        if count
    )
    assert left[Group.LATE_OR_LOST] > 0
    assert "scored by breach v7" in lines[0]


def test_each_ticket_has_a_second_line_with_all_its_reasons() -> None:
    why = ("Nothing happened for 9 h: usual is 2 h", "It waits, but not for the customer", "Handed over 4 times")
    text = as_table(queue_of([row("INC1", reasons=why, clock=clock(3))]))
    place = next(number for number, line in enumerate(text.splitlines()) if "INC1" in line)
    assert text.splitlines()[place + 1].strip() == "; ".join(why)


def test_the_sentence_of_the_suggested_order_stands_in_full_before_the_reasons() -> None:
    sentence = "Due in 4 h 21 min with about 2 h 37 min of work: taken now it is in time with 80 %, later with less."
    reasons = ("Nothing happened for 9 h: usual is 2 h", "Nobody is assigned")
    placed = replace(row("INC1", reasons=reasons, team="Business Applications"), why_here=sentence, rank_in_team=2)
    lines = as_table(replace(queue_of([placed]), order="suggested")).splitlines()
    place = next(number for number, line in enumerate(lines) if "INC1" in line)
    assert max(map(len, lines)) <= 120
    assert [line.strip() for line in lines[place + 1 :]] == [
        "2. of Business Applications: Due in 4 h 21 min with about 2 h 37 min of work: taken now it is in time with 80 %,",
        "later with less.",
        "; ".join(reasons),
    ]
    assert "take it second of that team's tickets" in "\n".join(lines[:place])
    by_rules = as_table(queue_of([placed]))
    assert "2. of" not in by_rules


def test_the_table_tells_working_time_wall_clock_and_what_the_rules_say() -> None:
    queue = queue_of([row("INC1", clock=clock(3))])
    heading, line = (next(line for line in as_table(queue).splitlines() if key in line) for key in ("TICKET", "INC1"))
    assert line[heading.index("WORK TIME LEFT") :].startswith("3 h")
    assert line[heading.index("BY THE CLOCK") :].startswith("in ")
    assert line[heading.index("RULES SAY") :].startswith("running")


def test_the_table_says_when_only_the_rules_speak() -> None:
    assert "Rules only: no model is loaded" in as_table(busy_desk(5, with_model=False)).splitlines()[0]


def test_an_empty_queue_says_so() -> None:
    assert "No open tickets." in as_table(queue_of([]))
    assert as_csv(queue_of([])).startswith("ticket_id,group,")


def test_terminal_control_and_wide_letters_do_not_break_the_table() -> None:
    queue = queue_of(
        [row("X\x1b[2J", title="\x1b]0;owned\x07プリンターが動かないので至急お願いします", clock=clock(3))]
    )
    text = as_table(queue)
    assert "\x1b" not in text
    assert "\x07" not in text
    assert fitted("プリンター", 6) == "プリ… "
    assert fitted("ab", 4) == "ab  "


def test_json_lists_rows_and_counts() -> None:
    queue = busy_desk(30)
    found = json.loads(as_json(queue, queue.rows[:3]))
    assert [ticket["ticket_id"] for ticket in found["tickets"]] == [item.ticket_id for item in queue.rows[:3]]
    assert found["counts"]["all"] == 30
    assert found["as_of"] == "2016-05-17T06:04:00Z"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-2", "@SUM(A1)", "\t=1", "\r=1", "  =cmd|' /C calc'!A0", "＝1"])
def test_csv_text_that_a_spreadsheet_would_run_is_neutralised(text: str) -> None:
    assert harmless(text) == f"'{text}"
    rows = list(csv.DictReader(io.StringIO(as_csv(queue_of([row(title=text)])), newline="")))
    assert rows[0]["title"] == f"'{text}"


def test_csv_keeps_numbers_and_ordinary_text_as_they_are() -> None:
    rows = list(
        csv.DictReader(
            io.StringIO(as_csv(queue_of([row(title='He said "no", twice', clock=clock(-2, state="breached"))])))
        )
    )
    assert rows[0]["title"] == 'He said "no", twice'
    assert float(rows[0]["remaining_working_seconds"]) == -7200.0
    assert rows[0]["probability"] == ""
