"""Where bundles lie: one folder a digest, whole or not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.registration import StoredBundle, store_bundle


def _save(folder: Path, text: str, digest: str) -> str:
    folder.mkdir()
    (folder / "model.txt").write_text(text)
    return digest


def test_equal_trainings_meet_in_one_folder_and_the_first_stays(tmp_path: Path) -> None:
    digest = "0123456789abcdef"
    stored = store_bundle(tmp_path, "volume", lambda folder: _save(folder, "first", digest))
    again = store_bundle(tmp_path, "volume", lambda folder: _save(folder, "second", digest))
    assert stored == again == StoredBundle(tmp_path / "bundles" / "volume-0123456789ab", digest)
    assert (stored.folder / "model.txt").read_text() == "first"
    assert [one.name for one in (tmp_path / "bundles").iterdir()] == ["volume-0123456789ab"]


def test_an_interrupted_training_leaves_no_bundle(tmp_path: Path) -> None:
    def interrupted(folder: Path) -> str:
        _save(folder, "half", "")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store_bundle(tmp_path, "volume", interrupted)
    assert list((tmp_path / "bundles").iterdir()) == []
