"""The feature families: each declares its features and computes them for a view."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Final

from features.declaration import Feature, Settings
from features.families import calendar, clock, history, load, path, sequence, service, static, text
from features.outcomes import Outcomes
from features.view import FloatArray, View

MODULES: Final[dict[str, ModuleType]] = {
    module.FAMILY: module for module in (static, clock, path, load, service, history, calendar, text, sequence)
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
        list(pool.map(lambda look_up: look_up(), _shared(view)))
        return _merged(list(pool.map(lambda family: family.values(view), families)))


def _shared(view: View) -> list[Callable[[], object]]:
    """What several families look up: done before them, or two threads would do it at the same time."""
    shared: list[Callable[[], object]] = [lambda: view.verdicts, lambda: (view.step, view.step_before)]
    if {"load", "history"} & set(view.settings.families):
        shared.insert(0, lambda: Outcomes.of(view.histories, view.target))
    return shared


def _merged(parts: list[dict[str, FloatArray]]) -> dict[str, FloatArray]:
    columns: dict[str, FloatArray] = {}
    for part in parts:
        columns |= part
    return columns
