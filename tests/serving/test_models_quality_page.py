"""The page of the models in a real browser: who caught more, what is expected, what came, and two versions compared on the same weeks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from features.store.jobs import JobEnd
from models.versions import ModelVersion, RegisteredModel
from serving.access.roles import Role
from serving.jobs.output import LOG
from serving.quality.book import Quality, QualityBook
from serving.quality.calibration import live_calibration
from serving.quality.contest import contest, mornings_of
from serving.quality.estimated import estimated_quality
from serving.quality.statements import first_said
from serving.queue import Queue
from serving.web import models_room
from serving.web.compared import compared
from tests.serving.browser import served, visit
from tests.serving.said_and_ended import NOW, a_month
from tests.serving.stored_desk import NOWHERE, Desk, field, logged_in

HTML = {"Accept": "text/html"}
GAIN = {"gain": 0.03, "low": 0.01, "high": 0.05}
FIGURES = {"auc": 0.9, "ap": 0.8, "brier": 0.1, "ece": None}
COMPARISON = {
    "first": "breach v2",
    "second": "breach v1",
    "how": "as they are served",
    "since": "2026-05-01T00:00:00+00:00",
    "until": "2026-05-28T00:00:00+00:00",
    "notes": [],
    "verdict": "breach v2 is clearly better than breach v1 in AUC",
    "sets": {
        "prefix": {
            "rows": 900,
            "tickets": 1200,
            "figures": {"breach v2": FIGURES, "breach v1": FIGURES, "share used + priority": FIGURES},
            "auc_gain": {"breach v1": GAIN},
            "brier_gain": {"breach v1": {**GAIN, "low": -0.01}},
        }
    },
}


@dataclass
class Known(QualityBook):
    """What was worked out before, whoever asks."""

    quality: Quality

    def soon(self, queue: Queue) -> Quality | None:
        return self.quality


def a_quality() -> Quality:
    said, clocks = a_month(1)
    since = NOW - timedelta(days=28)
    first = first_said(said, clocks, "resolution")
    mornings = mornings_of(since, NOW, "UTC")
    met = contest(said, clocks, "resolution", "v1", mornings)
    spans = estimated_quality(first, since, NOW)
    return Quality(since, NOW, 3, live_calibration(first), spans, met)


@pytest.fixture(scope="module")
def rooms(prepared_desk: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Quality]]:
    """The address of a desk that may train, with a compared pair as its job 1, and its quality."""
    desk = Desk(prepared_desk, tmp_path_factory.mktemp("quality"), tick_seconds=3600)
    quality = a_quality()
    desk.app.state.quality = Known(quality)
    compare(desk)
    with served(desk.app) as found:
        yield found, quality
    desk.close()


def compare(desk: Desk) -> None:
    """A comparison that ended."""
    answer = desk.client().post("/models/compare", data={"first": "2", "second": "champion", "retrained": "yes"})
    number = int(answer.headers["location"].rpartition("/")[2])
    job = desk.store.jobs.claim("here", is_short=False, most_running=1)
    assert job is not None
    assert job.arguments == {"first": "2", "second": "champion", "weeks": 4, "retrained": True}
    assert desk.service.jobs is not None
    folder = desk.service.jobs.output(number).folder
    folder.mkdir(parents=True)
    (folder / LOG).write_text("[  0.0 s] asking both models\n")
    assert desk.store.jobs.end(number, "here", JobEnd(state="succeeded", result=COMPARISON))


@pytest.mark.parametrize(("scheme", "tag"), [("light", "en"), ("dark", "zh-Hans")])
def test_the_page_tells_every_number_and_is_readable(browser: Browser, rooms: tuple[str, Quality], scheme: str, tag: str) -> None:  # fmt: skip
    address, quality = rooms
    assert quality.contest is not None
    with visit(browser, f"{address}/models?lang={tag}", color_scheme=scheme) as page:
        rows = page.locator("#contest-table tbody tr").all_inner_texts()
        assert len(rows) == 4
        for row, one in zip(rows, quality.contest.contenders, strict=False):
            for count in one.caught:
                assert f"{count}\n{count / quality.contest.missed:.0%}".replace("%", " %") in row
        assert [str(count) for count in quality.contest.possible] == rows[3].split()[-len(quality.contest.possible) :]
        weeks = page.locator("#expected-table tbody tr").all_inner_texts()
        assert len(weeks) == len(quality.spans)
        for week, span in zip(weeks, quality.spans, strict=True):
            assert f"{span.expected.brier:.3f}" in week
            assert span.seen is not None
            assert f"{span.seen.brier:.3f}" in week
        assert page.locator("#calibration svg rect").count() == len(quality.calibration)
        assert page.locator("#expected svg circle").count() == len(quality.spans)
        expect(page.locator("main")).to_contain_text({"en": "one ticket in 3", "zh-Hans": "每 3 张"}[tag])
        check(page, f"{address}/models")
        page.goto(f"{address}/models/jobs/1")
        expect(page.locator("main .lead").nth(1)).to_have_text("breach v2 is clearly better than breach v1 in AUC.")
        cells = page.locator("#compared-1 tbody tr").nth(1).inner_text()
        assert "+0.030 [+0.010, +0.050]" in cells
        assert "+0.030 [-0.010, +0.050]" in cells
        check(page, f"{address}/models/jobs/1")


def check(page, path: str) -> None:  # type: ignore[no-untyped-def]
    found = Axe().run(page)
    assert found.violations_count == 0, f"{path}\n{found.generate_report()}"
    for width in (1024, 390):
        page.set_viewport_size({"width": width, "height": 768})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
    page.set_viewport_size({"width": 1366, "height": 768})


def test_before_it_was_worked_out_the_page_says_so(desk: Desk) -> None:
    assert "Recent scores are being held" not in desk.client().get("/models").text  # there is no model to speak of
    known = a_quality()
    empty = Quality(known.since, known.until, 1, [], [], None)
    desk.app.state.quality = Known(empty)
    page = desk.client().get("/models").text
    assert "it is not so far yet" in page
    assert "Too few scored tickets have ended yet." in page
    assert "Worked out from" not in page


def test_only_who_sees_all_tickets_sees_the_quality(guarded: Desk) -> None:
    guarded.app.state.quality = Known(a_quality())
    assert "contest-table" in logged_in(guarded, Role.READER).get("/models", headers=HTML).text
    nowhere = guarded.client(token=NOWHERE.text).get("/models", headers=HTML)
    assert "contest-table" not in nowhere.text


def test_versions_that_mean_nothing_are_refused(desk: Desk) -> None:
    desk.add_keys()
    scientist, reader = logged_in(desk, Role.SCIENTIST), logged_in(desk, Role.READER)
    sent = {"csrf": field(scientist.get("/models", headers=HTML).text, "csrf"), "first": "v2; rm", "second": "1"}
    answer = scientist.post("/models/compare", data=sent, headers=HTML)
    assert (answer.status_code, "Choose two versions" in answer.text) == (422, True)
    token = field(reader.get("/models", headers=HTML).text, "csrf")
    assert reader.post("/models/compare", data={**sent, "csrf": token, "first": "2"}).status_code == 403


def version(number: int, *aliases: str, run_id: str = "r") -> ModelVersion:
    metrics = {"grid.auc": 0.9 + number / 100, "grid.rules_auc": 0.7, "grid.recall_at_10": 0.3}
    tags, params = (
        {"gate": "passed", "gate_reason": "AUC +0.1"},
        {"cut": "2026-05-01T00:00", "judged_until": "2026-05-28"},
    )
    return ModelVersion("breach", number, NOW, aliases, run_id and f"{run_id}{number}", tags, metrics, params)


def options(page: str, name: str) -> list[str]:
    chosen = page.split(f'<select name="{name}">', 1)[1].split("</select>", 1)[0]
    return re.findall(r'<option value="(\w+)">', chosen)


def test_champion_and_challenger_stand_beside_the_rules_with_a_way_to_their_runs(
    prepared_desk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(prepared_desk, tmp_path, mlflow_uri="http://mlflow.example:5000/")
    found = [version(1, "champion"), version(3), version(2, "challenger", run_id="")]
    model = RegisteredModel("breach", tuple(found), {"champion": 1, "challenger": 2}, {})
    monkeypatch.setattr(models_room, "_registered", lambda _service: (model, None))
    page = desk.client().get("/models").text
    heads = re.findall(r'<th scope="col">(breach v\d)', page)
    assert heads == ["breach v1", "breach v2", "breach v3"]
    row = page.split("Open queue, ROC-AUC", 1)[1].split("</tr>", 1)[0]
    assert re.findall(r"<td>(.+?)</td>", row) == ["0.910", "0.920", "0.930", "0.700"]
    assert re.findall(r'href="(http://mlflow[^"]*)"', page) == ["http://mlflow.example:5000/#/runs/r1", "http://mlflow.example:5000/#/models/breach/versions/2", "http://mlflow.example:5000/#/runs/r3"]  # fmt: skip
    assert options(page, "first") == options(page, "version") == ["2", "3"]
    assert options(page, "second") == ["1", "2", "3"]
    alone = RegisteredModel("breach", (version(1, "champion"),), {"champion": 1}, {})
    monkeypatch.setattr(models_room, "_registered", lambda _service: (alone, None))
    page = desk.client().get("/models").text
    assert "/models/compare" not in page
    assert 'value="promote"' not in page
    assert 'value="rollback" disabled' in page
    desk.close()


@pytest.mark.parametrize("printed", [None, "AUC 0.81", {"sets": 3, "verdict": ""}, {"sets": {}}, [1]])
def test_what_is_no_comparison_is_not_shown_as_one(printed: object) -> None:
    assert compared(printed) is None


def test_figures_that_are_none_are_a_dash() -> None:
    found = compared(COMPARISON)
    assert found is not None
    assert found.sets[0].rows[0] == ("breach v2", ("0.900", "0.800", "0.100", "–"), "–", "–")
    assert found.sets[0].rows[1][2:] == ("+0.030 [+0.010, +0.050]", "+0.030 [-0.010, +0.050]")
    assert (found.since, found.until, np.array(found.sets[0].tickets)) == ("2026-05-01", "2026-05-28", 1200)
