"""What keeps how services stand: which model answers, a bad one refused, an untouched share, and when it is made anew."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from features.store import StoreError
from models.outage import OutageModelError
from models.registry import RegistryAnswer
from serving.services import keeper as keeping
from serving.services.keeper import Champion
from serving.services.making import Answering, make_basis
from serving.services.untouched import is_untouched
from sla.agreements.loading import parse_agreements
from tests.serving.real_desk import AT
from tests.serving.service_builders import CATALOGUE, built, keeper_of, year_of_services

MODEL: Any = object()
FOUND = RegistryAnswer(Path("bundle"), "outage v2", 2, "outage v2 is served")
NONE = RegistryAnswer(None, None, None, "no model 'outage' yet")
GONE = RegistryAnswer(None, None, None, "MLflow cannot be reached", is_reachable=False)


def champion(answer: RegistryAnswer, load: Any = lambda _path: MODEL) -> Champion:
    return Champion("uri", "outage", Path("downloads"), ask=lambda *_a, **_k: answer, load=load)


def refused(_path: Path) -> Any:
    raise OutageModelError("it was altered")


def test_a_new_champion_is_loaded_and_one_that_is_served_already_is_not_loaded_again() -> None:
    loaded = champion(FOUND).found(Answering())
    assert (loaded.model, loaded.version, loaded.why_none) == (MODEL, "outage v2", None)
    assert champion(FOUND, refused).found(loaded) is loaded


@pytest.mark.parametrize(("answer", "load"), [(GONE, None), (FOUND, refused)])
def test_the_last_good_one_stays_while_the_registry_or_the_next_one_is_bad(answer: RegistryAnswer, load: Any) -> None:
    before = Answering(MODEL, "outage v1", None)
    assert champion(answer, load).found(before) is before
    assert champion(answer, load).found(Answering()).model is None


def test_a_champion_that_was_taken_away_leaves_the_rule_and_its_reason() -> None:
    found = champion(NONE).found(Answering(MODEL, "outage v1", None))
    assert (found.model, found.version, found.why_none) == (None, None, "no model 'outage' yet")


def test_the_untouched_share_is_a_share_and_everyone_gets_the_same_answer() -> None:
    asked = [(f"s{number}", AT + timedelta(days=day)) for number in range(100) for day in range(30)]
    share = sum(is_untouched(*one, 0.2) for one in asked) / len(asked)
    assert share == pytest.approx(0.2, abs=0.03)
    assert not any(is_untouched(*one, 0.0) for one in asked)
    midnight = AT.replace(hour=0, minute=0)
    assert {is_untouched("s1", midnight + timedelta(hours=hour), 0.5) for hour in range(24)} in ({True}, {False})


def test_a_board_says_who_is_left_alone() -> None:
    def board(share: float) -> list[bool]:
        agreements = parse_agreements(CATALOGUE)
        found = make_basis(year_of_services(), None, agreements, AT, Answering(), untouched_share=share).board
        return [one.risk.is_untouched for one in found.services if one.risk]

    assert not any(board(0.0))
    names = [name for name in ("Mail", "ERP") if is_untouched(name, AT, 0.5)]
    assert sum(board(0.5)) == len(names)


def test_what_is_recorded_later_changes_no_board_of_before() -> None:
    events = year_of_services()
    agreements, at = parse_agreements(CATALOGUE), AT - timedelta(days=40)
    whole = make_basis(events, None, agreements, at, Answering())
    known = make_basis(events[events["recorded_at"] <= at], None, agreements, at, Answering())
    assert whole.board == known.board


def test_it_is_made_anew_when_its_time_has_come_and_on_news_after_a_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = built(tmp_path)
    keeper, steady = keeper_of(service), iter([0.0, 2.0])  # a making of two seconds
    monkeypatch.setattr(keeping, "time", SimpleNamespace(monotonic=lambda: next(steady)))
    assert keeper.step()

    def is_due(at_seconds: float) -> bool:
        monkeypatch.setattr(keeping, "time", SimpleNamespace(monotonic=lambda: at_seconds))
        return keeper.is_due()

    assert [is_due(22.1), is_due(301.9), is_due(302.0)] == [False, False, True]
    service.written().append_service_events(year_of_services(), "test")
    assert [is_due(21.9), is_due(22.1)] == [False, True]
    keeper._memory.read_news()
    assert not is_due(22.1)
    keeper._agreements = lambda: parse_agreements(CATALOGUE)
    assert is_due(22.1)
    service.close()


def test_a_store_that_is_gone_is_said_once_and_the_background_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    service = built(tmp_path)
    keeper, asked = keeper_of(service), threading.Semaphore(0)
    monkeypatch.setattr(keeping, "LOOK_SECONDS", 0.001)
    keeper._next_seconds, keeper._rest_until = float("inf"), 0.0
    keeper._is_ready = lambda: True

    def gone() -> bool:
        asked.release()
        raise StoreError("the database is away")

    monkeypatch.setattr(keeper._memory, "has_news", gone)
    keeper.start()
    try:
        assert all(asked.acquire(timeout=30) for _ in range(4))
    finally:
        keeper.stop()
    assert caplog.text.count("StoreError: the database is away\n") == 2  # the sentence, and the end of its traceback
    service.close()


def test_a_model_that_fails_in_any_way_leaves_the_last_good_board_which_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = keeper_of(built(tmp_path))
    assert keeper.step()
    good = keeper.board

    def broken(*_how: Any, **_more: Any) -> Any:
        raise ArithmeticError("the trees ask for a column that is not there")

    monkeypatch.setattr(keeping, "make_basis", broken)
    assert not keeper.step()
    kept = keeper.board
    assert good is not None
    assert kept is not None
    assert "ArithmeticError: the trees ask for a column" in str(kept.problem)
    assert kept.services == good.services
    monkeypatch.undo()
    assert keeper.step()
    assert keeper.board is not None
    assert keeper.board.problem is None
