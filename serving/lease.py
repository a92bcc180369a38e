"""Whether this process acts: stores scores and sends alerts, as one of several may."""

from __future__ import annotations

import logging
import os
import secrets
import socket
from typing import Protocol

from features.store.leases import Lease

log = logging.getLogger(__name__)
SCORER = "scorer"


class LeaseTable(Protocol):
    """What is needed of features.store.leases.Leases."""

    def take(self, name: str, holder: str, seconds: float) -> Lease:
        """The lease as it stands afterwards, ours or another's."""

    def release(self, lease: Lease) -> bool:
        """True where it was still held."""


class ScorerLease:
    """The right to act, asked for again and again by one thread."""

    def __init__(self, leases: LeaseTable, seconds: float, holder: str | None = None) -> None:
        self._leases, self.seconds = leases, seconds
        self.holder = holder or process_name()
        self.lease: Lease | None = None  # as it stood when we asked last

    def take(self) -> Lease | None:
        """The lease if this process holds it now, else None; raises the store's errors and holds nothing then."""
        before, self.lease = self.lease, None
        found = self.lease = self._leases.take(SCORER, self.holder, self.seconds)
        if before is None or before.holder != found.holder:
            log.info("%s acts: stores scores and alerts", "this process" if self.is_held else found.holder)
        return found if self.is_held else None

    @property
    def is_held(self) -> bool:
        """Whether it was ours when we asked last."""
        return self.lease is not None and self.lease.holder == self.holder

    def release(self) -> None:
        """Give it back, so that another takes over at once."""
        if self.lease is not None and self.is_held:
            self._leases.release(self.lease)
        self.lease = None


def process_name() -> str:
    """A name for this process that no other has, restarted or elsewhere: machine, process, chance."""
    return f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(4)}"
