"""slacast backtest: what is asked on the command line is what is played back, and the report is where it was wanted."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

import commands.learning
import slacast
import training.backtest
from commands.options import days
from commands.training_options import Lessons

LEARNED = Lessons("agreed", pd.DataFrame({"ticket_id": ["T1"]}), pd.DataFrame({"service": ["mail"]}))


@dataclass
class Answer:
    html: str = "<!doctype html><title>Backtest</title>"

    def text(self):
        return "in words"

    def to_dict(self):
        return {"figures": {"first.auc": 0.8}}


@pytest.fixture
def asked(monkeypatch):
    requests = []

    def play(request, progress):
        progress("playing")
        requests.append(request)
        return Answer()

    monkeypatch.setattr(training.backtest, "backtest_breach", play)
    monkeypatch.setattr(commands.learning, "lessons", lambda settings, as_of, progress: LEARNED)
    return requests


def test_origins_windows_and_report_are_those_asked_for(asked, tmp_path):
    page = tmp_path / "report.html"
    words = ["backtest", "breach", "--from", "2016-04-04T00:00+02:00", "--to", "2016-05-01T00:00Z", "--every", "36h"]
    done = CliRunner().invoke(slacast.app, [*words, "--folds", "3", "--out", str(page), "--json"])
    assert done.exit_code == 0, done.output
    (request,) = asked
    assert [request.agreements, *map(id, (request.events, request.service_events))] == ["agreed", *map(id, LEARNED[1:])]
    assert (request.begin, request.end) == (datetime(2016, 4, 3, 22, tzinfo=UTC), datetime(2016, 5, 1, tzinfo=UTC))
    assert (request.every_days, request.folds, request.rehearses_each) == (1.5, 3, False)
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert json.loads(done.stdout) == {"figures": {"first.auc": 0.8}}


def test_without_options_it_is_weekly_and_told_in_words(asked):
    done = CliRunner().invoke(slacast.app, ["backtest", "breach"])
    assert done.exit_code == 0, done.output
    assert (asked[0].every_days, asked[0].folds, asked[0].begin) == (7.0, None, None)
    assert "in words" in done.stdout


@pytest.mark.parametrize(("text", "length"), [("7d", 7.0), ("36h", 1.5), ("0.5d", 0.5)])
def test_a_length_is_days_or_hours(text, length):
    assert days(text) == length


@pytest.mark.parametrize("text", ["7", "d", "-1d", "0h", "week", "", "infd", "nand"])
def test_anything_else_is_no_length(text):
    with pytest.raises(typer.BadParameter, match="such as 7d or 36h"):
        days(text)
