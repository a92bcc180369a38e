"""The watchman: after each scoring decides what is to be told, stores it with its outbox, and wakes the couriers."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np

from features.store.alerts import Alerts, OutpacedError
from serving.alerting.courier import Courier
from serving.alerting.deciding import Plan, decide
from serving.alerting.loading import AlertRulesError
from serving.alerting.memory import HOUR_US, KEPT_US, Event, Memory, Notice
from serving.alerting.messages import channels_of, frame_of, is_sent, notices_of
from serving.alerting.rules import AlertRules
from serving.alerting.sending import sender_of
from serving.alerting.sight import Sight
from serving.background import Trouble
from serving.queue import Queue
from serving.scored_rows import ScoredRows
from serving.services.standing import ServiceBoard
from serving.tracing import Tracing
from sla.agreements.agreement_set import AgreementSet
from sla.agreements.loading import Fault
from sla.instants import to_us

log = logging.getLogger(__name__)
Condition = Callable[[Any], None]


def couriers_of(
    rules: AlertRules,
    alerts: Alerts,
    environment: Mapping[str, str],
    clock: Callable[[], datetime],
    may_send: Callable[[], bool] = lambda: True,
    seed: int = 0,
    tracing: Tracing | None = None,
) -> list[Courier]:
    """A courier for each channel, not started. Raises AlertRulesError naming every environment variable that is missing."""
    couriers, faults = [], []
    for number, (name, channel) in enumerate(rules.channels.items()):
        try:
            send = sender_of(channel, environment)
        except ValueError as error:
            faults.append(Fault(0, f"channels.{name}", str(error)))
            continue
        chance = random.Random(seed + number)  # noqa: S311 - spreads retries, guards nothing
        couriers.append(
            Courier(
                name,
                send,
                alerts,
                clock=clock,
                attempts=channel.attempts,
                chance=chance,
                may_send=may_send,
                tracing=tracing,
            )
        )
    if faults:
        raise AlertRulesError("alert rules", faults)
    return couriers


class Pace:
    """Keeps a work to a share of the time: after each turn it rests, so that a large desk's news does not keep it busy."""

    def __init__(self, rest_per_work: float = 10.0, seconds: Callable[[], float] = time.monotonic) -> None:
        self._rest_per_work, self._seconds, self._next = rest_per_work, seconds, float("-inf")

    def take_turn(self, work: Callable[[], object]) -> bool:
        """True where the work was done, False while it rests."""
        began = self._seconds()
        if began < self._next:
            return False
        work()
        ended = self._seconds()
        self._next = ended + self._rest_per_work * (ended - began)
        return True


class Watchman:
    """Looks at each scored queue. One thread calls `look`; the couriers have their own."""

    def __init__(
        self,
        rules: AlertRules,
        agreements: AgreementSet,
        alerts: Alerts,
        couriers: Sequence[Courier] = (),
        clock: Callable[[], datetime] | None = None,
        services: Callable[[], ServiceBoard | None] = lambda: None,
    ) -> None:
        """`services`: how services stand now, None while nobody can tell."""
        self._services = services
        self._plan, self._alerts, self._couriers, self._clock = Plan(rules, agreements), alerts, couriers, clock
        self._rules = {rule.name: rule for rule in rules.rules}
        self._memory, self._last_id = Memory(), -1
        self._forgot_us = 0
        self._trouble = Trouble("Alerts are not told")

    def start(self) -> None:
        """Begin to deliver in the background."""
        for courier in self._couriers:
            courier.start()

    def stop(self) -> None:
        """End the delivery; what waits is sent by the next process."""
        for courier in self._couriers:
            courier.stop()

    @property
    def problem(self) -> str | None:
        """Why alerts are not told now."""
        return self._trouble.words

    @property
    def bounds(self) -> dict[str, int]:
        """The most alerts an hour of each rule, and of `all` together."""
        rules = self._plan.rules
        return {"all": rules.max_per_hour, **{rule.name: rule.max_per_hour for rule in rules.rules}}

    @cached_property
    def targets(self) -> frozenset[str]:
        """The clocks that rules look at."""
        return frozenset(rule.target for rule in self._plan.rules.rules)

    def after_tick(self, queue: Queue, at: datetime | None = None, conditions: Sequence[Condition] = ()) -> int:
        """How many notices are to be sent of a queue; they are stored. An error is logged and shown, and never the tick's.

        `conditions` are asked in the transaction that stores them, as that this process still holds the lease.
        """
        try:
            sent = self.look(queue, at or queue.as_of, conditions)
        except OutpacedError as error:
            log.warning("another process tells alerts too: %s", error)
            return 0
        except Exception as fault:  # whatever rules or words fail at, scores are stored; the next tick decides again
            self._trouble.met(fault)
            return 0
        self._trouble.over()
        return sent

    def look(self, queue: Queue, at: datetime, conditions: Sequence[Condition] = ()) -> int:
        """The same; raises StoreError where nothing can be stored."""
        if not isinstance(queue.rows, ScoredRows):
            raise TypeError("alerts need a scored queue")
        self._remember_what_is_stored(at)
        sight = Sight.of(queue.rows.scored, to_us(at), self.targets, self._services())
        notices = decide(self._plan, self._memory, sight)
        if notices:
            self._store(queue.rows, notices, at, conditions)
        for courier in self._couriers if notices else ():
            courier.wake()
        return sum(is_sent(notice, self._rules[notice.rule]) for notice in notices)

    def _remember_what_is_stored(self, at: datetime) -> None:
        """All that was decided, by this process or another, comes back from the store: one way for all."""
        if self._last_id < 0:
            since = at - timedelta(microseconds=max(KEPT_US, self._plan.longest_cooldown_us))
            over = [event.value for event in Event if event.is_over]
            last_id = self._alerts.last_id()
            frame = self._alerts.standing(since, over)
            frame = frame[frame["alert_id"] <= last_id]
            self._last_id = last_id
        else:
            frame = self._alerts.after(self._last_id)
        if len(frame):
            self._memory.remember(notices_of(frame))
            self._last_id = max(self._last_id, int(frame["alert_id"].max()))
        at_us = to_us(at)
        if at_us - self._forgot_us >= HOUR_US:
            self._memory.forget(at_us, self._plan.longest_cooldown_us)
            self._forgot_us = at_us

    def _store(
        self, rows: ScoredRows, notices: Sequence[Notice], at: datetime, conditions: Sequence[Condition]
    ) -> None:
        told = [notice for notice in notices if is_sent(notice, self._rules[notice.rule])]
        places = np.unique([place for notice in told for place in notice.places[:10]]).astype(np.int64)
        in_words = dict(zip(places.tolist(), rows.scored.rows(places), strict=True)) if len(places) else {}
        frame = frame_of(notices, self._rules, in_words, rows.scored.reading.local)
        due_at = at if self._clock is None else self._clock()
        self._alerts.append(
            frame, channels_of(notices, self._rules), due_at=due_at, after_id=self._last_id, conditions=conditions
        )
