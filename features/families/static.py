"""What the ticket is: priority and the few-valued columns, as places in an order learned from the training log."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.declaration import Feature, Settings, label, plain_name
from features.histories import Histories
from features.view import FloatArray, View

FAMILY = "static"


def declared(settings: Settings) -> tuple[Feature, ...]:
    """The features of this family."""
    ordered = [
        Feature(
            f"{plain_name(column)}_place",
            FAMILY,
            "place",
            f"place of the ticket's {label(column)} in the order learned in training (0 = first); missing if never seen there",
            f"Does the {label(column)} matter?",
        )
        for column in settings.orders
    ]
    return (
        *ordered,
        Feature("is_assigned", FAMILY, "0 or 1", "someone is assigned", "Does anyone own it?"),
        Feature("has_team", FAMILY, "0 or 1", "a team is named", "Does any team own it?"),
    )


def values(view: View) -> dict[str, FloatArray | NDArray[np.bool_]]:
    """The columns of this family, by name."""
    step = view.step
    out: dict[str, FloatArray | NDArray[np.bool_]] = {
        f"{plain_name(column)}_place": places(view.histories, column, order)[step]
        for column, order in view.settings.orders.items()
    }
    return out | {
        "is_assigned": view.histories.is_named("assignee")[step],
        "has_team": view.histories.is_named("team")[step],
    }


def places(histories: Histories, column: str, order: tuple[str, ...]) -> FloatArray:
    """Per step, the place of the column's value in an order; NaN where it is missing or not in the order."""
    place_of = {text: float(place) for place, text in enumerate(order)}
    by_code = np.array([*(place_of.get(text, np.nan) for text in histories.values(column)), np.nan])
    found: FloatArray = by_code[histories.codes(column)]
    return found
