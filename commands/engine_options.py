"""Who computes features: options of the commands that work on logs of any size (docs/scale.md)."""

from __future__ import annotations

from contextlib import AbstractContextManager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from features.distributed.engines import DaskEngine


class EngineChoice(StrEnum):
    """Who computes features."""

    LOCAL = "local"
    DASK = "dask"


SchedulerOption = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        metavar="URL",
        help="With dask: a running cluster, tcp://host:8786 (default: one on this machine).",
    ),
]
WorkersOption = Annotated[int, typer.Option("--workers", min=1, help="Processes on this machine.")]
MemoryLimitOption = Annotated[
    str, typer.Option("--memory-limit", help="With dask on this machine: the most memory of one worker.")
]
EventsOption = Annotated[
    Path | None,
    typer.Option("--events", metavar="FOLDER", help="Parquet files of canonical events (default: those of the store)."),
]


def cluster(scheduler: str | None, workers: int, memory_limit: str) -> AbstractContextManager[DaskEngine]:
    """A Dask engine as the options say."""
    from features.distributed.engines import dask_engine

    return dask_engine(scheduler, workers, memory_limit)
