"""Every text of the pages is in the catalogue and translated; each reader gets the language they asked for."""

from __future__ import annotations

import ast
import re
from http import HTTPStatus
from pathlib import Path

import pytest
from jinja2 import Environment

from models.phrases import FLAGS, LOADS, WORDED
from serving.risk import Group, Risk
from serving.selection import View
from serving.web.assets import TEMPLATES
from serving.web.catalogue import FOLDER, Catalogue, CatalogueError, entries_of, key_of
from serving.web.frame import ERROR_TITLES
from serving.web.language import languages, preferred
from serving.wording import CHINESE_DATES, LocalTime
from simulation.staffing import Demand, Promise, staffing
from tests.serving.builders import NOW, FixedSource, busy_desk, client_of, service_over
from tests.serving.stored_desk import Desk

WEB = TEMPLATES.parent
CHINESE = languages()["zh-Hans"]


def texts_of_templates() -> dict[str, str]:
    """Each text that a template says, with where."""
    environment = Environment(extensions=["jinja2.ext.i18n"], autoescape=True)
    found = {}
    for path in sorted(TEMPLATES.glob("*.html")):
        for line, function, message in environment.extract_translations(path.read_text(encoding="utf-8")):  # type: ignore[attr-defined]
            texts = message if isinstance(message, tuple) else (message,)
            keys = [key_of(texts[1], texts[0])] if function == "pgettext" else [text for text in texts if text]
            found |= {key: f"{path.name}:{line}" for key in keys if key}
    return found


def texts_of_modules() -> dict[str, str]:
    """Each text that a module of the pages marks with `phrase`, with where."""
    found = {}
    for path in sorted(WEB.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "phrase":
                assert isinstance(node.args[0], ast.Constant), f"{path.name}:{node.lineno}: phrase() takes a plain text"
                found[str(node.args[0].value)] = f"{path.name}:{node.lineno}"
    return found


def test_every_text_of_templates_and_pages_is_translated() -> None:
    wanted = texts_of_templates() | texts_of_modules()
    assert len(wanted) > 100
    missing = {text: where for text, where in wanted.items() if text not in CHINESE.catalogue.texts}
    entries = "\n".join(f'#: {where}\nmsgid "{text}"\nmsgstr ""\n' for text, where in missing.items())
    assert not missing, f"add to a catalogue in serving/web/locale/zh_Hans:\n{entries}"


def test_every_text_stands_in_a_template_only_inside_a_mark() -> None:
    """Words between tags that no catalogue would find: a page half in English."""
    stray = []
    for path in sorted(TEMPLATES.glob("*.html")):
        text = re.sub(
            r"\{#.*?#\}|\{% block page_attributes %\}.*?endblock %\}|\{%.*?%\}|\{\{.*?\}\}",
            " ",
            path.read_text(encoding="utf-8"),
            flags=re.DOTALL,
        )
        text = re.sub(r"<(script|style|kbd)\b.*?</\1>", " ", text, flags=re.DOTALL)
        plain = re.sub(r"<[^>]*>", "\n", text)
        stray += [
            f"{path.name}: {word}"
            for word in re.findall(r"[A-Za-z][a-z]{2,}[^\n]*", plain)
            if word.strip() != "slacast"
        ]
        stray += [
            f"{path.name}: {found}"
            for found in re.findall(r'(?:placeholder|aria-label|title)="[A-Z][a-z]+[^"]*"', text)
        ]
    assert stray == []


def test_translations_keep_the_places_of_their_texts() -> None:
    for key, text in CHINESE.catalogue.texts.items():
        for form in (r"%\(\w+\)s", r"\{\w+\}", r"<[^>]+>"):
            assert sorted(set(re.findall(form, key))) == sorted(set(re.findall(form, text))), key
        assert text.strip()


def test_each_text_of_a_template_can_be_filled_in_in_both_languages() -> None:
    """A lone per cent sign would break the page of that language only."""
    for key, where in texts_of_templates().items():
        values = dict.fromkeys(re.findall(r"%\((\w+)\)s", key), "7")
        for text in (key, CHINESE.catalogue.texts.get(key, key)):
            try:
                text % values
            except (ValueError, TypeError, KeyError) as fault:
                pytest.fail(f"{where}: {text!r}: {fault}")


@pytest.mark.parametrize("with_model", [True, False])
def test_what_the_service_says_of_tickets_is_said_in_the_other_language_too(with_model: bool) -> None:
    desk = busy_desk(150, with_model=with_model)
    words = [risk.word for risk in Risk] + [group.word for group in Group] + [view.word for view in View]
    said = [row.why_here for row in desk.rows] + (
        [] if with_model else [text for row in desk.rows for text in row.reasons]
    )
    untold = [text for text in (*words, *said) if re.search(r"[A-Za-z]{3,}", CHINESE.said(text).replace("CEST", ""))]
    assert untold == []


def words_left(text: str) -> list[str]:
    """English words that are left of a sentence in the other language."""
    return re.findall(r"[A-Za-z]{3,}", re.sub(r"CEST|Erlang [AC]|Ada", "", CHINESE.said(text)))


def test_what_a_model_says_of_a_ticket_is_said_in_the_other_language_in_small_and_capital_letters() -> None:
    worded = [words.format(value=value) for words in WORDED.values() for value in ("3.7 days", "40 min", "twice")]
    loads = [words.format(value="3 tickets", key=key) for words in LOADS.values() for key in ("team", "assignee")]
    flags = [text for both in FLAGS.values() for text in both]
    records = [
        f"tickets with this {key} {how}"
        for key in ("team", "customer", "opener", "title")
        for how in ("fare like most", "breach less often than most of late (odds 4.7 times lower)", "breach more often than most (odds over 10 times higher)", "take over 10 times as long as most", "take 1.9 times as long as most", "differ more in length than most")
    ]  # fmt: skip
    texts = [*worded, *loads, *flags, *records, "unlike tickets that say: 打印机"]
    compared = [f"{text}: usual is {usual}" for text in worded for usual in ("13 h", "2.2 days")]
    for text in (*texts, *compared):
        for form in (text, text[:1].upper() + text[1:]):
            assert words_left(form) == [], (form, CHINESE.said(form))


@pytest.mark.parametrize("patience_seconds", [None, 60.0])
def test_each_step_to_the_number_of_people_is_said_in_the_other_language(patience_seconds: float | None) -> None:
    found = staffing(Demand(100, 1800, 180, patience_seconds=patience_seconds), Promise(20, 0.8, shrinkage=0.3))
    assert len(found.steps) == 6
    assert [words_left(step) for step in found.steps] == [[]] * 6
    assert "14" in CHINESE.said(found.steps[-1]) or patience_seconds


def test_what_a_clock_did_is_said_in_the_other_language(desk: Desk) -> None:
    """Of every ticket of a random desk: days, pauses, holidays, the due time, and why the agreement applies."""
    service, seen = desk.service, set()
    for place in range(30):
        found = service.source.ticket(f"T{place:03d}", service.standing.queue.as_of)  # type: ignore[union-attr]
        if found is None or found.leading is None:
            continue
        for text in (*(step.text for step in found.leading.steps), found.leading.why):
            seen.add(re.sub(r".*: |\d.*", "", text))
            assert words_left(text) == [], (text, CHINESE.said(text))
    assert len(seen) >= 4


def test_an_error_is_told_in_the_readers_language() -> None:
    told = {HTTPStatus(status).phrase for status in (400, 401, 403, 404, 405, 409, 422, 429, 500, 503)}
    assert told <= set(ERROR_TITLES)
    answer = client_of(service_over(FixedSource(busy_desk()))).get("/nothing", headers={"Accept": "text/html", "Accept-Language": "zh"})  # fmt: skip
    assert answer.status_code == 404
    assert "<h1>未找到</h1>" in answer.text


def test_a_sentence_nobody_translated_stays_as_it_is() -> None:
    assert CHINESE.said("The moon is full") == "The moon is full"
    assert CHINESE.said("") == ""


def test_spans_and_dates_are_written_as_the_language_does() -> None:
    assert CHINESE.spans("4 h 10 min") == "4 小时 10 分"
    assert CHINESE.said("in 2 d 4 h") == "2 天 4 小时后"
    berlin = LocalTime.named("Europe/Berlin", CHINESE_DATES)
    assert berlin.full(NOW) == "周二 2016年5月17日 08:04 CEST"


@pytest.mark.parametrize(
    ("header", "tag"),
    [("", "en"), ("zh-CN,zh;q=0.9,en;q=0.8", "zh-Hans"), ("en-GB,zh;q=0.5", "en"), ("zh;q=0, en;q=0.1", "en"), ("fr,zh-TW;q=0.2", "zh-Hans"), ("*", "en"), (";;q=9,\x00", "en")],
)  # fmt: skip
def test_the_browser_is_asked_what_it_prefers(header: str, tag: str) -> None:
    assert preferred(header).tag == tag


def test_the_address_chooses_a_language_and_a_cookie_keeps_it() -> None:
    client = client_of(service_over(FixedSource(busy_desk(20))))
    english = client.get("/queue")
    assert 'lang="en"' in english.text
    chinese = client.get("/queue", params={"lang": "zh-Hans", "sort": "due"})
    assert '<html lang="zh-Hans">' in chinese.text
    assert "sort=due&amp;lang=en" in chinese.text  # the way back keeps what is shown
    kept = client.get("/queue")
    assert '<html lang="zh-Hans">' in kept.text
    assert kept.headers["etag"] != english.headers["etag"]
    assert "Accept-Language" in kept.headers["vary"]
    assert '<html lang="en">' in client.get("/queue", params={"lang": "en"}).text
    assert '<html lang="en">' in client.get("/queue", params={"lang": "xx"}).text


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('msgid "A"\nmsgstr ""\n', "has no translation"),
        ('"loose"\n', "no line of a gettext catalogue"),
    ],
)
def test_a_faulty_catalogue_is_refused(tmp_path: Path, text: str, fault: str) -> None:
    (tmp_path / "a.po").write_text(text, encoding="utf-8")
    with pytest.raises(CatalogueError, match=fault):
        Catalogue.read(tmp_path)


def test_no_text_is_translated_twice_differently() -> None:
    """The first would hold, and a page would wonder why its own does not."""
    found: dict[str, tuple[str, str]] = {}
    for place, key, text in entries_of(FOLDER / "zh_Hans"):
        assert found.setdefault(key, (text, place))[0] == text, f"{place} and {found[key][1]}: {key!r}"


def test_long_and_plural_entries_are_read() -> None:
    assert {path.name for path in (FOLDER / "zh_Hans").glob("*.po")} >= {"frame.po"}
    assert CHINESE.ngettext("%(count)s ticket", "%(count)s tickets", 2) == CHINESE.gettext("%(count)s ticket")
