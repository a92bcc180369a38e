"""Who serves is changed over HTTP: docs/api.md, POST /api/v1/models/{name}/promote and /rollback."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from models.registry import registered
from serving.access.roles import Role
from serving.api import promotions
from tests.serving.builders import is_problem
from tests.serving.stored_desk import TOKENS, Desk

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:sqlalchemy.exc.SADeprecationWarning")
PROMOTE, ROLLBACK = "/api/v1/models/breach/promote", "/api/v1/models/breach/rollback"


@pytest.fixture(scope="module")
def desk(prepared_desk: Path, two_versions: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("promotions")
    shutil.copyfile(two_versions / "mlflow.db", folder / "mlflow.db")
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    found = Desk(prepared_desk, folder, mlflow_uri=uri, use_model=True, requests_per_second=1e6, model_poll_seconds=1e6)
    found.add_keys()
    assert found.service.jobs is not None
    assert found.service.watch is not None
    found.service.jobs.start()
    found.service.watch.start()
    yield found
    found.service.watch.stop()
    found.service.jobs.stop()
    found.close()


def test_a_version_the_gate_kept_out_is_promoted_only_by_someone_who_says_so_and_is_rolled_back(desk: Desk) -> None:
    client = desk.client(Role.SCIENTIST)
    refused = is_problem(client.post(PROMOTE, json={"version": "challenger", "reason": "try it"}), 409)
    gate = next(one for one in registered(desk.settings.mlflow_uri).versions if one.number == 2)
    assert gate.gate_reason.rstrip(".") in refused["detail"]
    assert "overrule_gate" in refused["detail"]
    assert client.get("/api/v1/jobs").json()["jobs"] == []
    _takes_up(desk, "breach v1")

    body = {"version": "challenger", "reason": "the new team is missing", "overrule_gate": True}
    key = {"Idempotency-Key": "tuesday"}
    done = client.post(PROMOTE, json=body, headers=key)
    assert done.status_code == 200, done.text
    move = done.json()
    assert (move["kind"], move["number"], move["before"]["champion"]) == ("promotion", 2, 1)
    assert (move["by"], move["reason"]) == (f"key {TOKENS[Role.SCIENTIST].prefix} (scientist)", body["reason"])
    assert registered(desk.settings.mlflow_uri).aliases == move["after"]
    _takes_up(desk, "breach v2")  # though it is polled every eleven days
    assert client.post(PROMOTE, json=body, headers=key).json() == move  # sent again, it is not done again
    is_problem(client.post(PROMOTE, json={**body, "reason": "another"}, headers=key), 422)
    assert "champion already" in is_problem(client.post(PROMOTE, json={**body, "version": "2"}), 409)["detail"]

    back = client.post(ROLLBACK, json={"reason": "false alarms"}).json()
    assert (back["kind"], back["number"]) == ("rollback", 1)
    assert registered(desk.settings.mlflow_uri).aliases == back["after"] == move["before"]
    _takes_up(desk, "breach v1")
    nothing_left = is_problem(client.post(ROLLBACK, json={"reason": "and further"}), 422)
    assert "Nothing was changed: breach v1 was the first champion" in nothing_left["detail"]
    entries = desk.client(Role.ADMIN).get("/api/v1/audit?action=job asked for").json()["entries"]
    assert [entry["after"]["kind"] for entry in entries] == ["rollback", "rollback", "promote"]
    assert entries[-1]["after"]["arguments"] == {"name": "breach", "number": 2, "reason": body["reason"]}


def _takes_up(desk: Desk, version: str) -> None:
    """Asserts that the service soon looked at that version. It refuses it: its features are made up, so nobody can serve it."""
    for _ in range(400):
        if (desk.service.model_problem() or "").startswith(f"{version} was refused: it reads features that"):
            break
        time.sleep(0.05)
    desk.service.ticker.step()
    assert desk.service.standing.problem is None
    queue = desk.service.standing.queue
    assert queue is not None
    assert version in str(queue.rules_only_reason)


def test_a_bundle_that_cannot_be_loaded_is_refused_and_the_old_one_stays(desk: Desk, tmp_path: Path) -> None:
    from models.registry import bundle_folder

    folder = bundle_folder(desk.settings.mlflow_uri, "breach", 2)
    hidden = folder.rename(tmp_path / "hidden")
    try:
        answer = desk.client(Role.ADMIN).post(PROMOTE, json={"version": "v2", "reason": "now", "overrule_gate": True})
        assert "its bundle is not at" in is_problem(answer, 422)["detail"]
        assert registered(desk.settings.mlflow_uri).aliases["champion"] == 1
    finally:
        hidden.rename(folder)


@pytest.mark.parametrize(
    ("path", "body", "status", "says"),
    [
        (PROMOTE, {"version": "v9", "reason": "because"}, 422, "no version 'v9'"),
        (PROMOTE, {"version": "--help", "reason": "because"}, 422, "no version '--help'"),
        (PROMOTE, {"version": "v2"}, 422, "1 fault"),
        (PROMOTE, {"version": "v2", "reason": " "}, 422, "1 fault"),
        ("/api/v1/models/nothing/promote", {"version": "1", "reason": "because"}, 404, "no such model"),
        ("/api/v1/models/nothing/rollback", {"reason": "because"}, 404, "no such model"),
        ("/api/v1/models/--by/rollback", {"reason": "because"}, 422, "1 fault"),
    ],
)
def test_what_cannot_be_promoted_is_refused_in_words(
    desk: Desk, path: str, body: dict[str, Any], status: int, says: str
) -> None:
    assert says in is_problem(desk.client(Role.SCIENTIST).post(path, json=body), status)["detail"]


def test_a_registry_that_is_away_is_a_503(prepared_desk: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.db").write_bytes(b"no database at all" * 1000)
    found = Desk(prepared_desk, tmp_path, mlflow_uri=f"sqlite:///{tmp_path / 'broken.db'}")
    try:
        is_problem(found.client().post(PROMOTE, json={"version": "1", "reason": "because"}), 503)
    finally:
        found.close()


def test_what_takes_long_is_answered_with_the_job_to_watch(
    prepared_desk: Path, two_versions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(promotions, "PATIENCE_SECONDS", 0.1)
    found = Desk(prepared_desk, tmp_path, mlflow_uri=f"sqlite:///{two_versions / 'mlflow.db'}", jobs_at_once=0)
    try:
        answer = found.client().post(ROLLBACK, json={"reason": "nobody does it"})
        assert (answer.status_code, answer.json()["state"], answer.json()["kind"]) == (202, "waiting", "rollback")
        assert answer.headers["Location"] == f"/api/v1/jobs/{answer.json()['job_id']}"
    finally:
        found.close()
