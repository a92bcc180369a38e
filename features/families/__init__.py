"""The feature families: each declares its features and computes them for a view."""

from __future__ import annotations

from types import ModuleType
from typing import Final

from features.declaration import Feature, Settings
from features.families import calendar, clock, history, load, path, static
from features.view import FloatArray, View

MODULES: Final[dict[str, ModuleType]] = {
    module.FAMILY: module for module in (static, clock, path, load, history, calendar)
}


def declared(settings: Settings) -> tuple[Feature, ...]:
    """The features of the families that are switched on, family by family."""
    return tuple(feature for family in settings.families for feature in MODULES[family].declared(settings))


def values(view: View) -> dict[str, FloatArray]:
    """The columns of the families that are switched on, by feature name."""
    columns: dict[str, FloatArray] = {}
    for family in view.settings.families:
        columns |= MODULES[family].values(view)
    return columns
