"""The command line: what it prints, what it refuses, and with which exit code."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

import slacast

ROOT = Path(__file__).resolve().parents[1]
DEMO = ROOT / "examples/demo"
UCI = ROOT / "examples/uci-incidents"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a command in an empty folder; returns the result with stdout and stderr apart."""
    monkeypatch.chdir(tmp_path)
    for name in ("DATABASE_URL", "AGREEMENTS", "MLFLOW_URI", "VAR_DIR"):
        monkeypatch.delenv(f"SLACAST_{name}", raising=False)
    return lambda *words: CliRunner().invoke(slacast.app, [str(word) for word in words])


def test_the_command_line_starts_without_loading_any_floor():
    """`slacast --help` answers at once: no data frame, no model, no web framework is imported."""
    code = "import sys, slacast; print(sorted({'pandas', 'numpy', 'mlflow', 'fastapi', 'lightgbm'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_rules_are_checked_without_a_data_frame_or_a_model():
    code = (
        "import sys, slacast\nfrom typer.testing import CliRunner\n"
        f"found = CliRunner().invoke(slacast.app, ['check', {str(UCI / 'agreements.yaml')!r}])\n"
        "print(sorted({'pandas', 'mlflow', 'fastapi', 'lightgbm'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "path", sorted((ROOT / "examples").glob("*/agreements.yaml")), ids=lambda path: path.parent.name
)
def test_the_agreements_of_every_example_are_found_sound(run, path):
    found = run("check", path)
    assert found.exit_code == 0, found.output
    assert "no faults" in found.output


def test_a_typo_in_an_agreement_is_named_with_file_line_and_what_was_meant(run, tmp_path):
    broken = tmp_path / "broken.yaml"
    text = (UCI / "agreements.yaml").read_text(encoding="utf-8")
    broken.write_text(text.replace("time_zone:", "time_zon:", 1), encoding="utf-8")
    found = run("check", broken)
    assert found.exit_code == 1
    line = 1 + text[: text.index("time_zone:")].count("\n")
    assert f"broken.yaml:{line}:" in found.output
    assert "time_zone" in found.output


def test_a_missing_file_is_wrong_usage(run):
    assert run("check", "nowhere.yaml").exit_code == 2


@pytest.mark.parametrize("text", ["yesterday", "2016-05-16T10:00"])
def test_an_instant_without_offset_or_sense_is_wrong_usage(run, text):
    found = run("score", "--as-of", text)
    assert found.exit_code == 2
    assert text in found.stderr


def test_scoring_an_empty_store_says_what_to_do(run):
    found = run("score")
    assert found.exit_code == 1
    assert "agreements" in found.stderr


def test_training_without_events_says_what_to_do(run):
    found = run("train", "breach", "--agreements", DEMO / "agreements.yaml")
    assert found.exit_code == 1
    assert "slacast import" in found.stderr


def test_an_import_gives_a_queue_from_the_rules_alone(run, small_export):
    imported = run(
        "import", small_export, "--mapping", DEMO / "mapping.yaml", "--agreements", DEMO / "agreements.yaml", "--json"
    )
    assert imported.exit_code == 0, imported.output
    assert json.loads(imported.stdout)["stored"]["inserted"] > 100
    scored = run("score", "--as-of", "2026-01-26T10:00+01:00", "--json", "--out", "queue.csv")
    assert scored.exit_code == 0, scored.output
    queue = json.loads(scored.stdout)
    assert queue["bundle_version"] is None
    assert "no model" in queue["rules_only_reason"].lower()
    assert len(queue["tickets"]) == 20
    with open("queue.csv", encoding="utf-8") as file:
        assert len(file.readlines()) > 20


def test_a_dry_run_stores_nothing(run, small_export):
    found = run("import", small_export, "--mapping", DEMO / "mapping.yaml", "--dry-run")
    assert found.exit_code == 0, found.output
    assert not Path("var").exists()


def test_importing_twice_is_importing_once(run, small_export):
    words = ("import", small_export, "--mapping", DEMO / "mapping.yaml", "--json")
    first, second = json.loads(run(*words).stdout), json.loads(run(*words).stdout)
    assert first["stored"]["inserted"] == first["events"] > 0
    assert second["stored"]["inserted"] == 0
    assert second["stored"]["duplicates"] == first["events"]


def test_a_mapping_that_names_an_absent_column_is_refused_and_the_store_stays_empty(run, small_export, tmp_path):
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(
        (DEMO / "mapping.yaml").read_text(encoding="utf-8").replace("Number", "Nummer"), encoding="utf-8"
    )
    found = run("import", small_export, "--mapping", mapping)
    assert found.exit_code == 1
    assert "Nummer" in found.stderr
    assert "Number" in found.stderr  # did you mean
    again = run("import", small_export, "--mapping", DEMO / "mapping.yaml", "--json")
    assert json.loads(again.stdout)["stored"]["duplicates"] == 0


@pytest.fixture
def ticket(run, small_export):
    """A ticket of the demo desk, imported with its agreements."""
    assert (
        run(
            "import", small_export, "--mapping", DEMO / "mapping.yaml", "--agreements", DEMO / "agreements.yaml"
        ).exit_code
        == 0
    )
    return str(pd.read_csv(small_export)["Number"].iloc[0])


def test_a_ticket_is_explained_with_its_rule_its_settings_and_what_the_clock_did(run, ticket):
    found = run("explain", ticket, "--as-of", "2026-01-26T10:00+01:00")
    assert found.exit_code == 0, found.output
    for part in (
        f"{ticket}  resolution: ",
        "agreement: SLA Standard",
        ", resolution, ",
        "policies: ",
        "what the clock did (desk, Europe/Berlin)",
    ):
        assert part in found.stdout


def test_a_supposed_priority_is_shown_beside_the_facts(run, ticket):
    found = run("explain", ticket, "--as-of", "2026-01-26T10:00+01:00", "--if", "priority=1", "--json")
    clocks = json.loads(found.stdout)
    (actual,) = [one for one in clocks["clocks"] if one["target"] == "resolution"]
    (supposed,) = [one for one in clocks["supposed"] if one["target"] == "resolution"]
    assert supposed["target_seconds"] == 4 * 3600
    assert actual["target_seconds"] > supposed["target_seconds"]


def test_an_unknown_ticket_is_a_fault(run, ticket):
    found = run("explain", "INC-NOWHERE")
    assert found.exit_code == 1
    assert "INC-NOWHERE" in found.stderr


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_every_clock_of_an_export_is_written_without_a_store(run, small_export, suffix):
    found = run(
        *("clocks", small_export, "--mapping", DEMO / "mapping.yaml", "--agreements", DEMO / "agreements.yaml"),
        *("--as-of", "2026-01-26T10:00+01:00", "--out", f"clocks.{suffix}"),
    )
    assert found.exit_code == 0, found.output
    table = pd.read_csv("clocks.csv") if suffix == "csv" else pd.read_parquet("clocks.parquet")
    assert set(table.target) == {"first_response", "resolution"}
    assert table[table.state == "breached"].remaining_seconds.max() < 0
    assert not Path("var").exists()


@pytest.mark.slow
def test_the_demo_runs_to_a_queue_and_the_models_figures(run):
    found = run("demo", "--once")
    assert found.exit_code == 0, found.output
    assert "share used + priority" in found.stdout
    assert "is promoted" in found.stdout
    assert "outage v1 is served by mean" in found.stdout
    assert "volume v1" in found.stdout
    assert "scored by breach" in found.stdout
    assert "Save now" in found.stdout
