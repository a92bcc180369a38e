"""What is built is whole, pinned, and names no machine and no index."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ("requirements.txt", "requirements-dev.txt")


def _pins(name: str) -> dict[str, str]:
    return dict(
        re.findall(
            r"^([a-z0-9][a-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)",
            (ROOT / name).read_text(encoding="utf-8"),
            re.MULTILINE,
        )
    )


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_every_pinned_requirement_carries_hashes(name):
    entries = re.split(r"\n(?=[a-z0-9])", (ROOT / name).read_text(encoding="utf-8").strip())
    assert len(entries) > 50
    assert [entry.split("\n")[0] for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_requirements_name_no_index(name):
    assert (
        re.search(r"https?://|file:|--(extra-)?index-url|--find-links", (ROOT / name).read_text(encoding="utf-8"))
        is None
    )


def test_the_project_pins_what_the_requirements_hold():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = list(project["dependencies"]) + [
        line for lines in project["optional-dependencies"].values() for line in lines
    ]
    pins = {_normal(key): value for key, value in _pins("requirements-dev.txt").items()}
    for line in wanted:
        name, _, version = re.sub(r"\[[^\]]*\]", "", line).partition("==")
        assert version, f"{line} is not pinned exactly"
        assert pins[_normal(name)] == version, line


def test_what_runs_is_a_part_of_what_is_tested():
    assert _pins("requirements.txt").items() <= _pins("requirements-dev.txt").items()


def test_a_built_wheel_holds_every_file_of_the_packages(tmp_path):
    """Templates, style sheets and migrations travel with the code."""
    env = {**os.environ, "SOURCE_DATE_EPOCH": "1577836800"}
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        env=env,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    inside = set(zipfile.ZipFile(wheel).namelist())
    listing = subprocess.run(
        [
            "git",
            "ls-files",
            "-z",
            "--",
            "sla",
            "features",
            "simulation",
            "models",
            "training",
            "serving",
            "commands",
            "slacast.py",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    tracked = {name for name in listing.stdout.split("\0") if name and (ROOT / name).exists()}
    assert tracked - inside == set()


def test_no_tracked_file_names_a_package_index_or_a_home_folder():
    pattern = r"(--(extra-)?index-url[ =]+http|https?://[^ \"]*\.(whl|tar\.gz)\b|/home/[a-z]+/|[/]root/)"
    found = subprocess.run(
        ["git", "grep", "-nIE", pattern, "--", ".", ":!tests/house"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.stdout == ""
