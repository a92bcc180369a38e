"""Working time: calendars compiled into tables that are searched."""
