"""Names stored as pseudonyms: the same for the same name, useless without the secret, and no name anywhere in the store."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner

import slacast
from features.importing import import_file
from features.sources.faults import MappingError, SourceError
from features.sources.mapping import parse_mapping
from features.sources.pseudonyms import pseudonym
from features.sources.reading import read
from features.store import open_store

SECRET, OTHER = "s" * 32, "t" * 40
MAPPING = """\
time_zone: UTC
columns: {ticket_id: t, event_at: at, customer: customer, assignee: agent, team: team}
attributes: {opener: opener, title: title}
pseudonymise: [customer, assignee, opener]
"""
ROWS = """\
t,at,customer,agent,team,opener,title
T1,2024-03-04 08:00,Zoë Quarrington,Bob Ferrybridge,desk,Zoë Quarrington,printer
T1,2024-03-04 09:00,Zoë Quarrington,,desk, Bob Ferrybridge ,printer
T2,2024-03-04 10:00,zoë quarrington,Bob Ferrybridge,net,,mail
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rows.csv").write_text(ROWS, encoding="utf-8")
    (tmp_path / "later.csv").write_text(ROWS.replace("2024", "2025").replace("Zoë", "Zoe\u0308"), encoding="utf-8")
    (tmp_path / "mapping.yaml").write_text(MAPPING, encoding="utf-8")
    return tmp_path


def test_a_name_has_one_pseudonym_in_all_columns_and_imports_and_is_nowhere_in_the_store(folder: Path) -> None:
    with open_store(f"sqlite:///{folder / 'log.db'}") as store:
        for name in ("rows.csv", "later.csv"):
            report = import_file(folder / name, folder / "mapping.yaml", store, secret=SECRET)
        events = store.ticket_events()
    zoe, bob = pseudonym("Zoë Quarrington", SECRET), pseudonym("Bob Ferrybridge", SECRET)
    assert set(events["customer"]) == {zoe, pseudonym("zoë quarrington", SECRET)}
    assert set(events["assignee"].dropna()) == {bob}
    assert set(events["attributes.opener"].dropna()) == {zoe, bob}
    assert set(events["team"]) == {"desk", "net"}
    with sqlite3.connect(folder / "log.db") as connection:
        dump = "\n".join(connection.iterdump())
    told = dump + report.text() + str(report.to_dict())
    assert not any(name in told for name in ("Quarrington", "quarrington", "Ferrybridge"))
    assert "stored as pseudonyms: customer, assignee, opener" in report.text()
    assert "free texts stay as they are and may hold names: title;" in report.text()


def test_importing_again_adds_nothing_and_another_secret_is_a_conflict(folder: Path) -> None:
    with open_store(f"sqlite:///{folder / 'log.db'}") as store:
        import_file(folder / "rows.csv", folder / "mapping.yaml", store, secret=SECRET)
        again = import_file(folder / "rows.csv", folder / "mapping.yaml", store, secret=SECRET)
        assert again.stored is not None
        assert (again.stored.inserted, again.stored.duplicates) == (0, 3)
        with pytest.raises(ValueError, match="stored already with other content"):
            import_file(folder / "rows.csv", folder / "mapping.yaml", store, secret=OTHER)


def test_pseudonyms_are_keyed_and_a_pause_in_a_name_stays_one() -> None:
    """RFC 4231, test case 2, holds the algorithm to the published one."""
    assert pseudonym("what do ya want for nothing?", "Jefe") == "anon-5bdcc146bf60754e"
    assert pseudonym("Ada", SECRET) != pseudonym("Ada", OTHER)
    assert pseudonym(" Ada ", SECRET) == pseudonym("Ada", SECRET)
    assert pseudonym("", SECRET) == ""


def test_a_name_known_to_be_empty_stays_empty(folder: Path) -> None:
    mapping = parse_mapping(MAPPING + 'cleared: {assignee: [""]}\n')
    assert read(folder / "rows.csv", mapping, SECRET).events["assignee"].tolist()[1] == ""


@pytest.mark.parametrize(("secret", "words"), [(None, "is not set"), ("", "is not set"), ("short", "has 5 characters")])
def test_without_a_secret_nothing_is_imported(folder: Path, secret: str | None, words: str) -> None:
    with (
        open_store(f"sqlite:///{folder / 'log.db'}") as store,
        pytest.raises(
            SourceError, match=rf"pseudonyms of customer, assignee, opener, but SLACAST_PSEUDONYM_SECRET {words}"
        ),
    ):
        import_file(folder / "rows.csv", folder / "mapping.yaml", store, secret=secret)
    with open_store(f"sqlite:///{folder / 'log.db'}") as store:
        assert store.last_sequence() == 0


@pytest.mark.parametrize("name", ["ticket_id", "status", "custmer"])
def test_a_mapping_that_hides_what_is_no_name_is_refused_with_its_line(name: str) -> None:
    with pytest.raises(
        MappingError, match=rf"line 4: pseudonymise: '{name}' is none of this mapping's columns with names"
    ):
        parse_mapping(MAPPING.replace("[customer, assignee, opener]", f"[{name}]"))


def test_the_command_reads_the_secret_from_the_setting(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = CliRunner().invoke
    files = [str(folder / "rows.csv"), "--mapping", str(folder / "mapping.yaml"), "--store", f"sqlite:///{folder}/a.db"]
    monkeypatch.delenv("SLACAST_PSEUDONYM_SECRET", raising=False)
    for command in (["import", *files], ["pseudonym", "Bob Ferrybridge"]):
        refused = run(slacast.app, command)
        assert (refused.exit_code, "SLACAST_PSEUDONYM_SECRET is not set" in refused.output) == (1, True)
    monkeypatch.setenv("SLACAST_PSEUDONYM_SECRET", SECRET)
    assert run(slacast.app, ["import", *files]).exit_code == 0
    shown = run(slacast.app, ["pseudonym", "Bob Ferrybridge"]).output.strip()
    with open_store(f"sqlite:///{folder}/a.db") as store:
        assert shown == store.ticket_events()["assignee"].iloc[0] == pseudonym("Bob Ferrybridge", SECRET)
