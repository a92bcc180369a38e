"""The gate: what it lets pass, what it keeps out, and that it says why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.scales import sigmoid
from training.bootstrap import Interval
from training.bundle_costs import BundleCosts
from training.configuration import ConfigurationError, read_settings
from training.gate import Check, GateSettings, Verdict, champion_check, cost_check, slice_check
from training.rivalry import Rivalry, paired_rivalry
from training.settings import TrainingSettings
from training.slice_gains import SliceGain, slice_gains, surely_worse

NONE = Interval(0.0, -0.004, 0.004)
WORSE = Interval(-0.03, -0.05, -0.02)
BETTER = Interval(0.03, 0.02, 0.05)
UNKNOWN = Interval(0.0, float("nan"), float("nan"))


@pytest.mark.parametrize(
    ("auc", "brier", "demand", "passes"),
    [
        (NONE, NONE, "not worse", True),
        (BETTER, BETTER, "not worse", True),
        (Interval(-0.02, -0.05, 0.01), NONE, "not worse", True),  # perhaps worse, but not surely
        (Interval(-0.006, -0.008, -0.004), NONE, "not worse", True),  # surely worse, but within the margin
        (WORSE, NONE, "not worse", False),
        (NONE, WORSE, "not worse", False),
        (UNKNOWN, UNKNOWN, "not worse", True),
        (NONE, NONE, "better", False),
        (BETTER, NONE, "better", True),
        (UNKNOWN, UNKNOWN, "better", False),
        (WORSE, WORSE, "ignored", True),
    ],
)
def test_a_retrained_model_takes_over_unless_it_is_surely_worse_or_more_is_demanded(
    auc: Interval, brier: Interval, demand: str, passes: bool
) -> None:
    check = champion_check(Rivalry("breach v3", "new tickets", 500, auc, brier), GateSettings(champion=demand))
    assert check.is_passed is passes
    assert "breach v3" in check.why


def test_a_champion_that_could_not_be_asked_blocks_nobody_and_is_named() -> None:
    check = champion_check(
        Rivalry("breach v3", "not compared, because it cannot be loaded"), GateSettings(champion="better")
    )
    assert check.is_passed
    assert check.why == "breach v3: not compared, because it cannot be loaded"


def rows(count: int = 6000, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Outcomes, true probabilities, tickets (three rows each), days and teams."""
    rng = np.random.default_rng(seed)
    p = sigmoid(rng.normal(-1, 1, count))
    ticket = np.arange(count) // 3
    return (rng.random(count) < p).astype(float), p, ticket, ticket % 60, rng.integers(-1, 3, count // 3)[ticket]


def gains(
    p: np.ndarray, said: np.ndarray, y: np.ndarray, ticket: np.ndarray, day: np.ndarray, team: np.ndarray
) -> list[SliceGain]:
    return slice_gains(
        {"team": team},
        {"team": ["Network", "Mail", "Desk"]},
        y,
        ticket,
        day,
        {"model": said, "table": np.full(len(y), 0.3), "other": p},
        "model",
        least_tickets=100,
        least_breaches=10,
    )


def test_a_team_that_the_rules_know_better_keeps_the_model_out() -> None:
    y, p, ticket, day, team = rows()
    said = np.where(team == 1, 1 - p, p)
    found = gains(p, said, y, ticket, day, team)
    assert [one.name for one in found] == ["team none", "team Network", "team Mail", "team Desk"]
    assert {one.name for one, _rule in surely_worse(found, 0.01)} == {"team Mail"}
    check = slice_check(found, GateSettings())
    assert not check.is_passed
    assert "team Mail (" in check.why
    assert "over table" in check.why
    assert slice_check(gains(p, p, y, ticket, day, team), GateSettings()).is_passed


def test_thin_slices_are_not_judged() -> None:
    y, p, ticket, day, team = rows(900)
    assert gains(p, 1 - p, y, ticket, day, team) == []


def test_many_slices_of_pure_chance_fail_no_more_often_than_one() -> None:
    """Twenty teams, model and rule equally good: without the correction about a third of these worlds would fail."""
    failed = 0
    for world in range(20):
        rng = np.random.default_rng(world)
        y, noise = (rng.random(6000) < 0.3).astype(float), rng.normal(0, 0.08, (2, 6000))
        ticket = np.arange(6000)
        said = {"model": np.clip(0.3 + noise[0], 0, 1), "rule": np.clip(0.3 + noise[1], 0, 1)}
        found = slice_gains(
            {"team": ticket % 20},
            {},
            y,
            ticket,
            ticket // 100,
            said,
            "model",
            least_tickets=100,
            least_breaches=10,
            seed=world,
        )
        assert len(found) == 20
        failed += bool(surely_worse(found, 0.0))
    assert failed <= 3


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"size_bytes": 25_000_000}, "it takes 25.0 MB (allowed 20)"),
        ({"load_milliseconds": 450.0}, "it loads in 450 ms (allowed 300)"),
        ({"row_microseconds": 9000.0}, "a row takes 9000 us (allowed 2000)"),
    ],
)
def test_a_bundle_that_is_too_large_or_too_slow_is_kept_out(changes: dict[str, float], words: str) -> None:
    cheap = BundleCosts(2_000_000, 40.0, 300.0)
    assert cost_check(cheap, GateSettings()).is_passed
    check = cost_check(replace(cheap, **changes), GateSettings())
    assert (check.is_passed, check.why) == (False, words)


def test_a_verdict_tells_what_speaks_against_a_model_and_else_what_speaks_for_it() -> None:
    good = Verdict((Check("evidence", True, "500 tickets"), Check("rules", True, "AUC +.1 over the table")))
    assert (good.is_passed, good.why) == (True, "AUC +.1 over the table")
    bad = good.and_also(Check("costs", False, "too large"))
    assert (bad.is_passed, bad.why) == (False, "too large")
    assert "| costs | FAILED | too large |" in bad.table()


def test_the_same_answers_are_no_rivalry() -> None:
    y, p, _ticket, day, _team = rows()
    found = paired_rivalry("breach v1", "new tickets", y, p, p, 2000, day, draws=60, seed=0)
    assert found.auc is not None
    assert (found.auc.value, found.auc.low, found.auc.high) == (0.0, 0.0, 0.0)
    worse = paired_rivalry("breach v1", "new tickets", y, 1 - p, p, 2000, day, draws=60, seed=0)
    assert not champion_check(worse, GateSettings()).is_passed


def written(folder: Path, text: str) -> Path:
    (folder / "gate.yaml").write_text(text, encoding="utf-8")
    return folder / "gate.yaml"


def test_a_gate_is_read_from_yaml_and_what_is_not_written_keeps_its_default(tmp_path: Path) -> None:
    text = "# stricter\nleast_tickets: 300\nchampion: better\nlargest_calibration_error: 0.05\n"
    found = read_settings(written(tmp_path, text), GateSettings)
    assert found == GateSettings(least_tickets=300, champion="better", largest_calibration_error=0.05)
    assert read_settings(written(tmp_path, ""), GateSettings) == GateSettings()
    nested = read_settings(
        written(tmp_path, "gate:\n  least_tickets: 7\nmodel:\n  boosting:\n    leaves: 9\n"), TrainingSettings
    )
    assert (nested.gate.least_tickets, nested.model.boosting.leaves) == (7, 9)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "least_tickets: 300\nleast_breeches: 4\n",
            "gate.yaml:2: least_breeches is no setting; did you mean least_breaches?",
        ),
        ("\nleast_tickets: many\n", "gate.yaml:2: least_tickets is 'many'"),
        ("champion: beaten\n", "gate.yaml:1: champion is 'beaten'"),
        ("least_tickets: 1\nleast_tickets: 2\n", "least_tickets is written twice"),
        ("- 1\n", "expected keys and values"),
        ("least_tickets: [1\n", "not YAML"),
    ],
)
def test_a_gate_that_cannot_be_meant_is_refused_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_settings(written(tmp_path, text), GateSettings)
    assert words in str(caught.value)


def test_a_missing_settings_file_and_a_nested_typo_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is not a file"):
        read_settings(tmp_path / "nowhere.yaml", GateSettings)
    with pytest.raises(ConfigurationError, match=r"3: model.boosting.leavs is no setting; did you mean leaves\?"):
        read_settings(written(tmp_path, "model:\n  boosting:\n    leavs: 9\n"), TrainingSettings)


def test_every_threshold_of_the_gate_is_documented_with_its_default() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs/models.md").read_text(encoding="utf-8")
    for name, field in GateSettings.model_fields.items():
        assert f"| `{name}` | {field.default} | {field.description} |" in page
