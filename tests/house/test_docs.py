"""What the documents say exists, and what exists is in the documents."""

import re
from pathlib import Path

import pytest

from docs.generate import PAGES, single_commands
from serving.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = single_commands()  # those of a group by their full name, such as `models list`


@pytest.mark.parametrize("page", PAGES)
def test_a_generated_page_is_current(page):
    assert (ROOT / page).read_text(encoding="utf-8") == PAGES[page](), "run `make docs` and commit the result"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_does_and_shows_an_example(name):
    text = COMMANDS[name].help or ""
    assert f"Example: slacast {name}" in text
    assert f"## slacast {name}\n" in (ROOT / "docs/commands.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_a_command_is_explained(name):
    unexplained = [
        parameter.name for parameter in COMMANDS[name].params if parameter.name != "help" and not parameter.help
    ]
    assert unexplained == []


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_described(name):
    assert Settings.model_fields[name].description
    assert f"`SLACAST_{name.upper()}`" in (ROOT / "docs/settings.md").read_text(encoding="utf-8")


def _documents():
    return [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *sorted((ROOT / "docs").rglob("*.md")),
        *sorted((ROOT / "examples").rglob("*.md")),
    ]


@pytest.mark.parametrize("document", _documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_between_documents_leads_somewhere(document):
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", document.read_text(encoding="utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_contributing_begins_with_the_commands():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert text.index("make check") < 300


def test_decisions_are_numbered_without_gaps_and_have_the_three_parts():
    pages = sorted((ROOT / "docs/decisions").glob("*.md"))
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert all(part in text for part in ("**Context.**", "**Decision.**", "**Consequence")), page.name
