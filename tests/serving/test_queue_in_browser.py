"""Working the queue in a real browser: keys, ticks, bulk, holding still, both languages, print, and an address that says it all."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect

from features.store.repository import open_store
from serving.app import application
from tests.serving.browser import served, visit
from tests.serving.builders import FixedSource, busy_desk, queue_of, service_over

DESK = busy_desk(70)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with open_store(f"sqlite:///{tmp_path_factory.mktemp('marks')}/desk.db") as store:
        service = service_over(FixedSource(DESK), tick_seconds=3600, poll_seconds=1)
        service.ticker.step()
        with served(application(replace(service, store=store))) as found:
            yield found


def tickets_on(page: Page) -> list[str]:
    return page.locator("tr[data-ticket] .c-ticket a").all_inner_texts()


def test_the_keys_walk_tick_open_search_and_explain(browser: Browser, address: str) -> None:
    with visit(browser, f"{address}/queue") as page:
        names = tickets_on(page)
        for _ in range(3):
            page.keyboard.press("j")
        page.keyboard.press("k")
        assert page.evaluate("document.activeElement.textContent") == names[1]
        page.keyboard.press("x")
        assert page.locator("tr[data-ticket] input:checked").evaluate("box => box.value") == names[1]
        expect(page.locator(".bulk .ticked")).to_have_text("1 ticked")
        page.keyboard.press("Escape")
        assert page.locator("tr[data-ticket] input:checked").count() == 0
        page.keyboard.press("?")
        expect(page.locator("#help")).to_be_visible()
        expect(page.locator("#held")).to_contain_text("dialog")
        assert Axe().run(page).violations_count == 0
        page.keyboard.press("Escape")
        expect(page.locator("#help")).to_be_hidden()
        page.keyboard.press("/")
        page.keyboard.type("jkx?g")  # a letter typed into a field stays a letter
        assert page.locator("input[name=q]").input_value() == "jkx?g"
        page.keyboard.press("Escape")
        page.keyboard.press("g")
        page.keyboard.press("3")
        page.wait_for_url("**/queue?view=breached")
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.wait_for_url("**/tickets/*")
        page.keyboard.press("u")
        page.wait_for_url(f"{address}/queue")


def test_ticked_rows_hold_the_page_still_and_are_assigned_together(browser: Browser, address: str) -> None:
    with visit(browser, f"{address}/queue?sort=due") as page:
        polls: list[str] = []
        page.on(
            "request", lambda request: polls.append(request.url) if request.is_navigation_request() is False else None
        )
        names = tickets_on(page)[:2]
        for name in names:
            page.check(f"#tick-{name}")
        expect(page.locator("#held")).to_contain_text("Not updating while tickets are ticked")
        assert Axe().run(page).violations_count == 0
        before = len(polls)
        page.wait_for_timeout(1300)  # a poll would have come
        assert len(polls) == before
        page.fill(".bulk input[name=assignee]", "B. Ito")
        page.click(".bulk button[value=assign]")
        expect(page.locator("#announcer")).to_contain_text("Done: 2 tickets")
        expect(page.locator(".bulk")).to_be_hidden()
        expect(page.locator(f"tr[data-ticket={names[0]}] .c-owner")).to_contain_text("→ B. Ito")
        assert page.url == f"{address}/queue?sort=due"
        assert tickets_on(page)[:2] == names


def test_a_snoozed_ticket_goes_and_is_found_under_its_view(browser: Browser, address: str) -> None:
    with visit(browser, f"{address}/queue") as page:
        name = tickets_on(page)[3]
        page.check(f"#tick-{name}")
        page.select_option(".bulk select[name=until]", "news")
        page.click(".bulk button[value=snooze]")
        expect(page.locator(f"tr[data-ticket={name}]")).to_have_count(0)
        page.click("#view-snoozed")
        page.wait_for_url("**/queue?view=snoozed")
        expect(page.locator(f"tr[data-ticket={name}]")).to_contain_text("snoozed until something happens")
        page.check(f"#tick-{name}")
        page.click(".bulk button[value=wake]")
        expect(page.locator(f"tr[data-ticket={name}]")).to_have_count(0)


def test_a_snooze_until_a_date_asks_for_the_date_only_then(browser: Browser, address: str) -> None:
    with visit(browser, f"{address}/queue") as page:
        name = tickets_on(page)[4]
        page.check(f"#tick-{name}")
        asked = page.locator(".bulk input[name=until_date]")
        expect(asked).to_be_hidden()
        page.select_option(".bulk select[name=until]", "date")
        expect(asked).to_be_visible()
        asked.fill(asked.get_attribute("min") or "")
        assert Axe().run(page).violations_count == 0
        page.click(".bulk button[value=snooze]")
        expect(page.locator(f"tr[data-ticket={name}]")).to_have_count(0)
        page.goto(f"{address}/queue?view=snoozed")
        expect(page.locator(f"tr[data-ticket={name}] .c-risk")).to_contain_text("08:00")
        page.check(f"#tick-{name}")
        page.click(".bulk button[value=wake]")
        expect(page.locator(f"tr[data-ticket={name}]")).to_have_count(0)


def test_the_keys_acknowledge_together_and_lead_to_every_view(browser: Browser, address: str) -> None:
    with visit(browser, f"{address}/queue?view=at_risk") as page:
        names = tickets_on(page)[:2]
        for key in ("j", "x", "j", "x", "a"):
            page.keyboard.press(key)
        assert page.evaluate("document.activeElement.name") == "assignee"
        page.click(".bulk button[value=acknowledge]")
        expect(page.locator("#announcer")).to_contain_text("Done: 2 tickets")
        for name in names:
            expect(page.locator(f"tr[data-ticket={name}] .c-risk")).to_contain_text("acknowledged")
        for key, view in (("4", "unassigned"), ("5", "paused"), ("2", "at_risk")):
            page.keyboard.press("g")
            page.keyboard.press(key)
            page.wait_for_url(f"**/queue?view={view}")
        page.keyboard.press("g")
        page.keyboard.press("1")
        page.wait_for_url("**/queue")


@pytest.mark.parametrize("slow", ["view=at_risk", "view=breached"])
def test_of_two_views_pressed_fast_the_second_is_shown_whichever_answer_comes_first(
    browser: Browser, address: str, slow: str
) -> None:
    held: list[Route] = []
    with visit(browser, f"{address}/queue") as page:
        page.route(f"**/queue?{slow}", lambda route: held.append(route))
        for key in ("2", "3"):
            page.keyboard.press("g")
            with page.expect_request(f"**/queue?view={'at_risk' if key == '2' else 'breached'}"):
                page.keyboard.press(key)
        if slow == "view=breached":
            page.wait_for_timeout(300)  # time for the first answer, which nobody waits for any more, to do harm
        for route in held:
            route.continue_()
        page.wait_for_url(f"{address}/queue?view=breached")
        expect(page.locator("#view-breached")).to_have_attribute("aria-current", "true")
        assert set(tickets_on(page)) == {row.ticket_id for row in DESK.rows if row.group == "late_or_lost"}


def test_the_csv_is_the_whole_list_that_is_shown(browser: Browser, address: str) -> None:
    with visit(browser, f"{address}/queue?sort=due&view=at_risk&q=network") as page:
        names, pages = tickets_on(page), 1
        with page.expect_download() as found:
            page.click("#csv")
        rows = list(csv.DictReader(found.value.path().read_text(encoding="utf-8-sig").splitlines()))
        while page.locator("#page-next").count():
            pages += 1
            page.goto(f"{address}/queue?sort=due&view=at_risk&q=network&p={pages}")
            names += tickets_on(page)
        assert [row["ticket_id"] for row in rows] == names != []


def test_bulk_works_without_script(browser: Browser, address: str) -> None:
    with visit(browser, f"{address}/queue", java_script_enabled=False) as page:
        name = tickets_on(page)[5]
        page.check(f"#tick-{name}")
        page.click(".bulk button[value=seen]")
        expect(page.locator(f"tr[data-ticket={name}] .c-risk")).to_contain_text("seen")
        assert page.url == f"{address}/queue"


def test_a_view_is_saved_under_a_name(browser: Browser, address: str) -> None:
    with visit(browser, f"{address}/queue?team=Network&sort=risk") as page:
        page.click("#save-view summary")
        page.fill("#save-view input[name=name]", "Network first")
        page.click("#save-view button[value=save]")
        page.wait_for_url("**/queue?team=Network&sort=risk")
        expect(page.get_by_role("link", name="Network first")).to_have_attribute("aria-current", "true")
        page.goto(f"{address}/queue")
        page.get_by_role("link", name="Network first").click()
        page.wait_for_url("**/queue?team=Network&sort=risk")
        assert set(page.locator("tr[data-ticket] .c-owner .clamp").all_inner_texts()) == {"Network"}


@pytest.mark.parametrize(("tag", "word", "time"), [("en", "Time left", r"^(Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d"), ("zh-Hans", "剩余时间", r"^周. \d")])  # fmt: skip
def test_each_reader_has_their_language_in_words_dates_and_script(
    browser: Browser, address: str, tag: str, word: str, time: str
) -> None:
    locale = {"en": "en-GB", "zh-Hans": "zh-CN"}[tag]
    with visit(browser, f"{address}/queue?sort=due", locale=locale, timezone_id="Asia/Shanghai") as page:
        assert page.locator("html").get_attribute("lang") == tag
        assert word in page.locator("th.c-left").inner_text()
        assert page.locator("td.c-due time").first.evaluate(
            "(cell, form) => new RegExp(form).test(cell.textContent)", time
        )
        assert Axe().run(page).violations_count == 0
        other = "zh-Hans" if tag == "en" else "en"
        page.click(f"#language-{other}")
        expect(page.locator("html")).to_have_attribute("lang", other)
        page.goto(f"{address}/queue")
        assert page.locator("html").get_attribute("lang") == other  # a cookie keeps it


def test_on_paper_there_is_the_list_and_nothing_to_click(browser: Browser, address: str) -> None:
    with visit(browser, f"{address}/queue", color_scheme="dark") as page:
        page.emulate_media(media="print")
        for hidden in (".filters", ".top nav", "#save-view", ".language", "#open-help", "td.c-select"):
            assert not page.locator(hidden).first.is_visible(), hidden
        assert page.locator("tr[data-ticket]").first.is_visible()
        assert page.locator("#age").is_visible()
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_a_row_that_left_is_dimmed_and_the_new_order_waits(browser: Browser, tmp_path: Path) -> None:
    source = FixedSource(DESK)
    service = service_over(source, tick_seconds=3600, news_seconds=0.05, poll_seconds=1)
    service.ticker.step()
    with served(application(service)) as address, visit(browser, f"{address}/queue") as page:
        names = tickets_on(page)
        source.queue, source.has_news = queue_of(row for row in DESK.rows if row.ticket_id != names[0]), True
        later = replace(source.queue, last_sequence=1)
        source.queue = later
        expect(page.locator("#news")).to_contain_text("1 left this page")
        expect(page.locator(f"tr.gone[data-ticket={names[0]}]")).to_be_visible()
        assert tickets_on(page) == names
        page.click("#show-news")
        expect(page.locator(f"tr[data-ticket={names[0]}]")).to_have_count(0)
