"""Memory that is free inside the process, given back to the machine."""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any


def give_back() -> bool:
    """True where the C library gave free memory back to the machine; it costs hundredths of a second.

    glibc keeps what was freed between pieces that are still in use. A scoring builds arrays as large as all that the service
    holds and lets them go again, so without this a service over 2 million events holds 500 MiB that nobody uses. Where
    another C library runs (macOS, musl), nothing happens.
    """
    trim = _malloc_trim()
    return bool(trim(0)) if trim is not None else False


@cache
def _malloc_trim() -> Any:
    if not sys.platform.startswith("linux"):
        return None
    try:
        return ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):
        return None
