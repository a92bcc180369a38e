"""The feature families: each declares its features and computes them for a view."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Final

from features.declaration import Feature, Settings
from features.families import calendar, clock, history, load, path, static, text
from features.view import FloatArray, View

MODULES: Final[dict[str, ModuleType]] = {
    module.FAMILY: module for module in (static, clock, path, load, history, calendar, text)
}
MANY_ROWS, THREADS = 20_000, 2


def declared(settings: Settings) -> tuple[Feature, ...]:
    """The features of the families that are switched on, family by family."""
    return tuple(feature for family in settings.families for feature in MODULES[family].declared(settings))


def values(view: View) -> dict[str, FloatArray]:
    """The columns of the families that are switched on, by feature name."""
    families = [MODULES[family] for family in view.settings.families]
    if len(view.at_us) < MANY_ROWS:
        return _merged([family.values(view) for family in families])
    with ThreadPoolExecutor(THREADS) as pool:  # the work is numpy's, which lets other threads run
        return _merged(list(pool.map(lambda family: family.values(view), families)))


def _merged(parts: list[dict[str, FloatArray]]) -> dict[str, FloatArray]:
    columns: dict[str, FloatArray] = {}
    for part in parts:
        columns |= part
    return columns
