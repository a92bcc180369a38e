"""Reading an agreements file: every fault at once, with its line and what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from sla.agreements.loading import AgreementError, check_file, check_text, load_agreements, parse_agreements

GOOD = """\
slacast: 1
calendars:
  office: {time_zone: Europe/Berlin, hours: {mon-fri: [["08:00", "18:00"]]}}
  always: {time_zone: UTC, always_open: true}
services:
  mail: {owner: Ann, criticality: high}
agreements:
  - name: desk
    owner: Ann
    calendar: office
    targets:
      - metric: resolution
        pause: {status: waiting}
        goals:
          - {applies_to: {priority: 1}, within: 8 h, calendar: always}
          - {default: true, within: 40 working hours}
"""


def faults(old: str, new: str) -> list[tuple[int, str]]:
    assert old in GOOD
    return [(fault.line, fault.message) for fault in check_text(GOOD.replace(old, new)).faults]


def test_a_good_file_has_no_faults():
    report = check_text(GOOD, source="good.yaml")
    assert report.is_clean
    assert report.text() == (
        f"good.yaml: 1 agreement, 1 clock, 2 calendars, 1 service, version {parse_agreements(GOOD).version}: no faults"
    )


# What is written instead of what, the line it is on, and words that the message must hold.
WRONG = [
    ("slacast: 1", "slacast: 2", 1, ["1", "found 2"]),
    ("pause:", "pauze:", 13, ['unknown key "pauze"', 'did you mean "pause"']),
    ("status: waiting", "staus: waiting", 13, ['unknown attribute "staus"', 'did you mean "status"']),
    ("status: waiting", "status: wating", 13, ['unknown status "wating"', 'did you mean "waiting"']),
    ("status: waiting", "kind: commented", 13, ["asks about a single event"]),
    ("calendar: office", "calendar: offce", 10, ['no calendar is called "offce"', 'did you mean "office"']),
    ("calendar: always", "calendar: never", 15, ['no calendar is called "never"', "office"]),
    ("calendar: office\n", "\n", 16, ["has no calendar"]),
    ("within: 8 h", "within: 2 days", 15, ["ambiguous", "working hours"]),
    ("within: 8 h", "within: 8", 15, ["has no unit"]),
    ("within: 8 h", "within: soon", 15, ["cannot read 'soon'"]),
    ("within: 8 h, ", "", 15, ['"within" is missing', "time bound"]),
    ("metric: resolution", "metric: restitution", 12, ["first_response", "start and stop"]),
    ("metric: resolution", "metric: team_time", 12, ["kind OLA"]),
    ("name: desk", "name: desk\n    kind: OLA", 8, ["name the team"]),
    ("owner: Ann\n    calendar", "owner: Ann\n    owner: Bob\n    calendar", 10, ['"owner" is written twice']),
    ("owner: Ann\n    calendar", "valid_from: 2024-05-01\n    valid_until: 2024-04-01\n    calendar", 8, ["swap them"]),
    ("owner: Ann, ", "depends_on: [mial], owner: Ann, ", 6, ['no service is called "mial"', 'did you mean "mail"']),
    ("owner: Ann, ", "depends_on: [mail], owner: Ann, ", 6, ["mail needs mail"]),
    ("criticality: high", "criticality: hgh", 6, ["low", "found 'hgh'"]),
    ("{priority: 1}", "{}", 15, ["an empty condition"]),
    ("{priority: 1}", "{priority: {at_leest: 1}}", 15, ["at_leest"]),
    (
        "{applies_to: {priority: 1}, within: 8 h, calendar: always}",
        "{within: 8 h}\n          - {within: 9 h}",
        16,
        ["never decides"],
    ),
    ("hours: {mon-fri", "hours: {mon-fry", 3, ["mon-fry"]),
    ('hours: {mon-fri: [["08:00", "18:00"]]}', "hours: {}", 3, ["never opens"]),
    ("time_zone: Europe/Berlin", "time_zone: Europe/Berln", 3, ["Europe/Berlin"]),
    ("always_open: true", "minus: office, always_open: true, holidays: {country: XX}", 4, ["XX"]),
    ("targets:\n", "targets: []\n    unused:\n", 11, ["an empty list"]),
    (
        "targets:\n",
        "targets: {resolution: 8 h}\n    unused:\n",
        11,
        ["a list is expected", "found {'resolution': '8 h'}"],
    ),
]


@pytest.mark.parametrize(("old", "new", "line", "words"), WRONG, ids=[new.strip()[:40] for _, new, _, _ in WRONG])
def test_a_fault_names_its_line_what_was_there_and_what_to_write(old: str, new: str, line: int, words: list[str]):
    found = faults(old, new)
    assert [message for number, message in found if number == line and all(word in message for word in words)], found


def test_all_faults_are_reported_at_once():
    text = GOOD.replace("pause:", "pauze:").replace("calendar: always", "calendar: alwys").replace("8 h", "8 days")
    with pytest.raises(AgreementError) as caught:
        parse_agreements(text, source="bad.yaml")
    assert [fault.line for fault in caught.value.faults] == [13, 15, 15]
    assert str(caught.value).startswith("bad.yaml: 3 faults\nbad.yaml:13: agreements[1].targets[1].pauze: ")


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "an empty file"),
        ("- a\n- b\n", 1, "a list"),
        ("slacast: 1\ncalendars: {office: [}\n", 2, "not YAML"),
        ("slacast: 1\n\tagreements: 3\n", 2, "not YAML"),
        ("a: &x [*x]\n", 1, "refers to itself"),
    ],
)
def test_a_text_that_is_no_agreements_file_says_where_reading_stopped(text: str, line: int, words: str):
    (fault, *_) = check_text(text).faults
    assert (fault.line, words in fault.message) == (line, True), fault


def test_a_file_that_is_not_utf8_says_so(tmp_path: Path):
    path = tmp_path / "agreements.yaml"
    path.write_bytes(b"slacast: 1\nname: caf\xe9\n")
    assert "not UTF-8" in check_file(path).text()
    with pytest.raises(AgreementError, match="UTF-8"):
        load_agreements(path)


def test_an_icalendar_file_that_is_not_there_is_a_fault_of_its_calendar():
    (found,) = faults("always_open: true", "always_open: true, holidays: {ics: nowhere.ics}")
    assert found[0] == 4
    assert "nowhere.ics" in found[1]


def test_two_versions_valid_on_the_same_day_are_a_fault():
    version = GOOD[GOOD.index("  - name: desk") :]
    found = check_text(GOOD + version.replace("owner: Ann", "version: 2\n    owner: Ann")).faults
    assert "end the older with valid_until" in found[0].message


def test_times_dates_norway_and_numbers_arrive_as_they_were_written():
    text = GOOD.replace("{priority: 1}", "{attributes.country: NO, attributes.at: 18:00, attributes.release: 1.10}")
    (term, *_) = parse_agreements(text).clock("resolution").terms
    assert {name: test.one_of for name, test in term.goal_applies_to[0].tests.items()} == {
        "attributes.country": ("NO",),
        "attributes.at": ("18:00",),
        "attributes.release": ("1.10",),
    }


def test_the_version_changes_with_the_meaning_and_not_with_the_layout():
    same = GOOD.replace("pause: {status: waiting}", "pause:\n          status: waiting  # a remark")
    assert parse_agreements(same).version == parse_agreements(GOOD).version
    assert parse_agreements(GOOD.replace("8 h", "9 h")).version != parse_agreements(GOOD).version


# ---- SMART


def smart(old: str, new: str, attributes: tuple[str, ...] | None = None) -> list[tuple[str, str]]:
    assert old in GOOD
    report = check_text(GOOD.replace(old, new), attributes=attributes)
    assert report.agreements is not None, report.text()
    return [(fault.severity, fault.message) for fault in report.faults]


def test_a_target_without_an_owner_is_reported_but_loads():
    ((severity, message),) = smart("owner: Ann\n    calendar", "calendar")
    assert (severity, "no owner" in message) == ("smart", True)


def test_a_service_without_an_owner_is_reported():
    assert ["no owner" in message for _, message in smart("owner: Ann, ", "")] == [True]


def test_goals_that_leave_tickets_out_are_reported():
    ((_, message),) = smart("default: true", "applies_to: {priority: 2}")
    assert "add a goal with default: true" in message


def test_a_target_about_something_the_events_do_not_have_is_reported():
    ((_, message),) = smart("priority: 1", "attributes.region: north", ("status", "priority"))
    assert 'asks about "attributes.region", which the events do not have' in message
    assert smart("priority: 1", "priority: 2", ("status", "priority")) == []


def test_a_target_that_starts_and_stops_at_the_same_event_is_reported():
    ((_, message),) = smart(
        "metric: resolution", "metric: touch\n        start: {kind: worked}\n        stop: {kind: worked}"
    )
    assert "starts and stops at the same event" in message
