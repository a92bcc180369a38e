"""Keeps how services stand up to date in the background: on a schedule, and soon after news of a service."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import pandas as pd

from features.live import LiveHistories
from features.outages.tickets import told_by_tickets
from models.outage import OutageModel, load_outage_model
from models.registry import RegistryAnswer, champion
from serving.background import Loop, Trouble
from serving.services.making import Answering, Basis, make_basis
from serving.services.memory import Memory, ServiceEvents
from serving.services.standing import ServiceBoard
from sla.agreements.agreement_set import AgreementSet

log = logging.getLogger(__name__)
SERIES = "outage probability"
LOOK_SECONDS = 2.0
REST_PER_WORK = 10.0


class ForecastTable(Protocol):
    """Where forecasts are kept, to be judged later (features.store.forecasts)."""

    def append(self, frame: pd.DataFrame) -> object:
        """Rows are added, each once."""


@dataclass(frozen=True)
class Champion:
    """Asks the registry for the outage model; the last good one stays while it cannot be reached or a new one is bad."""

    mlflow_uri: str
    name: str
    download_to: Path
    ask: Callable[..., RegistryAnswer] = champion
    load: Callable[[Path], OutageModel] = load_outage_model

    def found(self, before: Answering) -> Answering:
        """The model that carries the alias now."""
        answer = self.ask(self.mlflow_uri, self.name, download_to=self.download_to)
        if answer.path is None:
            is_gone = not answer.is_reachable or answer.version is not None
            return before if is_gone and before.model is not None else Answering(None, None, answer.why)
        if before.model is not None and answer.version == before.version:
            return before
        try:
            return Answering(self.load(answer.path), answer.version, None)
        except Exception as fault:  # a bundle made by others may fail in any way: the rules, or the last one, go on
            log.warning("%s was refused: %s", answer.version, fault)
            return (
                before if before.model is not None else Answering(None, None, f"{answer.version} was refused: {fault}")
            )


class Keeper:
    """How every service stands, made anew in a thread of its own; `board` and `basis` are replaced as a whole.

    One thread calls `step`. What fails is logged and said on the board, which stays the last good one.
    """

    def __init__(
        self,
        store: ServiceEvents,
        forecasts: ForecastTable,
        agreements: Callable[[], AgreementSet],
        histories: Callable[[], LiveHistories],
        clock: Callable[[], datetime],
        *,
        champion: Champion | None = None,
        seconds: float = 300.0,
        untouched_share: float = 0.0,
        may_store: Callable[[], bool] = lambda: True,
        is_ready: Callable[[], bool] = lambda: True,
    ) -> None:
        self._memory, self._forecasts, self._clock = Memory(store), forecasts, clock
        self._agreements, self._histories = agreements, histories
        self._champion, self._seconds, self._untouched_share = champion, seconds, untouched_share
        self._may_store, self._is_ready = may_store, is_ready
        self._answering = Answering(
            why_none="SLACAST_USE_MODEL is off" if champion is None else "no model is loaded yet"
        )
        self._made_for: AgreementSet | None = None
        self._next_seconds = self._rest_until = float("-inf")
        self._stored_until: datetime | None = None
        self._loop = Loop("services", self._look, lambda: min(LOOK_SECONDS, seconds))
        self._trouble = Trouble("How services stand is not up to date")
        self.basis: Basis | None = None

    @property
    def board(self) -> ServiceBoard | None:
        """The newest board, None until the first is made."""
        return None if self.basis is None else self.basis.board

    def start(self) -> None:
        """Begin to keep it up to date in the background."""
        self._loop.start()

    def stop(self) -> None:
        """End it; a making under way is waited for."""
        self._loop.stop()

    def _look(self) -> None:
        if self._is_ready() and self.is_due():
            self.step()

    def is_due(self) -> bool:
        """Whether it is time, or something happened; after each making it rests ten times as long as that took.

        Raises StoreError where the store cannot be asked for news.
        """
        now = time.monotonic()
        if now >= self._next_seconds:
            return True
        if now < self._rest_until:
            return False
        return self._memory.has_news() or self._agreements() is not self._made_for

    def step(self) -> bool:
        """True where a new board was made."""
        began = time.monotonic()
        try:
            self._make()
        except Exception as fault:  # a model made by others may fail in any way: the last good board stays and says so
            self._failed(self._trouble.met(fault))
            return False
        finally:
            ended = time.monotonic()
            self._next_seconds = ended + self._seconds
            self._rest_until = ended + REST_PER_WORK * (ended - began)
        self._trouble.over()
        return True

    def _make(self) -> None:
        if self._champion is not None:
            self._answering = self._champion.found(self._answering)
        self._memory.read_news()
        agreements, at = self._agreements(), self._clock()
        histories = self._histories()
        basis = make_basis(
            self._memory.events,
            told_by_tickets(histories.logs(), agreements),
            agreements,
            at,
            self._answering,
            untouched_share=self._untouched_share,
        )
        self.basis, self._made_for = basis, agreements
        self._keep(basis.board)

    def _keep(self, board: ServiceBoard) -> None:
        """Store what was said, at most once an hour: it is judged when the day is over."""
        hour = board.as_of.replace(minute=0, second=0, microsecond=0)
        if hour == self._stored_until or not self._may_store():
            return
        frame = forecast_rows(board)
        if len(frame):
            self._forecasts.append(frame)
        self._stored_until = hour

    def _failed(self, words: str) -> None:
        if self.basis is not None:
            self.basis = replace(self.basis, board=replace(self.basis.board, problem=words))


def forecast_rows(board: ServiceBoard) -> pd.DataFrame:
    """One row a service that is asked about, for the table of forecasts: the probability as the value at quantile 0.5."""
    rows = [(one.service, one.risk.probability) for one in board.services if one.risk is not None]
    frame = pd.DataFrame(rows, columns=["subject", "value"])
    until = board.as_of + timedelta(hours=board.horizon_hours)
    return frame.assign(
        series=SERIES,
        made_at=pd.Timestamp(board.as_of),
        period_start=pd.Timestamp(board.as_of),
        period_end=pd.Timestamp(until),
        quantile=0.5,
        model_version=board.model_version or board.by,
    )
