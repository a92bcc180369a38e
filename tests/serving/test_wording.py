import unicodedata
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.wording import LocalTime, age, of_hundred, one_line, percent, relative, rough_time, wall_time, working_time

HOUR = 3600


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 min"), (29, "0 min"), (1800, "30 min"), (HOUR, "1 h"), (12000, "3 h 20 min"), (-5 * HOUR, "−5 h"), (30 * HOUR, "30 h"), (1500 * HOUR, "1 500 h"), (-10, "0 min"), (3599.9, "1 h")],
)  # fmt: skip
def test_working_time_is_hours_and_minutes_never_days(seconds: float, words: str) -> None:
    assert working_time(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(15000, "4 h 10 min"), (11.6 * HOUR, "12 h"), (52 * HOUR, "2 d 4 h"), (240 * HOUR, "10 d"), (-48 * HOUR, "−2 d")],
)
def test_wall_time_may_use_days(seconds: float, words: str) -> None:
    assert wall_time(seconds) == words


def test_rough_time_has_one_unit() -> None:
    assert [rough_time(x * HOUR) for x in (0.5, 0.999, 2.6, -18.4)] == ["30 min", "1 h", "3 h", "18 h"]


def test_relative_time_says_which_way() -> None:
    assert [relative(s) for s in (5, 600, -600)] == ["now", "in 10 min", "10 min ago"]


def test_an_age_is_told_to_the_second_at_first() -> None:
    assert [age(s) for s in (-1, 40.4, 119, 180)] == ["0 s", "40 s", "119 s", "3 min"]


def test_per_cent_never_says_none_or_all_of_what_is_not() -> None:
    assert [percent(x) for x in (0, 0.001, 0.5, 0.999, 1, 1.2)] == ["0 %", "<1 %", "50 %", ">99 %", "100 %", "120 %"]
    assert [of_hundred(x) for x in (0.001, 0.92, 0.999)] == ["fewer than 1", "about 92", "more than 99"]


def test_times_are_the_desks_and_say_whose() -> None:
    berlin, now = LocalTime.named("Europe/Berlin"), datetime(2016, 5, 17, 6, 0, tzinfo=UTC)
    assert berlin.full(now) == "Tue 17 May 2016 08:00 CEST"
    assert berlin.short(now + timedelta(days=1), now) == "Wed 08:00"
    assert berlin.short(now + timedelta(days=30), now) == "16 Jun 08:00"
    assert berlin.short(now - timedelta(days=300), now) == "22 Jul 2015"
    assert berlin.short(now - timedelta(days=7), now) == "10 May 08:00"  # never a weekday that could be today's


@pytest.mark.parametrize(("hours", "name"), [(-3, "UTC−03"), (5.5, "UTC+05:30")])
def test_a_zone_without_letters_is_named_by_its_offset(hours: float, name: str) -> None:
    local = LocalTime(
        timezone(
            timedelta(hours=hours), name=f"{'-' if hours < 0 else '+'}{abs(int(hours)):02d}{'30' if hours % 1 else ''}"
        )
    )
    assert local.zone_name(datetime(2026, 1, 1, tzinfo=UTC)) == name


def test_hostile_text_becomes_one_harmless_line() -> None:
    assert one_line("a\x1b[31mred\x07\nb\u202eevil\u200b  c") == "a[31mred bevil c"


@given(st.text(st.characters() | st.sampled_from(" \t\n\u00a0\u3000\u200b\u202e\x1ba"), max_size=30))
def test_one_line_has_no_control_characters_and_single_spaces(text: str) -> None:
    kept = "".join(" " if char.isspace() else char for char in text if char.isspace() or unicodedata.category(char)[0] != "C")  # fmt: skip
    assert one_line(text) == " ".join(kept.split())
