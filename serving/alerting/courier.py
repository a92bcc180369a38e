"""Couriers: each works off the outbox of one channel, in a thread of its own, so that a slow receiver holds up nobody."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from datetime import datetime, timedelta

from features.store.alerts import DEAD, DELIVERED, FAILED, Alerts, Attempt
from serving.alerting.sending import DeliveryError, Send
from serving.background import Loop
from serving.tracing import Tracing

log = logging.getLogger(__name__)
FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 30.0, 3600.0
LOOK_SECONDS = 5.0


class Courier:
    """Delivers what waits on one channel, at least once: an attempt is stored after it was made.

    `clock` is real time, whatever the desk's own clock shows. `may_send` is asked before each notice: one process sends.
    """

    def __init__(
        self,
        channel: str,
        send: Send,
        alerts: Alerts,
        *,
        clock: Callable[[], datetime],
        attempts: int,
        chance: random.Random,
        may_send: Callable[[], bool] = lambda: True,
        tracing: Tracing | None = None,
    ) -> None:
        self.channel, self._tracing = channel, tracing or Tracing()
        self._send, self._alerts, self._clock = send, alerts, clock
        self._attempts, self._chance, self._may_send = attempts, chance, may_send
        self._loop = Loop(f"alerts-{channel}", self.deliver, lambda: LOOK_SECONDS)

    def start(self) -> None:
        """Begin to deliver in the background."""
        self._loop.start()

    def stop(self, timeout_seconds: float = 2.0) -> None:
        """End it; does not wait long for a slow receiver: what was not recorded is sent again by the next process."""
        self._loop.stop(timeout_seconds)

    def wake(self) -> None:
        """Something new waits; returns at once."""
        self._loop.wake()

    def deliver(self) -> int:
        """How many notices were delivered of those that wait now; the outbox still holds what could not be recorded."""
        delivered = 0
        for failed_before, alert in self._alerts.waiting(self.channel, self._clock()):
            if self._loop.is_stopping or not self._may_send():
                break
            delivered += self._deliver_one(failed_before, alert)
        return delivered

    def _deliver_one(self, failed_before: int, alert: dict[str, object]) -> bool:
        alert_id = int(str(alert["alert_id"]))
        try:
            self._sent(alert, alert_id, failed_before + 1)
        except DeliveryError as error:
            self._alerts.record(self._failure(alert_id, failed_before + 1, str(error)))
            return False
        self._alerts.record(Attempt(alert_id, self.channel, DELIVERED, self._clock()))
        return True

    def _sent(self, alert: dict[str, object], alert_id: int, attempt: int) -> None:
        with self._tracing.span(
            "deliver alert",
            "client",
            slacast__alert=alert_id,
            slacast__rule=str(alert["rule"]),
            slacast__channel=self.channel,
            slacast__attempt=attempt,
        ):
            self._send(alert, self._clock())

    def _failure(self, alert_id: int, failed: int, why: str) -> Attempt:
        at = self._clock()
        if failed >= self._attempts:
            log.error("alert %d on %s is given up after %d attempts: %s", alert_id, self.channel, failed, why)
            return Attempt(alert_id, self.channel, DEAD, at, detail=why)
        log.warning("alert %d on %s: attempt %d failed: %s", alert_id, self.channel, failed, why)
        retry_at = at + timedelta(seconds=backoff_seconds(failed, self._chance))
        return Attempt(alert_id, self.channel, FAILED, at, retry_at, why)


def backoff_seconds(failed: int, chance: random.Random) -> float:
    """How long to wait after so many failures: doubling from half a minute to an hour, the half of it by chance.

    Chance keeps receivers that come back from being met by all that waited at once.
    """
    longest = min(LONGEST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2.0 ** min(failed - 1, 20))
    return longest * (0.5 + 0.5 * chance.random())
