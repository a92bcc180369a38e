"""examples/catalogue is documentation and a golden test at once."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from sla.agreements_page import agreements_page
from sla.json_schema import agreements_schema, agreements_schema_text
from tests.sla.catalogue_example import EXAMPLE, RESULTS

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", RESULTS)
def test_the_committed_results_are_what_the_example_gives(name: str):
    committed = (EXAMPLE / "results" / name).read_text(encoding="utf-8")
    assert RESULTS[name]() == committed, "regenerate with: python -m tests.sla.catalogue_example"


def test_no_result_is_left_over_from_an_example_that_is_gone():
    assert {path.name for path in (EXAMPLE / "results").iterdir()} == set(RESULTS)


def test_the_committed_schema_is_current():
    assert (ROOT / "docs" / "agreements.schema.json").read_text(encoding="utf-8") == agreements_schema_text(), (
        "run make docs"
    )


def test_the_committed_page_of_keys_is_current():
    assert (ROOT / "docs" / "agreements.md").read_text(encoding="utf-8") == agreements_page(), "run make docs"


@pytest.mark.parametrize("path", sorted(ROOT.glob("examples/*/agreements.yaml")), ids=lambda path: path.parent.name)
def test_every_agreements_file_of_the_examples_keeps_the_schema(path: Path):
    as_editors_see_it = json.loads(json.dumps(yaml.safe_load(path.read_text(encoding="utf-8")), default=str))
    jsonschema.validate(as_editors_see_it, agreements_schema())


@pytest.mark.parametrize("words", ['"statu": "open"', '"status": "opn"', '"priority": {"at_leest": 1}'])
def test_the_schema_refuses_what_the_reader_refuses(words: str):
    goal = {"within": "8 h", "applies_to": json.loads("{" + words + "}")}
    file = {"slacast": 1, "agreements": [{"name": "x", "targets": [{"metric": "resolution", "goals": [goal]}]}]}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(file, agreements_schema())
