"""What can be wrong with a calendar; each text says why and what to do."""


class CalendarError(ValueError):
    """A calendar cannot be used as it is written."""


class NeverOpen(CalendarError):  # noqa: N818 - says what is the case, as a person would
    """A calendar has no opening, or not enough of it, where one is needed: waiting for it would never end."""


class OutOfSpan(CalendarError):  # noqa: N818 - as above
    """An instant lies outside the years that calendars cover."""
