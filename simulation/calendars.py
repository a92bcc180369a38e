"""The calendars of a world, compiled: the same opening hours as in an agreements file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from simulation.faults import DeskError
from simulation.world import World
from sla.working_time.business_time import BusinessTime, compile_calendar
from sla.working_time.calendars import CalendarSpec

_HOURS = re.compile(r"(\d{1,2}:\d{2}-\d{1,2}:\d{2}(?:,\d{1,2}:\d{2}-\d{1,2}:\d{2})*) ([a-z,-]+)")


def world_calendars(world: World) -> dict[str, BusinessTime]:
    """Return every calendar of a world by name; ValueError names the calendar that is wrong or missing."""
    missing = {world.desk_hours, world.customer_hours} - set(world.calendars)
    if missing:
        raise ValueError(
            f"the world names calendars {sorted(missing)} that it does not have; it has {sorted(world.calendars)}"
        )
    return dict(_compiled(_Written(world)))


def opening(text: str) -> dict[str, Any]:
    """Return the hours of a calendar from words such as `08:00-12:00,13:00-17:00 mon-fri`, as in an agreements file."""
    found = _HOURS.fullmatch(text.strip())
    if found is None:
        raise DeskError(f"{text!r} is not a shift; expected times and days such as 08:00-16:30 mon-fri, or mon,wed,fri")
    windows = [window.split("-") for window in found[1].split(",")]
    return {"hours": dict.fromkeys(found[2].split(","), windows)}


class _Written:
    """The calendars of a world as written: equal where the text is, so that many desks of one world compile them once."""

    def __init__(self, world: World) -> None:
        self.zone, self.calendars = world.zone, world.calendars
        self._text = repr((world.zone, world.calendars))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Written) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)


@lru_cache(maxsize=16)
def _compiled(written: _Written) -> Mapping[str, BusinessTime]:
    specs = {
        name: CalendarSpec.model_validate({"time_zone": written.zone, **text})
        for name, text in written.calendars.items()
    }
    return {name: compile_calendar(spec, specs, name=name) for name, spec in specs.items()}
