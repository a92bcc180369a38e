from __future__ import annotations

from pathlib import Path

import pytest

from features.sources.faults import MappingError
from features.sources.mapping import load_mapping, parse_mapping
from tests.features.builders import MAPPING


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            MAPPING.replace("time_zone: UTC", "time_zone: Europe/Berlim"),
            "line 1: time_zone: 'Europe/Berlim' is no time zone. Did you mean 'Europe/Berlin'?",
        ),
        (MAPPING.replace("columns:", "colums:"), "line 2: unknown key 'colums'; expected one of kind, file"),
        (MAPPING.replace("columns:", "colums:"), "columns is missing"),
        (MAPPING + "time_zone: UTC\n", "line 7: the key 'time_zone' is written twice, first in line 1"),
        (MAPPING.replace("{New: new,", "{New: new, New: open,"), "line 6: the key 'New' is written twice"),
        (MAPPING.replace("New: new", "New: nwe"), "line 6: states, New, status: Input should be 'new', 'open'"),
        (MAPPING.replace("New: new", "New: nwe"), "found 'nwe'. Did you mean 'new'?"),
        (
            MAPPING.replace("New: new", "New: {status: new, waiting_on: customer}"),
            "waiting_on is only for status: waiting, not for 'new'",
        ),
        (
            MAPPING.replace("New: new", "New: {status: new, waits: customer}"),
            "unknown key 'waits'; expected one of status, waiting_on",
        ),
        (MAPPING.replace("status: state", "staus: state"), "line 5: columns: 'staus' is not one of"),
        (MAPPING.replace("status: state", "staus: state"), "Did you mean 'status'?"),
        (MAPPING.replace("  status: state\n", ""), "line 5: states needs `status` under columns"),
        (MAPPING.replace("  ticket_id: ticket\n", ""), "line 2: columns: ticket_id is missing"),
        (MAPPING + "dates: dd/mm/yyyy\n", "line 7: dates: 'dd/mm/yyyy' is no date format"),
        (MAPPING + 'file: {delimeter: ";"}\n', "Did you mean 'delimiter'?"),
        (MAPPING + "file: {encoding: utf-9}\n", "line 7: file, encoding: 'utf-9' is no encoding"),
        (
            MAPPING + "values: {priority: {a: b}}\n",
            "line 7: values: 'priority' is neither under columns nor under attributes",
        ),
        (MAPPING + "values: {status: {a: b}}\n", "values: 'status' cannot be translated; write `states` instead"),
        (MAPPING + "cleared: {team: ['-']}\n", "cleared: 'team' is neither"),
        (
            MAPPING + "attributes: {priority: prio}\n",
            "line 7: attributes: 'priority' is a canonical name; put it under columns",
        ),
        (MAPPING + "ignore: [state]\n", "line 7: column 'state' is both used and ignored"),
        (MAPPING + "constants: {actor_kind: robot}\n", "line 7: actor_kind: 'robot' is not one of agent, customer"),
        (MAPPING + "constants: {status: open}\n", "'status' stands under columns and under constants"),
        (MAPPING + "rejected_share_limit: 5\n", "rejected_share_limit: Input should be less than or equal to 1"),
        (
            MAPPING.replace("ticket_id: ticket", "service: ticket") + "kind: service_events\n",
            "kind is missing, as a column or a constant",
        ),
        ("- a\n- b\n", "expected keys and values"),
        ("", "expected keys and values"),
        ("a: [1\nb: 2\n", "this is not YAML"),
    ],
)
def test_a_wrong_mapping_is_refused_with_line_and_advice(text: str, words: str) -> None:
    with pytest.raises(MappingError) as caught:
        parse_mapping(text, "mapping.yaml")
    assert words in str(caught.value)
    assert str(caught.value).startswith("mapping.yaml")


def test_every_fault_is_listed_at_once() -> None:
    with pytest.raises(MappingError) as caught:
        parse_mapping(MAPPING + "dates: dd\nduplicates: maybe\nfile: {encoding: utf-9}\n", "m.yaml")
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == [
        "m.yaml, line 9",
        "m.yaml, line 7",
        "m.yaml, line 8",
    ]


def test_words_that_yaml_would_take_for_something_else_stay_words() -> None:
    mapping = parse_mapping(
        MAPPING.replace(
            "{New: new,", "{No: open, on: open, 007: new, 1.10: new, 2024-01-01: closed, nothing: null, New: new,"
        )
    )
    assert [*mapping.states][:6] == ["No", "on", "007", "1.10", "2024-01-01", "nothing"]
    assert mapping.states["nothing"] is None


def test_ignored_columns_may_be_a_list_or_have_reasons() -> None:
    assert parse_mapping(MAPPING + "ignore: [a, b]\n").ignore == {"a": None, "b": None}
    assert parse_mapping(MAPPING + "ignore: {a: final value}\n").ignore == {"a": "final value"}


def test_an_absent_mapping_is_explained(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="there is no such file"):
        load_mapping(tmp_path / "mapping.yaml")


@pytest.mark.parametrize(
    "path",
    sorted((Path(__file__).resolve().parents[2] / "examples").glob("*/mapping.yaml")),
    ids=lambda path: path.parent.name,
)
def test_the_mappings_of_the_examples_are_sound(path: Path) -> None:
    assert load_mapping(path).columns
