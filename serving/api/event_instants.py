"""Instants as events bring them: texts in, microseconds since 1970 UTC out, and back as faults show them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import numpy as np
import pandas as pd

from features.schema import INSTANT_DTYPE, NO_INSTANT_US
from sla.instants import Int64Array, from_us, to_us

_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_USUAL_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3}|\.\d{6})?(Z|[+-]\d\d:[0-5]\d)", re.ASCII)


def instants_in(texts: Sequence[str | None]) -> Int64Array:
    """The instants, n, of texts with date, time and offset (ISO 8601); NO_INSTANT_US where there is no text or none can be read."""
    usual = _usual_instants(texts)
    return _instants_of(texts) if usual is None else usual


def written(at_us: int) -> str:
    """An instant as a fault shows it."""
    return from_us(int(at_us)).isoformat()


def _usual_instants(texts: Sequence[str | None]) -> Int64Array | None:
    """The instants of texts as most write them, None where one is written otherwise; each different text is read once."""
    known: dict[str | None, int] = {None: NO_INSTANT_US}
    for text in set(texts) - {None}:
        if text is None or _USUAL_INSTANT.fullmatch(text) is None:
            return None
        try:
            known[text] = to_us(datetime.fromisoformat(text))
        except ValueError:
            return None
    return np.array([known[text] for text in texts], np.int64)


def _instants_of(texts: Sequence[str | None]) -> Int64Array:
    """The instants of texts, NO_INSTANT_US where none can be read."""
    readable = [text.upper() if text is not None and _INSTANT.fullmatch(text) else None for text in texts]
    found = pd.to_datetime(pd.Series(readable, dtype="str"), utc=True, format="ISO8601", errors="coerce")
    return found.astype(INSTANT_DTYPE).to_numpy("datetime64[us]").view(np.int64)
