"""What is in deploy/ fits what it starts: commands that exist with those options, folders that exist, settings that are ours."""

import re
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest
import yaml

from serving.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
SETTINGS = {f"SLACAST_{name.upper()}" for name in Settings.model_fields}
BIN = Path(sysconfig.get_path("scripts"))


def compose() -> dict[str, Any]:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))


def instructions() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile with their arguments, continued lines joined."""
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split()[0], line.partition(" ")[2].strip()) for line in lines]


def our_commands() -> list[list[str]]:
    """Every command line of slacast that is started."""
    services = [one["command"] for one in compose()["services"].values() if one.get("image") == "slacast" and "entrypoint" not in one]  # fmt: skip
    unit = re.findall(r"^ExecStart(?:Pre)?=\S+/slacast (.*)$", (DEPLOY / "slacast.service").read_text(), re.MULTILINE)
    image = [yaml.safe_load(given) for name, given in instructions() if name == "CMD"]
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    said = [shlex.split(line)[1:] for line in re.findall(r"^slacast .*$", page, re.MULTILINE)]
    return [*services, *(shlex.split(line) for line in unit), *image, *said]


@pytest.mark.parametrize("words", our_commands(), ids=" ".join)
def test_every_command_that_is_started_exists_with_its_options(words: list[str]):
    from docs.generate import single_commands

    command = single_commands()[words[0]]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known


def test_the_commands_run_without_a_container():
    done = subprocess.run([sys.executable, "slacast.py", "migrate", "--help"], cwd=ROOT, capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0
    assert "--store" in done.stdout


def test_mlflow_knows_the_options_it_is_started_with():
    server = compose()["services"]["mlflow"]
    done = subprocess.run([BIN / "mlflow", "server", "--help"], capture_output=True, text=True, check=True)
    assert server["entrypoint"] == ["mlflow"]
    assert not [word for word in server["command"] if word.startswith("--") and word not in done.stdout]
    assert server["environment"]["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"
    assert server["command"][server["command"].index("--workers") + 1] == "1"


def test_every_setting_that_is_given_is_one_of_ours():
    given = {name for one in compose()["services"].values() for name in one.get("environment", {})}
    unit = re.findall(r"(SLACAST_[A-Z_]+)=", (DEPLOY / "slacast.service").read_text(encoding="utf-8"))
    image = re.findall(r"(SLACAST_[A-Z_]+)=", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"))
    ours = {name for name in (*given, *unit, *image) if name.startswith("SLACAST_")}
    assert ours
    assert ours <= SETTINGS


def test_services_volumes_and_dependencies_are_there():
    found = compose()
    services = found["services"]
    for one in services.values():
        assert set(one.get("depends_on", {})) <= set(services)
        named = {volume.partition(":")[0] for volume in one.get("volumes", [])}
        assert {name for name in named if not name.startswith((".", "/"))} <= set(found["volumes"])
    assert services["slacast"]["ports"] == ["127.0.0.1:8000:8000"]  # TLS ends before it


def test_what_the_image_copies_exists_and_is_all_that_the_application_is_built_of():
    import tomllib

    copied = {word for name, given in instructions() if name == "COPY" for word in given.split()[:-1]}
    assert [name for name in copied if not (ROOT / name).exists()] == []
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) <= copied


def test_the_image_runs_as_a_user_of_its_own_from_a_named_version():
    found = instructions()
    assert found[0] == ("FROM", "python:3.11-slim")
    names = [name for name, _ in found]
    assert names.index("USER") < names.index("ENTRYPOINT")
    assert dict(found)["USER"] != "root"


def test_no_password_is_written_down():
    for path in DEPLOY.iterdir():
        for name, value in re.findall(
            r"^\s+(\w*(?:PASSWORD|SECRET)\w*)[:=] *(\S+)", path.read_text(encoding="utf-8"), re.MULTILINE
        ):
            assert value.startswith("${"), (path.name, name)
