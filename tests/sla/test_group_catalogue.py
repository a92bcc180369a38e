"""Services made of others in the catalogue: how they are written, what is refused, and what stays as it was."""

from __future__ import annotations

import jsonschema
import pytest
import yaml

from sla.agreements.agreement_set import AgreementSet
from sla.agreements.json_schema import agreements_schema
from sla.agreements.loading import check_text, parse_agreements

FILE = """\
slacast: 1
services:
  Line 1: {owner: Ann}
  Line 2: {owner: Ann}
  Line 3: {owner: Ann}
  Lines: {owner: Ann%s}
  Site: {owner: Ann, depends_on: [Lines]}
agreements:
  - name: Desk
    owner: Ann
    targets: [{metric: resolution, goals: [{default: true, within: no agreement}]}]
"""


def written(made_of: str) -> str:
    return FILE % f", made_of: {made_of}"


@pytest.mark.parametrize(
    ("made_of", "parts", "needed", "alone_fatal"),
    [
        ("{all_of: [Line 1, Line 2]}", 2, 2, True),
        ("{any_of: [Line 1, Line 2]}", 2, 1, False),
        ("{any_of: [Line 1]}", 1, 1, True),
        ("{some_of: [Line 1, Line 2, Line 3], needed: 2}", 3, 2, False),
        ("{some_of: [Line 1, Line 2, Line 3], needed: 3}", 3, 3, True),
    ],
)
def test_all_any_or_a_number_of_parts(made_of: str, parts: int, needed: int, alone_fatal: bool) -> None:
    lines = parse_agreements(written(made_of)).services["Lines"]
    assert lines.made_of is not None
    assert lines.parts == tuple(f"Line {number}" for number in range(1, parts + 1))
    assert lines.made_of.parts_needed == needed
    assert lines.cannot_do_without == (lines.parts if alone_fatal else ())
    jsonschema.validate(yaml.safe_load(written(made_of)), agreements_schema())


# What is written, the key that is named, words of the message, and whether the schema of editors refuses it too.
WRONG = [
    ("{any_of: [Line 1, Lin 2]}", "services.Lines.made_of.any_of[2]", 'called "Lin 2", did you mean "Line 2"', False),
    ("{any_of: [Line 1, Lines]}", "services.Lines.made_of", "Lines needs Lines: a service cannot need itself", False),
    ("{all_of: [Line 1, Site]}", "services.Lines.made_of", "Lines needs Site needs Lines", False),
    (
        "{any_of: [Line 1], all_of: [Line 2]}",
        "services.Lines.made_of",
        "found all_of and any_of; write exactly one",
        True,
    ),
    ("{}", "services.Lines.made_of", "found nothing; write exactly one of all_of, any_of and some_of", True),
    ("{some_of: [Line 1, Line 2]}", "services.Lines.made_of", "write needed: how many", True),
    ("{any_of: [Line 1, Line 2], needed: 1}", "services.Lines.made_of", "write some_of: needed counts", True),
    ("{some_of: [Line 1, Line 2], needed: 3}", "services.Lines.made_of", "needed is 3, but some_of names 2", False),
    ("{some_of: [Line 1], needed: 0}", "services.Lines.made_of.needed", "greater than or equal to 1", True),
    ("{any_of: [Line 1, Line 1]}", "services.Lines.made_of.any_of", '"Line 1" is named twice', False),
    ("{any_of: []}", "services.Lines.made_of.any_of", "at least 1 item", True),
    ("{any: [Line 1]}", "services.Lines.made_of", 'unknown key "any", did you mean "any_of"', True),
]


@pytest.mark.parametrize(("made_of", "key", "words", "refused_by_schema"), WRONG)
def test_what_makes_no_sense_is_refused_with_its_line_and_key(
    made_of: str, key: str, words: str, refused_by_schema: bool
) -> None:
    text = check_text(written(made_of), source="desk.yaml").text()
    assert f"desk.yaml:6: {key}" in text
    assert words in text
    found = list(jsonschema.Draft202012Validator(agreements_schema()).iter_errors(yaml.safe_load(written(made_of))))
    assert bool(found) == refused_by_schema


def test_a_circle_of_groups_is_told_once() -> None:
    text = FILE.replace("Line 3: {owner: Ann", "Line 3: {owner: Ann, made_of: {any_of: [Lines, Line 1]}")
    (fault,) = check_text(text % ", made_of: {all_of: [Line 3, Line 2]}").faults
    assert (fault.line, fault.where) == (5, "services.Line 3.made_of")
    assert fault.message == "Line 3 needs Lines needs Line 3: a service cannot need itself"


def test_a_file_without_groups_keeps_its_fingerprint_and_one_with_them_can_be_written_out_and_read() -> None:
    plain, group = parse_agreements(FILE % ""), parse_agreements(written("{some_of: [Line 1, Line 2], needed: 1}"))
    assert "made_of" not in plain.model_dump_json()
    others = {parse_agreements(written(text)).version for text in ("{any_of: [Line 1]}", "{all_of: [Line 1, Line 2]}")}
    assert len({plain.version, group.version, *others}) == 4
    again = AgreementSet.model_validate(group.model_dump(mode="json", by_alias=True))
    assert again == group
    assert again.version == group.version
