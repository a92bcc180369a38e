"""Which services nobody is alerted about today, so that what would have come without acting is seen."""

from __future__ import annotations

import hashlib
from datetime import datetime


def is_untouched(service: str, at: datetime, share: float) -> bool:
    """Whether a service is left alone on the UTC day of an aware instant: a fixed `share` of services and days, told by a digest.

    Everyone who asks gets the same answer, restarts and replicas included, and no service is left alone more than others.
    """
    if share <= 0:
        return False
    day = int(at.timestamp()) // 86_400
    digest = hashlib.blake2b(f"{day}\n{service}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") < share * 2**64
