"""The countries and subdivisions whose holidays are known."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def check_place(country: str, subdivision: str | None, categories: Iterable[str]) -> None:
    """Raise ValueError, with the nearest known name, unless `holidays` knows the country, subdivision and categories."""
    import holidays  # takes 0.4 s to load, which calendars without a country need not wait for

    try:
        law = holidays.country_holidays(country, years=2024)
    except (NotImplementedError, AttributeError) as error:
        known = holidays.list_supported_countries()
        raise ValueError(_unknown("country", country, known, "an ISO 3166 code, for example DE")) from error
    subdivisions = [*law.subdivisions, *law.subdivisions_aliases]
    if subdivision is not None and subdivision not in subdivisions:
        raise ValueError(_unknown(f"subdivision of {country}", subdivision, subdivisions, "one of its codes"))
    for category in categories:
        if category not in law.supported_categories:
            raise ValueError(_unknown(f"category of {country}", category, law.supported_categories, "one of them"))


def _unknown(what: str, value: str, known: Iterable[str], expected: str) -> str:
    names = sorted(known)
    close = difflib.get_close_matches(value.upper(), names, n=1) or difflib.get_close_matches(value, names, n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    listed = f" ({', '.join(names)})" if 0 < len(names) <= 40 else ""
    return f"{value!r} is not a known {what}: {hint}write {expected}{listed}"
