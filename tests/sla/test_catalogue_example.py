"""examples/catalogue is documentation and a golden test at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from sla.agreements.json_schema import agreements_schema, agreements_schema_text
from sla.agreements.loading import AgreementError, parse_agreements
from sla.agreements.page import agreements_page
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


def as_editors_see(text: str) -> Any:
    """A file as YAML 1.2 has it, in which 2024-01-01, NO and the like are texts."""

    class Loader(yaml.SafeLoader):
        yaml_implicit_resolvers = {  # noqa: RUF012
            first: [(tag, pattern) for tag, pattern in found if "timestamp" not in tag and first not in "yYnNoO"]
            for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    return yaml.load(text, Loader)  # noqa: S506 - a safe loader that knows fewer types


@pytest.mark.parametrize("path", sorted(ROOT.glob("examples/*/agreements.yaml")), ids=lambda path: path.parent.name)
def test_every_agreements_file_of_the_examples_keeps_the_schema(path: Path):
    jsonschema.validate(as_editors_see(path.read_text(encoding="utf-8")), agreements_schema())


@pytest.mark.parametrize("words", ['"statu": "open"', '"status": "opn"', '"priority": {"at_leest": 1}'])
def test_the_schema_refuses_what_the_reader_refuses(words: str):
    goal = {"within": "8 h", "applies_to": json.loads("{" + words + "}")}
    file = {"slacast": 1, "agreements": [{"name": "x", "targets": [{"metric": "resolution", "goals": [goal]}]}]}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(file, agreements_schema())


SHORT_FORMS = """
slacast: 1
name: 7
calendars:
  one:
    time_zone: Europe/Berlin
    hours: {mon-thu: ["08:00-12:00", "13:00 - 18:00"], fri: [["8:00", "14:00:30"]], sat: []}
    dates: {2024-12-31: ["08:00-12:00"]}
    breaks: {daily: ["10:00-10:15"], 2024-12-30: [["11:00", "11:30"]]}
    closed: {from: 2024-12-24, until: 2024-12-26}
    holidays: {country: DE, yearly: ["10-31"], dates: [2024-05-10], except: [2024-05-09]}
  two: {time_zone: UTC, always_open: true, minus: one, holidays: [{country: NO}, {dates: [2024-01-02]}]}
services: {mail: {owner: 12, hours: one}}
policies: {enforce_from: 2024-01-01T00:00:00+01:00}
agreements:
  - name: 2024
    version: 1.5
    kind: OLA
    team: 2
    owner: 3
    services: [mail]
    valid_from: 2024-01-01
    calendar: one
    applies_to: [{priority: 1}, {priority: {at_most: 2}, attributes.vip: true}]
    targets:
      - metric: team_time
        warnings: 75%
        grace: 5 min
        pause: {status: waiting, waiting_on: [customer, supplier]}
        penalty: {per_breach: 1, currency: EUR}
        goals: [{name: 1, applies_to: {category: {prefix: a, not: [b]}}, within: 1 h 30 min}, {default: true, within: no agreement}]
"""


def test_the_schema_accepts_every_short_form_that_the_reader_accepts():
    assert parse_agreements(SHORT_FORMS).agreements[0].team == "2"
    jsonschema.validate(as_editors_see(SHORT_FORMS), agreements_schema())


@pytest.mark.parametrize("window", ["08:00", "8-18", ["08:00"], ["08:00", "12:00", "13:00"]])
def test_reader_and_schema_refuse_the_same_windows(window: object):
    file = as_editors_see(SHORT_FORMS)
    file["calendars"]["one"]["hours"]["fri"] = [window]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(file, agreements_schema())
    with pytest.raises(AgreementError, match=r"not a (window|time of day)"):
        parse_agreements(yaml.safe_dump(file))
