"""The calendars of a world, compiled: the same opening hours as in an agreements file."""

from __future__ import annotations

from simulation.world import World
from sla.working_time.business_time import BusinessTime, compile_calendar
from sla.working_time.calendars import CalendarSpec


def world_calendars(world: World) -> dict[str, BusinessTime]:
    """Return every calendar of a world by name; ValueError names the calendar that is wrong or missing."""
    missing = {world.desk_hours, world.customer_hours} - set(world.calendars)
    if missing:
        raise ValueError(
            f"the world names calendars {sorted(missing)} that it does not have; it has {sorted(world.calendars)}"
        )
    specs = {
        name: CalendarSpec.model_validate({"time_zone": world.zone, **text}) for name, text in world.calendars.items()
    }
    return {name: compile_calendar(spec, specs, name=name) for name, spec in specs.items()}
