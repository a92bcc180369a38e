"""The house stays as the design page draws it: a new folder or package is a decision, not an accident."""

import ast
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FLOORS = {"sla", "features", "simulation", "models", "training", "serving"}
PACKAGES = FLOORS | {"commands"}
FOLDERS = PACKAGES | {".ci", "benchmarks", "deploy", "docs", "examples", "notebooks", "tests"}
FILES = {
    ".gitignore",
    ".importlinter",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "pyproject.toml",
    "requirements-dev.txt",
    "requirements.txt",
    "slacast.py",
}


def _tracked() -> list[Path]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [Path(name) for name in listing.split("\0") if name and (ROOT / name).exists()]


def _imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module)
    return names


def test_every_top_level_folder_is_one_the_house_knows():
    assert {path.parts[0] for path in _tracked() if len(path.parts) > 1} == FOLDERS


def test_every_top_level_file_is_one_the_house_knows():
    assert {path.name for path in _tracked() if len(path.parts) == 1} == FILES


def test_every_package_is_built_into_the_application():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    built = set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    found = {path.parts[0] for path in _tracked() if path.name == "__init__.py" and len(path.parts) == 2}
    assert built == PACKAGES | {"slacast.py"}
    assert found - {"benchmarks"} == PACKAGES


def test_every_folder_of_a_package_that_holds_code_is_a_package():
    folders = {path.parent for path in _tracked() if path.suffix == ".py" and path.parts[0] in PACKAGES}
    assert [str(folder) for folder in sorted(folders) if not (ROOT / folder / "__init__.py").exists()] == []


def test_no_floor_imports_the_roof():
    offenders = [
        str(path)
        for path in _tracked()
        if path.suffix == ".py"
        and path.parts[0] in FLOORS
        and {"slacast", "commands"} & {name.split(".")[0] for name in _imports(ROOT / path)}
    ]
    assert offenders == []


def test_modules_are_nouns_and_not_drawers():
    drawers = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "base"}
    assert [str(path) for path in _tracked() if path.suffix == ".py" and path.stem in drawers] == []


def _asks_the_time(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"now", "utcnow", "today"}
    )


def test_below_the_edge_nobody_asks_what_time_it_is():
    """The instant is passed in: no call of now(), utcnow() or today() in the floors that compute."""
    computing = [
        path
        for path in _tracked()
        if path.suffix == ".py" and path.parts[0] in {"sla", "features", "models", "simulation"}
    ]
    assert [
        f"{path}:{node.lineno}"
        for path in computing
        for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8")))
        if _asks_the_time(node)
    ] == []
