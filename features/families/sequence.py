"""The ticket's own story as a sequence: its last values, how often and how long ago each came, gaps, and the week's clock.

For questions about the ticket's whole course, such as when it will end. Off unless asked for: nothing here looks at other
tickets, and nothing is relative to a promise. Which columns tell the story is learned from the training log: `sequence`
columns change in the course of tickets (a status, an activity, a person); of every other column with a known vocabulary
only the present value counts. A value is told by its rank, 0 = the commonest; values seldom seen share the last rank.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from features.declaration import Feature, Settings, label, plain_name
from features.families.calendar import local_week
from features.histories import Histories
from features.schema import ATTRIBUTE_PREFIX, STATE_COLUMNS
from features.text import TEXT_COLUMNS
from features.view import HOUR_US, FloatArray, View
from sla.instants import Int64Array

FAMILY = "sequence"
BACK = (1, 2, 3)  # how many steps before the present one are told
COUNTED = 12  # of the commonest values of a sequence column that has few

FEW, MOST_CHANGING_VALUES = 12, 40
SEEN_OFTEN, LEAST_SHARE_SEEN_OFTEN = 5, 0.3
LEAST_SHARE_CHANGING = 0.1

_ALWAYS = {
    "steps_so_far": ("records", "records known of the ticket, this one included", "How far did it come?"),
    "hours_since_opening": ("hours", "wall-clock time since the ticket was opened", "How old is it?"),
    "gap_now_hours": ("hours", "time since the last record", "Was it forgotten?"),
    **{
        f"gap_{back}_hours": (
            "hours",
            f"time between the records {back - 1} and {back} before the last",
            "How fast is it?",
        )
        for back in (*BACK, len(BACK) + 1)
    },
    "hours_into_week": ("hours", "local time since Monday 00:00", "Where in the week are we?"),
    "opened_hours_into_week": ("hours", "the same when it was opened", "Where in the week was it filed?"),
    "local_day": ("day", "local day of the week, Monday = 0", "What day is it there?"),
    "opened_local_day": ("day", "the same when it was opened", "What day was it filed?"),
    "local_time": ("hours", "local time of day", "What time is it there?"),
    "opened_local_time": ("hours", "the same when it was opened", "At what time was it filed?"),
    "working_hours_since_opening": ("working hours", "opening time since it was opened", "How old is it at work?"),
}


def declared(settings: Settings) -> tuple[Feature, ...]:
    """The features of this family."""
    found = [Feature(name, FAMILY, *rest) for name, rest in _ALWAYS.items()]
    for column in settings.vocabularies:
        question = f"Does the {label(column)} matter?"
        meaning = f"rank of the {label(column)} by how common it was in training (0 = commonest); missing if unknown"
        found.append(Feature(f"{plain_name(column)}_rank", FAMILY, "rank", meaning, question))
    for column in settings.sequence_columns:
        found += _declared_story(column, settings.vocabularies[column])
    return tuple(found)


def _declared_story(column: str, vocabulary: tuple[str, ...]) -> Iterator[Feature]:
    name, words, question = plain_name(column), label(column), "How did it get here?"
    for back in BACK:
        yield Feature(
            f"{name}_rank_{back}_back", FAMILY, "rank", f"the {words} {back} records before the last", question
        )
    yield Feature(f"{name}_values_seen", FAMILY, "values", f"different values of {words} so far", question)
    for place, text in enumerate(_counted(vocabulary)):
        yield Feature(f"{name}_times_{place}", FAMILY, "records", f"records with {words} {text!r} so far", question)
        yield Feature(f"{name}_since_{place}", FAMILY, "hours", f"time since {words} was last {text!r}", question)


def values(view: View) -> dict[str, FloatArray | Int64Array]:
    """The columns of this family, by name."""
    histories, step = view.histories, view.step
    out: dict[str, FloatArray | Int64Array] = {**_pace(view), **_week(view)}
    for column, vocabulary in view.settings.vocabularies.items():
        ranks = _ranks(histories, column, vocabulary)
        out[f"{plain_name(column)}_rank"] = ranks[step]
        if column in view.settings.sequence_columns:
            out |= _story(view, column, vocabulary, ranks)
    return out


def learned(settings: Settings, histories: Histories) -> Settings:
    """The settings with `vocabularies` and `sequence_columns`, from histories known at the training cut.

    A column's vocabulary are the values that five or more tickets held, if at least three tickets of ten held one of them
    last of all. A column tells the story if it changes at one record in ten, has at most 40 values, and is not a coarser
    wording of another column that does. Of the others those count that have at most 12 common values: on a real log the
    ranks of customers and products only helped to learn by heart what did not last.
    """
    attributes = sorted(name for name in histories.log.columns if name.startswith(ATTRIBUTE_PREFIX))
    vocabularies: dict[str, tuple[str, ...]] = {}
    taken: set[str] = set()
    for column in (*STATE_COLUMNS, *(name for name in attributes if name not in TEXT_COLUMNS)):
        vocabulary = _vocabulary(histories, column)
        if vocabulary and plain_name(column) and plain_name(column) not in taken:
            vocabularies[column] = vocabulary
            taken.add(plain_name(column))
    story = _story_columns(histories, list(vocabularies))
    kept = {column: texts for column, texts in vocabularies.items() if column in story or len(texts) <= FEW}
    return replace(settings, vocabularies=kept, sequence_columns=story)


def _vocabulary(histories: Histories, column: str) -> tuple[str, ...]:
    """The values that are seen often, the commonest first; none if there are fewer than two or they cover little."""
    steps, codes, texts = histories.steps, histories.codes(column), histories.values(column)
    named = histories.is_named(column)
    firsts = named & steps.first_of_value(codes)
    counts = np.bincount(codes[firsts], minlength=len(texts))  # tickets that ever held the value
    often = [place for place in range(len(texts)) if counts[place] >= SEEN_OFTEN]
    often = sorted(often, key=lambda place: (-counts[place], texts[place]))[:MOST_CHANGING_VALUES]
    last = steps.offsets[1:][np.diff(steps.offsets) > 0] - 1
    covered = np.isin(codes[last], often).sum()
    if len(often) < 2 or covered < LEAST_SHARE_SEEN_OFTEN * len(last):
        return ()
    return tuple(texts[place] for place in often)


def _story_columns(histories: Histories, columns: list[str]) -> tuple[str, ...]:
    steps = histories.steps
    later = max(int((~steps.is_first).sum()), 1)
    changing = []
    for column in columns:
        codes = histories.codes(column)
        is_short = len(np.unique(codes)) <= MOST_CHANGING_VALUES
        if is_short and steps.changed(codes).sum() >= LEAST_SHARE_CHANGING * later:
            changing.append(column)
    finest_first = sorted(changing, key=lambda column: -len(np.unique(histories.codes(column))))
    kept: list[str] = []
    for column in finest_first:
        if not any(_is_told_by(histories, column, other) for other in kept):
            kept.append(column)
    return tuple(sorted(kept))


def _is_told_by(histories: Histories, column: str, other: str) -> bool:
    """Whether a column's value follows from that of another."""
    codes, others = histories.codes(column).astype(np.int64), histories.codes(other).astype(np.int64)
    return len(np.unique(others * (len(histories.values(column)) + 2) + codes)) == len(np.unique(others))


def _counted(vocabulary: tuple[str, ...]) -> tuple[str, ...]:
    """The values whose times are counted: none where there are many, such as people."""
    return vocabulary[:COUNTED] if len(vocabulary) <= FEW else ()


def _ranks(histories: Histories, column: str, vocabulary: tuple[str, ...]) -> FloatArray:
    """Per step, the rank of the column's value; NaN where none is known, the last rank where it is seldom seen."""
    rank_of = {text: float(rank) for rank, text in enumerate(vocabulary)}
    by_code = np.array([*(rank_of.get(text, len(vocabulary)) for text in histories.values(column)), np.nan])
    found: FloatArray = np.where(histories.is_named(column), by_code[histories.codes(column)], np.nan)
    return found


def _story(
    view: View, column: str, vocabulary: tuple[str, ...], ranks: FloatArray
) -> dict[str, FloatArray | Int64Array]:
    steps, name, step = view.histories.steps, plain_name(column), view.step
    out: dict[str, FloatArray | Int64Array] = {}
    for back in BACK:
        out[f"{name}_rank_{back}_back"] = _back(view, ranks, back)
    named, codes = view.histories.is_named(column), view.histories.codes(column)
    out[f"{name}_values_seen"] = steps.running_total(named & steps.first_of_value(codes))[step]
    for place in range(len(_counted(vocabulary))):
        held = ranks == place
        latest = steps.latest(held)[step]
        out[f"{name}_times_{place}"] = steps.running_total(held)[step]
        out[f"{name}_since_{place}"] = np.where(latest >= 0, view.hours_since(steps.known_us[latest]), np.nan)
    return out


def _back(view: View, amounts: FloatArray, back: int) -> FloatArray:
    """The amounts (one a step) some steps before each snapshot's; NaN where the ticket had not begun."""
    earlier = view.step - back
    had_begun = earlier >= view.histories.steps.offsets[view.ticket]
    found: FloatArray = np.where(had_begun, amounts[np.where(had_begun, earlier, view.step)], np.nan)
    return found


def _pace(view: View) -> dict[str, FloatArray | Int64Array]:
    steps = view.histories.steps
    first = steps.offsets[view.ticket]
    gap_hours = (steps.known_us - steps.previous(steps.known_us, 0)) / HOUR_US
    gaps = np.where(steps.is_first, np.nan, gap_hours)
    out: dict[str, FloatArray | Int64Array] = {
        "steps_so_far": view.step - first + 1,
        "hours_since_opening": view.hours_since(steps.at_us[first]),
        "gap_now_hours": view.hours_since(steps.known_us[view.step]),
    }
    for back in (*BACK, len(BACK) + 1):
        out[f"gap_{back}_hours"] = _back(view, gaps, back - 1)
    return out


def _week(view: View) -> dict[str, FloatArray]:
    """The week's clock and the age in working time; missing where no agreement names a calendar."""
    names = [name for name in _ALWAYS if name not in ("steps_so_far", "hours_since_opening") and "gap_" not in name]
    out = {name: np.full(len(view.at_us), np.nan) for name in names}
    for calendar, rows in view.rows_of_calendars():
        at_us, opened_us = view.at_us[rows], view.histories.steps.opened_us[view.ticket[rows]]
        for prefix, instant_us in (("", at_us), ("opened_", opened_us)):
            day, hour = local_week(calendar.zone, instant_us)
            out[f"{prefix}hours_into_week"][rows] = day * 24 + hour
            out[f"{prefix}local_day"][rows] = day
            out[f"{prefix}local_time"][rows] = hour
        out["working_hours_since_opening"][rows] = calendar.elapsed_us(opened_us, at_us) / HOUR_US
    return out
