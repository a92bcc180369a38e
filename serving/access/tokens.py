"""Access keys as text: `slk_<prefix>_<secret>`. The prefix finds the stored key, the secret is only kept hashed (argon2id)."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

_FORM = re.compile(r"slk_([a-z0-9]{8})_([A-Za-z0-9_-]{43})", re.ASCII)
_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"  # none that is taken for another
_REMEMBERED_SECONDS = 300.0
_MOST_REMEMBERED = 4_096
_AT_ONCE = 2  # each verifying takes 19 MiB


@dataclass(frozen=True)
class Token:
    """A key as its holder sends it."""

    prefix: str
    secret: str

    @classmethod
    def fresh(cls) -> Token:
        """A key nobody has; its secret has 256 random bits."""
        return cls("".join(secrets.choice(_LETTERS) for _ in range(8)), secrets.token_urlsafe(32))

    @classmethod
    def read(cls, text: str) -> Token | None:
        """The key of that text, None for a text that is none."""
        found = _FORM.fullmatch(text)
        return cls(found[1], found[2]) if found else None

    @property
    def text(self) -> str:
        """What its holder is shown once and sends."""
        return f"slk_{self.prefix}_{self.secret}"

    def __repr__(self) -> str:
        return f"Token({self.prefix!r}, ...)"


class Verifier:
    """Hashes secrets and compares them; a secret found right is remembered (as a keyed digest) for five minutes.

    Costs are those OWASP gives for argon2id: 19 MiB, two passes, one lane. Being random, the secrets need no more.
    """

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._turns = threading.BoundedSemaphore(_AT_ONCE)
        self._pepper = secrets.token_bytes(32)
        self._found_right: OrderedDict[bytes, float] = OrderedDict()
        self._lock = threading.Lock()

    def hashed(self, token: Token) -> str:
        """What to store of a key."""
        return self._hasher.hash(token.secret)

    def was_right(self, token: Token, hashed: str, for_seconds: float = 1.0) -> bool:
        """True where that was found out lately, and will be remembered for so long; costs next to nothing."""
        with self._lock:
            return self._found_right.get(self._digest(token, hashed), 0.0) > time.monotonic() + for_seconds

    def is_right(self, token: Token, hashed: str) -> bool:
        """True where the stored hash is that of the key's secret."""
        if self.was_right(token, hashed, 0.0):
            return True
        digest = self._digest(token, hashed)
        try:
            with self._turns:
                self._hasher.verify(hashed, token.secret)
        except (Argon2Error, InvalidHashError):
            return False
        with self._lock:
            self._found_right[digest] = time.monotonic() + _REMEMBERED_SECONDS
            while len(self._found_right) > _MOST_REMEMBERED:
                self._found_right.popitem(last=False)
        return True

    def _digest(self, token: Token, hashed: str) -> bytes:
        return hmac.new(self._pepper, f"{token.text}\0{hashed}".encode(), hashlib.sha256).digest()
