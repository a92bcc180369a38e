"""`slacast train volume` and `slacast forecast volume`, from a store to words."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from features.store import open_store
from slacast import app
from tests.volume_events import FIRST, volume_events

EARLY, LATE = "2026-05-11T08:00+00:00", "2026-05-25T08:00+00:00"
ROOT = Path(__file__).resolve().parents[2]


def run(environment, *words, code=0):
    done = CliRunner().invoke(app, list(words), env=environment)
    assert done.exit_code == code, done.output
    return done.stdout if code == 0 else done.output


@pytest.fixture(scope="module")
def trained(migrated_database, tmp_path_factory):
    folder = tmp_path_factory.mktemp("volumes")
    shutil.copy(migrated_database, folder / "mlflow.db")
    environment = {
        "SLACAST_DATABASE_URL": f"sqlite:///{folder / 'events.db'}",
        "SLACAST_MLFLOW_URI": f"sqlite:///{folder / 'mlflow.db'}",
        "SLACAST_VAR_DIR": str(folder),
        "SLACAST_AGREEMENTS": str(ROOT / "examples" / "demo" / "agreements.yaml"),
        "SLACAST_TIME_ZONE": "UTC",
    }
    with open_store(environment["SLACAST_DATABASE_URL"]) as store:
        store.append_ticket_events(volume_events(150), "made")
    first = run(environment, "forecast", "volume", "--as-of", EARLY, "--keep")
    said = run(environment, "train", "volume", "--as-of", EARLY)
    run(environment, "forecast", "volume", "--as-of", EARLY.replace("08:00", "09:00"), "--keep")
    return environment, first, said


def test_before_any_training_the_mean_of_four_answers_openly_and_claims_no_interval(trained):
    _, first, _ = trained
    assert "by mean of four same weekdays (no model yet: slacast train volume)" in first
    assert "80 %:" not in first.split("Open at the end")[0]


def test_training_shows_every_candidate_what_is_served_and_how_well_intervals_held(trained):
    _, _, said = trained
    assert "| mean of four same weekdays |" in said
    assert "| served |" in said
    assert "| team |" in said
    assert "volume v1: of " in said
    assert "judged at" in said


def test_a_forecast_is_held_against_what_came_and_tells_work_and_backlog(trained):
    environment, _, _ = trained
    found = json.loads(run(environment, "forecast", "volume", "--as-of", LATE, "--json"))
    assert (found["level"], found["model"], found["zone"]) == ("all", "volume v1", "UTC")
    day = found["days"][0]
    assert day["from"] == "2026-05-25"
    assert day["low_95"] <= day["low_80"] <= day["expected"] <= day["high_80"] <= day["high_95"]
    assert sum(one["expected"] for one in found["days"][:7]) == pytest.approx(found["weeks"][0]["expected"], abs=0.01)
    assert found["hours"][0]["expected"] == pytest.approx(day["expected"] / 2, rel=0.1)
    assert found["hours"][0]["high_95"] / found["hours"][0]["expected"] > day["high_95"] / day["expected"]
    assert found["backlog"][6]["high_80"] > found["backlog"][6]["low_80"]
    missed = found["breaches"]
    assert len(missed) == len(found["days"])
    assert all(one["low_80"] <= one["expected"] <= one["high_80"] for one in missed)
    judged = {tuple(one["days_ahead"]): one for one in found["past"]}
    assert judged[1, 1]["days"] == 2  # both kept forecasts of the first day
    assert judged[2, 7]["days"] == 12
    assert judged[2, 7]["within_80"] > 0.5
    of_missed = {tuple(one["days_ahead"]): one for one in found["past_breaches"]}
    assert (of_missed[1, 1]["days"], of_missed[2, 7]["days"]) == (2, 12)
    assert of_missed[2, 7]["wape"] != judged[2, 7]["wape"]
    whole = run(environment, "forecast", "volume", "--as-of", LATE)
    week = sum(one["expected"] for one in missed[:7])
    assert f"in the first 7 days {week:.1f}, if as large a share is missed" in whole
    assert "Earlier forecasts of missed resolutions 2 to 7 days ahead: off by " in whole
    by_team = re.search(r"In the first 7 days, by the first team of a ticket: Desk ([\d.]+), Network ([\d.]+)\.", whole)
    assert by_team is not None
    assert float(by_team[1]) + float(by_team[2]) == pytest.approx(week, abs=0.11)
    text = run(environment, "forecast", "volume", "--as-of", LATE, "--level", "team", "--subject", "Network")
    assert f"in the first 7 days {by_team[2]}, if as large a share is missed" in text
    assert "Tickets expected, team Network" in text
    assert "min a ticket (learned from " in text


def test_the_parts_of_a_stored_forecast_add_up_to_the_whole(trained):
    environment, _, _ = trained
    with open_store(environment["SLACAST_DATABASE_URL"]) as store:
        newest = store.forecasts.last_made(FIRST.to_pydatetime().replace(month=12), "arrivals", "")
        tables = [store.forecasts.read(series, since=newest) for series in ("arrivals", "breaches", "breaches counted")]
    for kept in tables:
        said = kept[kept["quantile"] == 0.5]
        days = said.pivot_table(index="period_start", columns="subject", values="value")
        assert days[""].sum() > 0
        for level in ("team", "service", "priority"):
            parts = [name for name in days if name.startswith(level + ":")]
            assert len(parts) > 1
            assert (days[parts].sum(axis=1) == days[""]).all()


def test_plans_change_the_forecast_and_their_faults_are_told(trained, tmp_path):
    environment, _, _ = trained
    plans = tmp_path / "planned.yaml"
    plans.write_text("- {name: spring, kind: campaign, from: 2026-05-26, factor: 2}\n")
    plain, planned = (
        json.loads(run(environment, "forecast", "volume", "--as-of", LATE, "--json", *words))
        for words in ((), ("--planned", str(plans)))
    )
    ratio = [b["expected"] / a["expected"] for a, b in zip(plain["days"][:3], planned["days"][:3], strict=True)]
    assert ratio == pytest.approx([1.0, 2.0, 1.0], rel=0.02)
    plans.write_text("- {name: spring, kind: campaign}\n")
    assert "entry 1 (spring): from: Field required" in run(
        environment, "forecast", "volume", "--as-of", LATE, "--planned", str(plans), code=1
    )


def test_unknown_series_and_foreign_options_are_refused(trained):
    environment, _, _ = trained
    said = run(environment, "forecast", "volume", "--as-of", LATE, "--level", "team", "--subject", "Nobody", code=1)
    assert "no volume of team 'Nobody'" in said
    assert "of team: Desk, Network" in said
    assert "--cut is of no use for volume" in run(environment, "train", "volume", "--cut", LATE, code=1)
    assert "--planned is of use for volume alone" in run(environment, "train", "outage", "--planned", "x.yaml", code=1)


def test_the_registered_model_answers_by_mlflow_alone(trained):
    environment, _, _ = trained
    from features.volumes.counts import count_tickets
    from models.registry import quiet_mlflow
    from models.volumes.frame import counts_frame

    mlflow = quiet_mlflow()
    before = (mlflow.get_tracking_uri(), mlflow.get_registry_uri())
    mlflow.set_tracking_uri(environment["SLACAST_MLFLOW_URI"])
    mlflow.set_registry_uri(environment["SLACAST_MLFLOW_URI"])
    try:
        model = mlflow.pyfunc.load_model("models:/volume@champion")
        counts = count_tickets(volume_events(100), FIRST.to_pydatetime().replace(month=4))
        found = model.predict(counts_frame(counts))
    finally:
        mlflow.set_tracking_uri(before[0])
        mlflow.set_registry_uri(before[1])
    whole = found[found["level"] == "all"]
    assert whole["day"].iloc[0] == "2026-04-05"
    assert (whole["q0.1"] <= whole["expected"]).all()
