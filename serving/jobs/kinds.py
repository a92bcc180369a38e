"""What a kind of job is: who may ask for it, what it takes, and the command line that it comes to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from serving.access.roles import Permission
from serving.settings import Settings


class JobArguments(BaseModel):
    """What a kind takes: every argument typed and bounded, none unknown."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True)
class JobOrder:
    """What a command line may be made of, beside the arguments.

    `folder` is there, empty, and the job's own: what a command reads from a file is written there, and what it writes too.
    """

    folder: Path
    settings: Settings
    asked_by: str


@dataclass(frozen=True, kw_only=True)
class JobKind:
    """A kind of job.

    `command` gives the words after `slacast` for arguments that are valid; texts from outside go as `--option=text`, so that
    none is taken for an option. It raises ValueError with a sentence where it cannot be done after all.
    What the command prints on standard output is the result, as JSON where it is JSON; its steps go to standard error.
    """

    name: str
    about: str
    permission: Permission
    arguments: type[JobArguments]
    command: Callable[[Any, JobOrder], list[str]]
    is_short: bool = False  # seconds, not minutes: it does not wait behind long ones
    is_about_all: bool = True  # False: someone who sees some teams or services alone may ask for it too
    is_listed: bool = True  # False: it has a route of its own, POST /jobs does not take it

    def example(self) -> dict[str, Any]:
        """Arguments as someone may send them: the example of the model's schema, else all that is there by itself."""
        found = self.arguments.model_json_schema().get("examples")
        return dict(found[0]) if found else self.arguments().model_dump(mode="json", exclude_none=True)


def options(**values: object) -> list[str]:
    """`--name=value` for each that is not None; a list gives one each, True the bare option, False nothing."""
    found: list[str] = []
    for name, value in values.items():
        option = f"--{name.replace('_', '-')}"
        if value is True:
            found.append(option)
        elif value is None or value is False:
            continue
        else:
            found += [f"{option}={one}" for one in (value if isinstance(value, list | tuple) else [value])]
    return found
