"""Which code and which libraries trained a model: enough to train it again."""

from __future__ import annotations

import hashlib
import json
import platform
from importlib.metadata import PackageNotFoundError, distributions, version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FLOORS = ("sla", "features", "models", "training")


def code_version(root: Path = ROOT) -> str:
    """The commit that is checked out, where the code lies in a Git repository; else the version of the installed package."""
    commit = _commit(root / ".git")
    if commit:
        return commit
    try:
        return f"slacast {version('slacast')}"
    except PackageNotFoundError:
        return "unknown"


def code_fingerprint(root: Path = ROOT) -> str:
    """Sixteen hexadecimal digits for the code that trains, as it lies there: a commit says nothing of changes since."""
    digest = hashlib.sha256()
    for floor in FLOORS:
        for file in sorted((root / floor).rglob("*.py")):
            digest.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def provenance_tags() -> dict[str, str]:
    """What is written on a run and on a registered version."""
    return {"code_version": code_version(), "code_fingerprint": code_fingerprint()}


def environment_text() -> str:
    """The interpreter, the machine's kind, and every installed library with its version, as JSON; no path and no name of the machine."""
    installed = {(one.metadata["Name"] or "").lower(): one.version for one in distributions()}
    told = {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": f"{platform.system()} {platform.machine()}",
        "libraries": dict(sorted((name, number) for name, number in installed.items() if name)),
    }
    return json.dumps(told, indent=1) + "\n"


def _commit(git: Path) -> str | None:
    """The commit of HEAD, read from the repository's files: no program is started. None where that is no plain repository."""
    try:
        head = (git / "HEAD").read_text(encoding="utf-8").strip()
        if not head.startswith("ref: "):
            return head or None
        name = head.removeprefix("ref: ")
        loose = git / name
        if loose.is_file():
            return loose.read_text(encoding="utf-8").strip()
        packed = (git / "packed-refs").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((line.split()[0] for line in packed if line.endswith(f" {name}")), None)
