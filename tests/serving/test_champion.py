"""Which bundle is served: loaded once, swapped for the next, kept where the next is bad or nobody can be asked."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from models.bundle import save_bundle
from models.registry import RegistryAnswer
from serving.champion import Champion
from tests.serving.real_desk import fitted_bundle, random_events

EVENTS = random_events(40)


@pytest.fixture(scope="module")
def bundle_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle")
    save_bundle(folder, fitted_bundle(EVENTS))
    return folder


class Registry:
    """A registry that answers what it is told to."""

    def __init__(self, answer: RegistryAnswer) -> None:
        self.answer = answer

    def __call__(self, uri: str, name: str, download_to: Path) -> RegistryAnswer:
        return self.answer


NONE = RegistryAnswer(None, None, None, "no model 'breach' carries the alias yet.")
GONE = RegistryAnswer(None, None, None, "MLflow cannot be asked.", is_reachable=False)


def test_a_champion_is_loaded_once_and_swapped_when_another_takes_its_place(
    bundle_folder: Path, tmp_path: Path
) -> None:
    registry = Registry(RegistryAnswer(bundle_folder, "breach v1", 1, "breach v1 is served"))
    champion = Champion("x", "breach", tmp_path, ask=registry)
    assert [champion.poll(), champion.poll()] == [True, False]
    registry.answer = replace(registry.answer, version="breach v2", number=2)
    assert champion.poll() is True
    assert champion.bundle is not None
    assert champion.bundle.version == "breach v2"


def test_a_bad_bundle_is_refused_and_the_good_one_stays(
    bundle_folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    registry = Registry(RegistryAnswer(bundle_folder, "breach v1", 1, "breach v1 is served"))
    champion = Champion("x", "breach", tmp_path, ask=registry)
    champion.poll()
    registry.answer = RegistryAnswer(tmp_path, "breach v2", 2, "breach v2 is served")
    assert [champion.poll(), champion.poll()] == [False, False]
    assert champion.bundle is not None
    assert champion.bundle.version == "breach v1"
    assert champion.problem is not None
    assert "breach v2 was refused" in champion.problem
    assert (
        len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 1
    )  # said once, not at every poll


def test_mlflow_gone_keeps_the_last_good_bundle_and_no_champion_takes_it_away(
    bundle_folder: Path, tmp_path: Path
) -> None:
    registry = Registry(GONE)
    champion = Champion("x", "breach", tmp_path, ask=registry)
    assert champion.poll() is False
    assert champion.why == "Rules only: no model is loaded (MLflow cannot be asked)"
    registry.answer = RegistryAnswer(bundle_folder, "breach v1", 1, "breach v1 is served")
    assert champion.poll() is True
    registry.answer = GONE
    assert champion.poll() is False
    assert champion.bundle is not None
    assert champion.problem == GONE.why
    registry.answer = NONE
    assert champion.poll() is True
    assert champion.bundle is None
    assert champion.problem is None
