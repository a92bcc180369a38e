"""What a command says: its steps, its result, its faults."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import typer

FLOORS = {"sla", "features", "simulation", "models", "training", "serving"}
FOUND_A_FAULT = 1
P = ParamSpec("P")
R = TypeVar("R")


class Progress:
    """Steps on standard error, so that standard output stays clean for machines; a line each, with the seconds since the start."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.last: tuple[str, float] = ("", 0.0)

    def __call__(self, message: str, done: float | None = None, total: float | None = None) -> None:
        """Say `message`; repeated messages (a counter) are shown at most once a second."""
        seconds = time.monotonic() - self.started
        if message == self.last[0] and seconds - self.last[1] < 1 and done != total:
            return
        self.last = (message, seconds)
        share = f" {100 * done / total:.0f} %" if done is not None and total else ""
        typer.echo(f"[{seconds:5.1f} s] {message}{share}", err=True)


def says_faults(command: Callable[P, R]) -> Callable[P, R]:
    """`command`, where an error that one of our floors raised on purpose is printed as a sentence and ends with exit code 1."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except ValueError as error:
            if type(error).__module__.split(".")[0] not in FLOORS:
                raise
            raise fail(str(error)) from error

    return run


def fail(sentence: str) -> typer.Exit:
    """Print the sentence on standard error; what is returned, raised, ends the command with exit code 1."""
    typer.echo(f"slacast: {sentence}", err=True)
    return typer.Exit(FOUND_A_FAULT)


def emit(result: Any, as_json: bool) -> None:
    """Print a result: `.to_dict()` as JSON for machines, `.text()` for people."""
    typer.echo(json.dumps(result.to_dict(), ensure_ascii=False, indent=2, default=str) if as_json else result.text())
