"""A run says which code and which libraries made it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from training.provenance import ROOT, code_fingerprint, code_version, environment_text


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=Dana", "-c", "user.email=dana@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *who, *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_code_version_is_the_commit_that_is_checked_out_however_git_keeps_it(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "first")
    first = git(tmp_path, "rev-parse", "HEAD")
    assert code_version(tmp_path) == first
    git(tmp_path, "pack-refs", "--all")
    assert code_version(tmp_path) == first
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "second")
    assert code_version(tmp_path) == git(tmp_path, "rev-parse", "HEAD") != first
    git(tmp_path, "checkout", "-q", first)
    assert code_version(tmp_path) == first


def test_without_a_repository_the_packages_version_stands_for_the_code(tmp_path: Path) -> None:
    assert code_version(tmp_path).startswith(("slacast ", "unknown"))


def test_one_changed_character_of_code_changes_its_fingerprint(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    file = tmp_path / "models" / "rules.py"
    file.write_text("a = 1\n", encoding="utf-8")
    before = code_fingerprint(tmp_path)
    file.write_text("a = 2\n", encoding="utf-8")
    assert code_fingerprint(tmp_path) != before
    file.write_text("a = 1\n", encoding="utf-8")
    assert code_fingerprint(tmp_path) == before


def test_the_environment_names_python_and_libraries_and_nothing_of_the_machine() -> None:
    text = environment_text()
    told = json.loads(text)
    assert told["libraries"]["lightgbm"]
    assert told["python"].count(".") == 2
    assert str(ROOT) not in text
