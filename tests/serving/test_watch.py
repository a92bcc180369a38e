"""What may change beside the events, looked at in the background."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from features.store import open_store
from models.bundle import load_bundle, save_bundle
from models.registry import RegistryAnswer
from serving.agreements_watch import AgreementsWatch
from serving.champion import Champion, LastGood
from serving.settings import Settings
from serving.watch import GRACE_SECONDS, Watch
from serving.workplace import build_service
from tests.serving.real_desk import AGREEMENTS, AT, agreements, fitted_bundle, random_events

EVENTS = random_events(40)
GONE = RegistryAnswer(None, None, None, "MLflow cannot be asked.", is_reachable=False)


@pytest.fixture(scope="module")
def bundle_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle")
    save_bundle(folder, fitted_bundle(EVENTS))
    return folder


def test_a_change_is_taken_once_and_a_look_that_fails_hides_no_other(caplog: pytest.LogCaptureFixture) -> None:
    answers = [True, False, False]

    def fails() -> bool:
        raise OSError("no answer")

    watch = Watch([fails, lambda: answers.pop(0)], 0.0)
    assert [watch.take(), watch.take(), watch.take()] == [True, False, False]
    assert "no answer" in caplog.text


def test_a_registry_that_does_not_answer_holds_up_nobody() -> None:
    asked, answers = threading.Event(), threading.Event()

    def slow() -> bool:
        asked.set()
        answers.wait(60)
        return True

    watch = Watch([slow], 3600)
    watch.start()
    try:
        assert asked.wait(30)
        assert watch.take() is False  # at once, though the look is not over
    finally:
        answers.set()
        watch.stop()


@pytest.mark.parametrize("can_go_on", [True, False, None])
def test_what_there_is_to_go_on_with_is_taken_before_anybody_is_asked(can_go_on: bool | None) -> None:
    """A thread that is not started does the same turns."""
    done: list[str] = []

    def begin() -> bool:
        done.append("begun")
        return bool(can_go_on)

    def look() -> bool:
        done.append("looked")
        return False

    watch = Watch([look], 60, None if can_go_on is None else begin)
    rests = []
    for _ in range(3):
        watch._turn()
        rests.append(watch._rest_seconds())
    assert done == [*["begun"] * (can_go_on is not None), *["looked"] * (2 if can_go_on else 3)]
    assert rests == ([GRACE_SECONDS, 60, 60] if can_go_on else [60] * 3)
    assert watch._changed.is_set() is bool(can_go_on)
    hasty = Watch([look], GRACE_SECONDS / 2, begin)
    assert hasty._rest_seconds() == GRACE_SECONDS / 2


def test_new_agreements_are_taken_and_unreadable_ones_refused_in_words() -> None:
    newest = [AGREEMENTS]
    watch = AgreementsWatch(agreements(), lambda: newest[0])
    first = watch.agreements
    assert watch.look() is False
    newest[0] = "slacast: 1\nagreements: [{name: Desk}]\n"
    assert watch.look() is False
    assert watch.agreements is first
    assert "The newest agreements were refused" in str(watch.problem)
    newest[0] = AGREEMENTS.replace("40 h", "41 h")
    assert watch.look() is True
    assert watch.agreements is not first
    assert watch.problem is None


def test_agreements_imported_while_it_runs_judge_the_next_queue(prepared_desk: Path, tmp_path: Path) -> None:
    (tmp_path / "desk.db").write_bytes(prepared_desk.read_bytes())
    settings = Settings(
        database_url=f"sqlite:///{tmp_path}/desk.db", use_model=False, var_dir=tmp_path, model_poll_seconds=0.1
    )
    service = build_service(settings, lambda: AT, None)
    service.ticker.step()
    with open_store(settings.database_url) as store:
        store.save_agreements(AGREEMENTS.replace("within: 40 h", "within: 44 h"), AT)
    assert service.watch is not None
    service.watch._next_look = 0.0
    assert service.ticker.step() is True
    queue = service.ticker.standing.queue
    assert queue is not None
    assert {row.clock.target_seconds for row in queue.rows if row.priority == "3"} == {44 * 3600.0}
    service.close()


def champion(answer: RegistryAnswer, folder: Path, **values: Any) -> tuple[Champion, list[RegistryAnswer]]:
    answers = [answer]
    found = Champion("x", "breach", folder, ask=lambda *_given, **_named: answers[-1], **values)
    return found, answers


def test_after_a_start_without_mlflow_the_bundle_served_last_is_served_and_the_page_says_why(
    bundle_folder: Path, tmp_path: Path
) -> None:
    last_good = LastGood(tmp_path / "var" / "served.json")
    first, _ = champion(
        RegistryAnswer(bundle_folder, "breach v1", 1, "breach v1 is served"), tmp_path, last_good=last_good
    )
    first.poll()
    second, answers = champion(GONE, tmp_path, last_good=last_good)
    assert second.poll() is True
    assert second.bundle is not None
    assert (second.bundle.version, second.problem) == ("breach v1", GONE.why)
    assert second.poll() is False
    answers.append(RegistryAnswer(bundle_folder, "breach v1", 1, "breach v1 is served"))
    assert second.poll() is False  # the same bundle: only the problem is over
    assert second.problem is None


@pytest.mark.parametrize(
    ("answer", "version", "is_the_same"),
    [
        (RegistryAnswer(Path(), "breach v1", 1, "breach v1 is served"), "breach v1", True),
        (RegistryAnswer(Path(), "breach v2", 2, "breach v2 is served"), "breach v2", False),
        (RegistryAnswer(None, None, None, "no champion"), None, False),
    ],
)
def test_after_a_start_the_bundle_served_last_is_served_until_the_registry_has_answered(
    answer: RegistryAnswer, version: str | None, is_the_same: bool, bundle_folder: Path, tmp_path: Path
) -> None:
    last_good = LastGood(tmp_path / "served.json")
    last_good.keep(bundle_folder, "breach v1")
    before: list[tuple[Any, Any]] = []

    def ask(*_given: Any, **_named: Any) -> RegistryAnswer:
        before.append((found.bundle, [found.says_of(one) for one in ("breach v1", "breach v2", None)]))
        return replace(answer, path=answer.path and bundle_folder)

    found = Champion("x", "breach", tmp_path, ask=ask, last_good=last_good)
    assert found.recall() is True
    assert found.poll() is not is_the_same
    ((recalled, said),) = before
    assert (recalled.version, said) == ("breach v1", [None, None, None])
    assert (found.bundle is recalled) is is_the_same
    assert (found.bundle.version if found.bundle else None, found.problem) == (version, None)
    assert [found.says_of(one) for one in ("breach v1", "breach v2", None)] == [
        one == version for one in ("breach v1", "breach v2", None)
    ]


@pytest.mark.parametrize("written", ["", "{}", '{"path": "/nowhere", "version": "breach v9"}'])
def test_a_note_of_the_last_bundle_that_leads_nowhere_leaves_the_rules(written: str, tmp_path: Path) -> None:
    (tmp_path / "served.json").write_text(written, encoding="utf-8")
    found, _ = champion(GONE, tmp_path, last_good=LastGood(tmp_path / "served.json"))
    assert found.poll() is False
    assert found.bundle is None
    assert found.why == "Rules only: no model is loaded (MLflow cannot be asked)"


@pytest.mark.parametrize("fault", [KeyError("members"), RuntimeError("truncated"), MemoryError()])
def test_a_bundle_that_fails_in_any_way_is_refused_and_read_again_when_it_may_be_whole(
    fault: Exception, bundle_folder: Path, tmp_path: Path
) -> None:
    faults = [fault, None]

    def load(path: Path, version: str) -> Any:
        if (found := faults.pop(0)) is not None:
            raise found
        return load_bundle(path, version=version)

    found, _ = champion(RegistryAnswer(bundle_folder, "breach v2", 2, "breach v2 is served"), tmp_path, load=load)
    assert found.poll() is False
    assert "breach v2 was refused" in str(found.problem)
    assert found.poll() is True
    assert found.problem is None


def test_files_that_are_gone_from_the_registry_leave_the_good_bundle_served(
    bundle_folder: Path, tmp_path: Path
) -> None:
    found, answers = champion(RegistryAnswer(bundle_folder, "breach v1", 1, "breach v1 is served"), tmp_path)
    found.poll()
    answers.append(RegistryAnswer(None, "breach v2", 2, "breach v2 is registered, but its bundle is not there."))
    assert found.poll() is False
    assert found.bundle is not None
    assert "its bundle is not there" in str(found.problem)


def test_the_background_is_over_when_it_is_stopped() -> None:
    watch, others = (
        Watch([lambda: False], 3600),
        set(threading.enumerate()),
    )  # a service of another test may still be ending
    watch.start()
    assert any(thread.name == "slacast-watch" for thread in set(threading.enumerate()) - others)
    watch.stop()
    assert not any(thread.name == "slacast-watch" for thread in set(threading.enumerate()) - others)
