"""Imports that a process which only asks models does without: they cost it a second at the start and 70 MiB for ever."""

from __future__ import annotations

import sys


def import_lightgbm_alone() -> None:
    """Nothing; LightGBM is imported, and without scikit-learn, for whose estimators it has wrappers that nobody here uses.

    LightGBM does without where scikit-learn cannot be imported, which is said here for that moment. For whoever trains,
    import it as usual.
    """
    if "lightgbm" in sys.modules or "sklearn" in sys.modules:
        return
    sys.modules["sklearn"] = None  # type: ignore[assignment]  # Python's own sign for "cannot be imported"
    try:
        import lightgbm  # noqa: F401 (imported to be there)
    finally:
        del sys.modules["sklearn"]
