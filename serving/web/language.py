"""The languages of the pages: which one a reader wants, and how it says things."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache, partial

from fastapi import Request

from serving import wording
from serving.web.catalogue import FOLDER, Catalogue, key_of

COOKIE = "slacast_language"
PARAMETER = "lang"
_UNITS = re.compile(r"(?<=\d)([ \u00a0])(h|min|d|s)(?![A-Za-z])")
_WEEKDAY = re.compile(rf"\b({'|'.join(wording.ENGLISH_DATES.weekdays)})\b(?= \d)")
_DAY = re.compile(rf"\b(\d{{1,2}}) ({'|'.join(wording.ENGLISH_DATES.months)})\b( \d{{4}})?")
_PLACE = re.compile(r"\{(\w+)\}")
_HTTP_FORM = re.compile(r"\s*([A-Za-z-]{1,20}|\*)\s*(?:;\s*q=([01](?:\.\d{0,3})?))?\s*")
_SAID_AGAIN = frozenset(
    {"key", "sentence", "times", "value", "what", "when"}
)  # parts of a sentence that are texts of ours themselves


def phrase(text: str) -> str:
    """The text itself; marks it as one that the pages show, so that the catalogues must have it."""
    return text


@dataclass(frozen=True)
class Language:
    """One language. `tag` is its BCP 47 tag, `name` what its readers call it."""

    tag: str
    name: str
    catalogue: Catalogue = field(default_factory=Catalogue, repr=False)
    dates: wording.DateWords = wording.ENGLISH_DATES

    def __post_init__(self) -> None:
        object.__setattr__(self, "_forms", self.catalogue.forms())
        object.__setattr__(self, "_said", {})

    def gettext(self, text: str) -> str:
        """The text in this language, or as it is."""
        return self.catalogue.texts.get(text, text)

    def ngettext(self, one: str, many: str, number: int) -> str:
        """The text for that number."""
        return self.gettext(one if number == 1 else many)

    def pgettext(self, context: str, text: str) -> str:
        """The text as meant in that context."""
        return self.catalogue.texts.get(key_of(text, context), text)

    def said(self, text: str) -> str:
        """A sentence that the service put together, in this language; as it is where no catalogue knows its form."""
        if not self.catalogue.texts or not text:
            return text
        known: dict[str, str] = self._said  # type: ignore[attr-defined]  # set in __post_init__
        if text not in known:
            if len(known) > 20_000:
                known.clear()
            known[text] = self._told(text)
        return known[text]

    def _told(self, text: str) -> str:
        plain = text.replace("\u00a0", " ")
        forms = (plain, plain[:1].lower() + plain[1:])  # reasons begin small in the catalogue and large in a list
        for form in forms:
            if form in self.catalogue.texts:
                return self.catalogue.texts[form]
        for pattern, told in self._forms:  # type: ignore[attr-defined]  # set in __post_init__; the longest first
            for form in forms:
                if found := pattern.fullmatch(form):
                    return self.spans(_PLACE.sub(partial(self._part, found), told))
        return self.spans(text)

    def _part(self, found: re.Match[str], place: re.Match[str]) -> str:
        text = found[place[1]]
        return self.said(text) if place[1] in _SAID_AGAIN else text

    def spans(self, text: str) -> str:
        """The text with its spans of time and dates in this language: `4 h 10 min`, `Mon 16 May 14:10`."""
        if not self.catalogue.texts:
            return text
        dated = _DAY.sub(self._day, _WEEKDAY.sub(self._weekday, text))
        return _UNITS.sub(lambda found: found[1] + self.pgettext("unit", found[2]), dated)

    def _weekday(self, found: re.Match[str]) -> str:
        return self.dates.weekdays[wording.ENGLISH_DATES.weekdays.index(found[0])]

    def _day(self, found: re.Match[str]) -> str:
        month = self.dates.months[wording.ENGLISH_DATES.months.index(found[2])]
        form = self.dates.day_of_year if found[3] else self.dates.day
        return form.format(day=found[1], month=month, year=(found[3] or "").strip())


ENGLISH = Language("en", "English")


@cache
def languages() -> dict[str, Language]:
    """Every language by its tag, the source language first."""
    chinese = Language("zh-Hans", "简体中文", Catalogue.read(FOLDER / "zh_Hans"), wording.CHINESE_DATES)
    return {found.tag: found for found in (ENGLISH, chinese)}


def language_of(request: Request) -> Language:
    """The language of an answer: the one in the address (`?lang=zh-Hans`), else the one kept in a cookie, else what the browser prefers."""
    known = languages()
    for wanted in (request.query_params.get(PARAMETER), request.cookies.get(COOKIE)):
        if wanted in known:
            return known[wanted]
    return preferred(request.headers.get("accept-language", ""))


def preferred(accepted: str) -> Language:
    """The language an Accept-Language header asks for first among ours (RFC 9110, 12.5.4); English where it asks for none of them."""
    wishes = []
    for place, part in enumerate(accepted[:1000].split(",")):
        if found := _HTTP_FORM.fullmatch(part):
            wishes.append((-float(found[2] or 1), place, found[1].lower()))
    for weight, _place, wish in sorted(wishes):
        for tag, language in languages().items():
            if weight < 0 and wish.split("-")[0] == tag.split("-")[0].lower():
                return language
    return ENGLISH


def language_chosen(request: Request) -> str | None:
    """The tag to keep in the cookie, None where the address asks for nothing new."""
    wanted = request.query_params.get(PARAMETER)
    return wanted if wanted in languages() and wanted != request.cookies.get(COOKIE) else None
