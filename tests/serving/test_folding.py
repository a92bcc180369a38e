"""Templates whose phrases were written in when they were compiled show what they showed when each phrase was looked up."""

from __future__ import annotations

import re
from unittest.mock import patch

import pytest
from jinja2 import Environment
from jinja2.compiler import CodeGenerator

from serving.risk import Risk
from serving.web import frame
from serving.web.folding import PhraseFolder
from serving.web.frame import Pages, options
from serving.web.language import languages
from serving.web.ticket_page import hundred_dots
from tests.serving.real_desk import fitted_bundle, random_events
from tests.serving.stored_desk import Desk

AGE = re.compile(r'<span data-age="[0-9.]*">[^<]*</span>')


def environment_of(folded: bool, tag: str) -> Environment:
    with patch.object(frame, "PhraseFolder", PhraseFolder if folded else CodeGenerator):
        return Pages.build().environments[tag]


def test_every_page_is_the_same_letter_by_letter(desk: Desk) -> None:
    desk.service.source.use(fitted_bundle(random_events(30)), "")  # type: ignore[attr-defined]
    desk.service.ticker._next_tick = 0.0
    assert desk.service.ticker.step()
    client, rows = desk.client(), desk.service.queue()[0].rows
    tickets = {row.risk: row.ticket_id for row in rows}
    assert {Risk.PAUSED, Risk.BREACHED} < set(tickets)
    what_if = f"/tickets/{rows[0].ticket_id}?if_priority={rows[-1].priority}"
    paths = [f"/tickets/{ticket}" for ticket in tickets.values()] + [what_if, "/queue", "/services", "/levels", "/none"]
    desk.app.state.levels.clocks(desk.service.queue()[0])  # else they are counted beside the first look
    for tag in languages():
        for path in paths:
            asked = {"Accept": "text/html", "Accept-Language": tag}
            folded = client.get(path, headers=asked).text
            with patch.dict(desk.app.state.pages.environments, {tag: environment_of(False, tag)}):
                plain = client.get(path, headers=asked).text
            assert AGE.sub("", folded) == AGE.sub("", plain)


def asks(environment: Environment, source: str) -> bool:
    """Whether the compiled template looks any phrase up."""
    code = environment.compile(source, raw=True)
    return any(f"resolve('{name}')" in str(code) for name in ("_", "gettext", "pgettext"))


@pytest.mark.parametrize("tag", languages())
@pytest.mark.parametrize(
    ("source", "is_constant"),
    [
        ("{{ _('Queue') }}", True),
        ("<b>{{ _('Of 100 tickets like this, <strong>%(number)s</strong> miss their target.', number=n) }}", False),
        ("{{ _(word) }}", False),
        ("{% for one in (_('Queue'), _('Services')) %}{{ one }}{% endfor %}", True),
        ("{{ pgettext('unit', 'h') }} {{ gettext('100 %%') }} {{ _('<i>') }}", True),
        ("{{ {'h': pgettext('unit', 'h'), 'q': _('Queue')} | tojson | forceescape }}", True),
        ("{% macro said(word) %}{{ word }}: {{ _('Queue') }}{% endmacro %}{{ said(_('Keys')) }}", True),
        ("{{ line(_('Queue')) }}", True),
    ],
)
def test_only_what_depends_on_nothing_is_written_in(tag: str, source: str, is_constant: bool) -> None:
    folded, plain = environment_of(True, tag), environment_of(False, tag)
    values = {"n": 3, "word": "Services", "line": lambda text: text + "<br>"}
    assert folded.from_string(source).render(values) == plain.from_string(source).render(values)
    assert asks(plain, source)
    assert asks(folded, source) is not is_constant


def test_choices_are_escaped_and_the_chosen_one_is_marked() -> None:
    assert options(("a", '<"b">\n c')) == (
        '<option value="a">a</option><option value="&lt;&#34;b&#34;&gt;\n c">&lt;&#34;b&#34;&gt; c</option>'
    )
    assert options(("a", "b"), "b") == '<option value="a">a</option><option value="b" selected>b</option>'


@pytest.mark.parametrize("missing", [0, 7, 100])
def test_as_many_dots_as_tickets_miss_are_marked_the_first_ones(missing: int) -> None:
    dots = re.findall(r'<circle cx="(\d)" cy="(\d)" r="0.36"( class="misses")?/>', hundred_dots(missing))
    assert [int(row) * 10 + int(column) for column, row, _misses in dots] == list(range(100))
    assert [bool(misses) for *_place, misses in dots] == [place < missing for place in range(100)]
