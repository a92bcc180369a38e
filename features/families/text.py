"""What title and description say, in the directions of a text encoder that was fitted in training."""

from __future__ import annotations

import numpy as np

from features.declaration import Feature, Settings
from features.text import texts_of_steps
from features.view import FloatArray, View

FAMILY = "text"


def declared(settings: Settings) -> tuple[Feature, ...]:
    """The features of this family: none without an encoder."""
    return tuple(
        Feature(
            _name(place),
            FAMILY,
            "weight",
            f"how much title and description, as known then, are like: {topic} (0 = no word in common with what was learned)",
            "What is it about?",
        )
        for place, topic in enumerate(settings.text_topics)
    )


def values(view: View) -> dict[str, FloatArray]:
    """The columns of this family, by name."""
    if view.text is None:
        return {}
    step, row = np.unique(view.step, return_inverse=True)
    texts, place = texts_of_steps(view.histories, step)
    encoded = view.text.encode(texts)[place[row.reshape(-1)]]
    return {_name(column): encoded[:, column] for column in range(view.text.size)}


def _name(place: int) -> str:
    return f"text_{place:02d}"
