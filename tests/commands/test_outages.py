"""`slacast train outage` and `slacast forecast services`, from a store to words."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from benchmarks._planted import BEGIN, planted
from features.store import open_store
from slacast import app


@pytest.fixture(scope="module")
def trained(migrated_database: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("outages")
    shutil.copy(migrated_database, folder / "mlflow.db")
    events, _ = planted(services=25, days=200, seed=4)
    environment = {
        "SLACAST_DATABASE_URL": f"sqlite:///{folder / 'events.db'}",
        "SLACAST_MLFLOW_URI": f"sqlite:///{folder / 'mlflow.db'}",
        "SLACAST_VAR_DIR": str(folder),
    }
    with open_store(environment["SLACAST_DATABASE_URL"]) as store:
        store.append_service_events(events, "made")
    done = CliRunner().invoke(app, ["train", "outage"], env=environment)
    assert done.exit_code == 0, done.output
    return environment | {"said": done.stdout}


def _forecast(trained: dict[str, str], *words: str) -> str:
    environment = {name: value for name, value in trained.items() if name != "said"}
    done = CliRunner().invoke(app, ["forecast", "services", *words], env=environment)
    assert done.exit_code == 0, done.output
    return done.stdout


AS_OF = BEGIN.isoformat().replace("2025-01-06", "2025-07-20")


def test_training_shows_every_candidate_and_says_why_one_is_served(trained):
    assert "| rate x weekday |" in trained["said"]
    assert "outage v1 is served by mean. Why: average precision of mean over" in trained["said"]


def test_a_forecast_tells_probability_expectation_and_reasons(trained):
    found = json.loads(_forecast(trained, "--as-of", AS_OF, "--json"))
    assert (found["by"], found["model"], found["horizon_hours"]) == ("mean", "outage v1", 24.0)
    services = found["services"]
    assert len(services) + len(found["not_asked"]) == 25
    probabilities = [one["probability"] for one in services]
    assert probabilities == sorted(probabilities, reverse=True)
    assert all(
        0 < one["usual"] < 1 and one["outages_7_days"] > 0 and one["minutes_down_7_days"] > 0 for one in services
    )
    top = services[0]
    assert "such days saw an outage; usual for this service: " in top["words"]
    assert {"a change within 24 hours", "one alert in 24 hours"} & set(top["because"]) or "as long as usual" in top[
        "words"
    ]


def test_a_forecast_of_the_past_knows_nothing_later(trained):
    early = json.loads(_forecast(trained, "--as-of", "2025-02-01T00:00+00:00", "--json"))
    assert all(one["outages_7_days"] < 7 for one in early["services"])
    assert "2025-02-01 00:00 UTC" in _forecast(trained, "--as-of", "2025-02-01T00:00+00:00")


def test_before_any_training_a_rule_answers_openly(trained, tmp_path):
    fresh = trained | {"SLACAST_MLFLOW_URI": f"sqlite:///{tmp_path / 'none.db'}"}
    found = json.loads(_forecast(fresh, "--as-of", AS_OF, "--json"))
    assert (found["by"], found["model"]) == ("rate x weekday", "no model yet")


@pytest.mark.parametrize("model", ["outage", "volume", "remaining-time"])
@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--judge-until", "2025-02-01T00:00+00:00"),
        ("--gate", "gate.yaml"),
        ("--target", "response"),
        ("--engine", "dask"),
    ],
)
def test_options_of_other_models_are_refused(model, option, value):
    done = CliRunner().invoke(app, ["train", model, option, value])
    assert done.exit_code == 1
    assert f"{option} is of no use for {model}" in done.output


@pytest.mark.parametrize(("model", "option"), [("outage", "--cut"), ("outage", "--agreements"), ("volume", "--cut")])
def test_options_that_one_model_alone_does_without_are_refused(model, option):
    done = CliRunner().invoke(app, ["train", model, option, "2025-02-01T00:00+00:00"])
    assert done.exit_code == 1
    assert f"{option} is of no use for {model}" in done.output


def test_a_store_without_service_events_is_told(tmp_path):
    done = CliRunner().invoke(app, ["forecast", "services", "--store", f"sqlite:///{tmp_path / 'empty.db'}"])
    assert done.exit_code == 1
    assert "no service events" in done.output


def test_kept_probabilities_are_judged_and_without_any_it_says_who_keeps_them(trained):
    environment = {name: value for name, value in trained.items() if name != "said"}
    nothing = CliRunner().invoke(app, ["forecast", "judged", "--as-of", "2025-01-08T00:00+00:00"], env=environment)
    assert nothing.exit_code == 1
    assert "slacast serve keeps them" in nothing.output
    with open_store(environment["SLACAST_DATABASE_URL"]) as store:
        at = pd.DatetimeIndex([BEGIN + pd.Timedelta(days=day) for day in range(60, 100)]).astype("datetime64[us, UTC]")
        said = pd.DataFrame({"made_at": at, "period_start": at, "period_end": at + pd.Timedelta(days=1)})
        said = said.assign(
            series="outage probability", subject="service 003", quantile=0.5, value=0.1, model_version="m"
        )
        store.forecasts.append(said)
    done = CliRunner().invoke(app, ["forecast", "judged", "--as-of", AS_OF, "--json"], env=environment)
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["by"]["m"]["forecasts"] + found["not_known_yet"] == 40


def test_a_service_made_of_others_is_told_of_as_a_whole(trained, tmp_path):
    text = "slacast: 1\nservices:\n" + "".join(f"  service {n:03d}: {{}}\n" for n in range(3))
    text += "  all three: {made_of: {all_of: [service 000, service 001, service 002]}}\n"
    text += "  any: {made_of: {any_of: [service 000, service 001, service 002]}}\n"
    text += "agreements: [{name: x, targets: [{metric: resolution, goals: [{default: true, within: no agreement}]}]}]\n"
    path = tmp_path / "agreements.yaml"
    path.write_text(text, encoding="utf-8")
    plain = json.loads(_forecast(trained, "--as-of", AS_OF, "--json"))
    found = json.loads(_forecast(trained | {"SLACAST_AGREEMENTS": str(path)}, "--as-of", AS_OF, "--json"))
    by_name = {one["service"]: one for one in found["services"]}
    assert by_name["all three"]["usual"] > max(by_name[f"service {n:03d}"]["usual"] for n in range(3))
    assert by_name["any"]["usual"] < min(by_name[f"service {n:03d}"]["usual"] for n in range(3))
    assert [one for one in found["services"] if one["service"] not in ("all three", "any")] == plain["services"]
    probabilities = [one["probability"] for one in found["services"]]
    assert probabilities == sorted(probabilities, reverse=True)
