"""`slacast report continuity`: what was promised of recovery, what happened, and which exercises are due."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

from typer.testing import CliRunner

from features.store import open_store
from slacast import app
from tests.serving.real_desk import AT
from tests.serving.service_builders import CATALOGUE, DAY, frame, happened, year_of_services


def reported(folder: Path, catalogue: str, *words: str) -> str:
    url = f"sqlite:///{folder}/desk.db"
    late = happened("ERP", "outage", AT - 3 * DAY, 500, **{"attributes.data_lost_seconds": "7200"})
    with open_store(url) as store:
        store.append_service_events(year_of_services(), "test")
        store.append_service_events(frame(late), "test")
        store.save_agreements(catalogue, AT)
    done = CliRunner().invoke(
        app,
        ["report", "continuity", "--store", url, "--as-of", AT.isoformat(), *words],
        env={"SLACAST_VAR_DIR": str(folder)},
    )
    assert done.exit_code == 0, done.output
    return done.stdout


WITH_ERP = CATALOGUE.replace(
    "hours: office, availability_percent: 99",
    "continuity: {recovery_time: 4 h, recovery_point: 1 h, exercise_every_days: 365, exercised_on: %s}",
)


def test_what_was_missed_and_what_is_due_is_said_in_sentences(tmp_path: Path) -> None:
    said = reported(tmp_path, WITH_ERP % (AT - 350 * DAY).date())
    assert "1 of 2 outages lasted longer than promised" in said
    assert "an outage lost 2 h of data, 1 h are promised at most" in said
    assert f"its exercise is due by {(AT + 15 * DAY).date()}" in said
    assert "Mail: recovery time objective 1 h, longest outage 30 min of 41" in said
    assert "its exercise is overdue since 2016-04-03" in said
    assert "Without objectives: Archive, Network" in said
    assert said.index("ERP:") < said.index("Mail:")  # the most findings first


def test_machines_get_the_same(tmp_path: Path) -> None:
    found = json.loads(reported(tmp_path, WITH_ERP % (AT - timedelta(days=1)).date(), "--json"))
    erp = next(one for one in found["services"] if one["service"] == "ERP")
    assert (erp["recovery_time_seconds"], erp["outages_late"], erp["longest_seconds"]) == (14400, 1, 30000)
    assert len(erp["findings"]) == 2


def test_a_catalogue_without_objectives_says_what_to_write(tmp_path: Path) -> None:
    plain = (
        CATALOGUE.split("         continuity")[0].rstrip().rstrip(",")
        + "}\n  Network: {}\n"
        + CATALOGUE[CATALOGUE.index("agreements:") :]
    )
    assert "write `continuity`" in reported(tmp_path, plain)
