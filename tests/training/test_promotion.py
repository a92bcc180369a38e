"""Who is champion: every move is written down, and going back is the exact inverse of going on."""

from __future__ import annotations

import shutil
import warnings
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.registry import challenger, champion, quiet_mlflow, registered
from models.versions import RegistryError
from training.promotion import keep_as_challenger, promote, rollback

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:sqlalchemy.exc.SADeprecationWarning")
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def client(tracking_uri: str):
    return quiet_mlflow().MlflowClient(tracking_uri, tracking_uri)


def with_versions(tracking_uri: str, count: int, folder: Path) -> str:
    """A registry with versions of no content: the aliases do not look inside."""
    mlflow = client(tracking_uri)
    mlflow.create_registered_model("breach")
    for _ in range(count):
        mlflow.create_model_version("breach", str(folder / "nothing"))
    return tracking_uri


@pytest.fixture
def three(tracking_uri: str, tmp_path: Path) -> str:
    return with_versions(tracking_uri, 3, tmp_path)


def aliases(tracking_uri: str) -> dict[str, int]:
    return dict(registered(tracking_uri).aliases)


def test_the_champion_before_is_previous_and_a_promoted_challenger_challenges_no_more(three: str) -> None:
    promote(three, "breach", 1)
    keep_as_challenger(three, "breach", 2, "not clearly better")
    assert aliases(three) == {"champion": 1, "challenger": 2}
    promote(three, "breach", 2)
    assert aliases(three) == {"champion": 2, "previous": 1}


def test_who_promoted_when_and_why_is_written_down(three: str) -> None:
    promote(three, "breach", 1)
    promote(three, "breach", 2, reason="it knows the new team", by="dana", at=NOON)
    found = registered(three)
    assert found.promotions[2].by == "dana"
    assert found.promotions[2].at == NOON
    assert found.promotions[2].before == {"champion": 1}
    assert found.find("champion").tags["promoted_because"] == "it knows the new team"
    rollback(three, "breach", reason="the new team was dissolved", by="erik", at=NOON)
    assert registered(three).find("2").tags["rolled_back_because"] == "the new team was dissolved"
    assert [entry.kind for entry in registered(three).promotions.values()] == ["promotion", "promotion", "rollback"]


def test_a_rollback_goes_back_one_promotion_further_each_time(three: str) -> None:
    states = []
    for number in (1, 2, 3):
        promote(three, "breach", number)
        states.append(aliases(three))
    assert rollback(three, "breach").number == 2
    assert aliases(three) == states[1]
    assert rollback(three, "breach").number == 1
    assert aliases(three) == states[0]
    with pytest.raises(RegistryError, match="first champion: there is no previous one"):
        rollback(three, "breach")
    assert aliases(three) == states[0]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=st.lists(st.sampled_from(["1", "2", "3", "4", "back"]), min_size=1, max_size=7))
def test_whatever_came_before_a_rollback_undoes_the_promotion_exactly(
    moves: list[str], migrated_database: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Against a plain list of states, which is the whole truth of an undo."""
    folder = tmp_path_factory.mktemp("moves")
    shutil.copyfile(migrated_database, folder / "mlflow.db")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        uri = with_versions(f"sqlite:///{folder / 'mlflow.db'}", 4, folder)
        past: list[dict[str, int]] = [{}]
        for move in moves:
            if move == "back" and len(past) > 2:
                rollback(uri, "breach")
                past.pop()
            elif move == "back" or past[-1].get("champion") == int(move):
                with pytest.raises(RegistryError):
                    rollback(uri, "breach") if move == "back" else promote(uri, "breach", int(move))
            else:
                promote(uri, "breach", int(move))
                past.append(aliases(uri))
            assert aliases(uri) == past[-1]


def test_a_rollback_leaves_a_newer_challenger_alone_and_gives_a_promoted_one_back(three: str) -> None:
    promote(three, "breach", 1)
    keep_as_challenger(three, "breach", 2, "thin evidence")
    promote(three, "breach", 2)
    rollback(three, "breach")
    assert aliases(three) == {"champion": 1, "challenger": 2}
    promote(three, "breach", 2)
    keep_as_challenger(three, "breach", 3, "worse")
    rollback(three, "breach")
    assert aliases(three) == {"champion": 1, "challenger": 3}


def test_aliases_from_before_there_was_a_log_are_swapped_back(three: str) -> None:
    client(three).set_registered_model_alias("breach", "champion", "2")
    client(three).set_registered_model_alias("breach", "previous", "1")
    assert rollback(three, "breach").number == 1
    assert aliases(three) == {"champion": 1}


def test_an_alias_that_somebody_else_moved_is_not_guessed_about(three: str) -> None:
    promote(three, "breach", 1)
    promote(three, "breach", 2)
    client(three).set_registered_model_alias("breach", "champion", "3")
    with pytest.raises(RegistryError, match=r"made breach v2 champion, but v3 is it now.*slacast models promote"):
        rollback(three, "breach")
    assert aliases(three)["champion"] == 3


@pytest.mark.parametrize("number", [0, 4, 99])
def test_a_version_that_does_not_exist_is_refused_with_those_that_do(three: str, number: int) -> None:
    with pytest.raises(RegistryError, match=f"breach has no version '{number}'. Versions: v3, v2, v1"):
        promote(three, "breach", number)
    assert aliases(three) == {}


def test_the_champion_is_not_promoted_twice(three: str) -> None:
    promote(three, "breach", 1)
    with pytest.raises(RegistryError, match="the champion already"):
        promote(three, "breach", 1)


def test_a_model_nobody_trained_has_nothing_to_promote(tracking_uri: str) -> None:
    with pytest.raises(RegistryError, match="no such model or version of 'breach'"):
        promote(tracking_uri, "breach", 1)


def test_the_challenger_is_read_as_the_champion_is(three: str) -> None:
    assert "no model 'breach' carries the alias 'challenger'" in challenger(three).why
    keep_as_challenger(three, "breach", 2, "thin evidence")
    answer = challenger(three)
    assert (answer.path, answer.version) == (None, "breach v2")
    assert "its bundle is not at" in answer.why  # registered, but without files
    assert champion(three).version is None
