"""The pages as a person meets them, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, expect

from features.store.repository import open_store
from serving.app import application
from serving.risk import Risk
from serving.settings import Settings
from serving.workplace import build_service
from tests.serving.browser import launched, served, visit
from tests.serving.builders import NOW, FixedSource, busy_desk, clock, queue_of, row, service_over
from tests.serving.real_desk import AGREEMENTS, AT, frame_of, random_events

SCREENS = Path(__file__).resolve().parents[2] / "var" / "screens"
DESK = busy_desk(130)
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)> {{7*7}} \u202egnirts\x00\x1b[31m " + "W" * 400


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as found:
        yield found


def app_over(source: FixedSource, **settings: object) -> FastAPI:
    service = service_over(source, **settings)  # type: ignore[arg-type]
    service.ticker.step()
    return application(service)


@pytest.fixture(scope="module")
def desk() -> Iterator[str]:
    with served(app_over(FixedSource(DESK), news_seconds=5, tick_seconds=3600)) as address:
        yield address


@pytest.fixture(scope="module")
def rules_only() -> Iterator[str]:
    with served(app_over(FixedSource(busy_desk(12, with_model=False)), tick_seconds=3600)) as address:
        yield address


def tickets_on(page: Page) -> list[str]:
    return page.locator("tr[data-ticket] .c-ticket a").all_inner_texts()


def test_the_queue_shows_the_first_fifty_in_the_suggested_order(browser: Browser, desk: str) -> None:
    with visit(browser, desk) as page:
        assert page.url == f"{desk}/queue"
        assert tickets_on(page) == [item.ticket_id for item in DESK.rows[:50]]
        assert page.locator("#age").inner_text().startswith("Tue 17 May 2016 08:04 CEST")
        assert "by breach v7" in page.locator("#age").inner_text()
        first = page.locator("tr[data-ticket]").first.inner_text()
        assert DESK.rows[0].risk.word in first
        assert DESK.rows[0].reasons[0] in first.replace("\xa0", " ")
        page.click("#page-next")
        page.wait_for_url("**p=2")
        assert tickets_on(page) == [item.ticket_id for item in DESK.rows[50:100]]


def test_lateness_is_on_top_of_every_view(browser: Browser, desk: str) -> None:
    with visit(browser, f"{desk}/queue?view=at_risk") as page:
        assert page.locator("#view-breached .count").inner_text() == str(DESK.counts.late_or_lost)
        page.click("#view-breached")
        page.wait_for_url("**/queue?view=breached")
        assert "tell the customer" in page.locator("tbody.late_or_lost .group").inner_text()
        assert set(tickets_on(page)) == {item.ticket_id for item in DESK.rows if item.group == "late_or_lost"}
        page.click("#view-paused")
        page.wait_for_url("**/queue?view=paused")
        counts = [int(text) for text in page.locator("tr.group .count").all_inner_texts()]
        assert sum(counts) == DESK.counts.paused == len(tickets_on(page))
        page.go_back()
        page.wait_for_url("**/queue?view=breached")
        expect(page.locator("#view-breached")).to_have_attribute("aria-current", "true")
        assert set(tickets_on(page)) == {item.ticket_id for item in DESK.rows if item.group == "late_or_lost"}


def test_a_view_can_be_linked_and_back_returns_to_it(browser: Browser, desk: str) -> None:
    link = f"{desk}/queue?view=save_now&team=Network&q=laptop&sort=risk"
    expected = [
        item for item in DESK.rows if item.group == "save_now" and item.team == "Network" and "laptop" in item.title
    ]
    with visit(browser, link) as page:
        shown = tickets_on(page)
        assert set(shown) == {item.ticket_id for item in expected}
        assert page.locator("select[name=team]").input_value() == "Network"
        assert page.locator("input[name=q]").input_value() == "laptop"
        page.click(f"#ticket-{shown[0]}")
        assert shown[0] in page.locator("h1").inner_text()
        page.go_back()
        assert page.url == link
        assert tickets_on(page) == shown


def test_a_filter_acts_at_once_and_lives_in_the_address(browser: Browser, desk: str) -> None:
    with visit(browser, f"{desk}/queue?sort=due") as page:
        page.select_option("select[name=priority]", "1")
        page.wait_for_url("**/queue?*priority=1*")
        assert "team=" not in page.url  # what is not set does not clutter the link
        assert "sort=due" in page.url
        assert set(tickets_on(page)) <= {item.ticket_id for item in DESK.rows if item.priority == "1"}
        page.click("text=Clear filters")
        page.wait_for_url(f"{desk}/queue?sort=due")


def test_a_heading_sorts_the_right_way_first_and_the_other_way_next(browser: Browser, desk: str) -> None:
    with visit(browser, f"{desk}/queue") as page:
        page.click("#sort-risk")
        expect(page.locator("th[aria-sort=descending]")).to_contain_text("Risk")
        assert page.locator("th[aria-sort]").count() == 1
        assert page.evaluate("document.activeElement.id") == "sort-risk"  # in place: the focus stays where it was
        assert page.locator("tr[data-ticket]").first.get_attribute("data-risk") == Risk.BREACHED
        page.click("#sort-due")
        expect(page.locator("th[aria-sort=ascending]")).to_contain_text("Due")
        page.click("#sort-due")
        expect(page.locator("th[aria-sort=descending]")).to_contain_text("Due")
        page.go_back()
        expect(page.locator("th[aria-sort=ascending]")).to_contain_text("Due")
        page.click("#sort-suggested")
        page.wait_for_url(f"{desk}/queue")
        expect(page.locator("th[aria-sort]")).to_have_count(0)
        assert tickets_on(page)[0] == DESK.rows[0].ticket_id


def test_everything_works_without_script(browser: Browser, desk: str) -> None:
    with visit(browser, f"{desk}/queue", java_script_enabled=False) as page:
        page.fill("input[name=q]", "printer")
        page.select_option("select[name=team]", "Network")
        page.click("button[type=submit]")
        expected = {item.ticket_id for item in DESK.rows if "Printer" in item.title and item.team == "Network"}
        assert expected
        assert set(tickets_on(page)) == expected
        assert "CEST" in page.locator("th.c-due").inner_text()
        page.click("td.c-ticket a")
        expect(page.locator(".card")).to_have_count(3)
        page.click("#back")
        assert page.url == f"{desk}/queue"


def test_times_are_the_readers_own_and_the_page_says_whose(browser: Browser, desk: str) -> None:
    with visit(browser, f"{desk}/queue?sort=due", timezone_id="America/New_York") as page:
        first = min((item for item in DESK.rows if item.clock.due_at), key=lambda item: item.clock.due_at or NOW)
        assert first.clock.due_at is not None
        local = first.clock.due_at - timedelta(hours=4)
        cell = page.locator("td.c-due time").first
        assert cell.inner_text() == f"{local:%a %H:%M}"
        assert "CEST" in (cell.get_attribute("title") or "")
        assert page.locator("th.c-due").inner_text().split()[-1] in ("UTC-4", "GMT-4", "EDT")
        assert page.locator(".moment").inner_text().startswith("Tue 17 May 2016 02:04")


def test_a_ticket_page_puts_the_model_beside_the_rules(browser: Browser, desk: str) -> None:
    found = next(item for item in DESK.rows if item.risk is Risk.HIGH_RISK)
    with visit(browser, f"{desk}/tickets/{found.ticket_id}") as page:
        risk = page.locator("section[aria-labelledby=card-risk]").inner_text()
        assert f"about {round((found.probability or 0) * 100)} miss" in risk
        assert "The rules say:" in risk
        assert page.locator(".dots .misses").count() == round((found.probability or 0) * 100)
        assert page.locator(".bar rect.ran").count() == 2
        assert page.locator(".bar rect.warning").count() == 1
        assert page.locator(".timeline li").count() == 3
        assert "paused 4 h waiting on customer" in page.locator(".trace").inner_text()


def test_hostile_text_is_shown_and_never_run(browser: Browser) -> None:
    found = row(
        "<b>&\"'/../é",
        title=HOSTILE,
        team=HOSTILE,
        service=HOSTILE,
        assignee=HOSTILE,
        customer=HOSTILE,
        clock=clock(3),
        reasons=(HOSTILE,),
    )
    with served(app_over(FixedSource(queue_of([found])))) as address, visit(browser, f"{address}/queue") as page:
        assert "<script>alert(1)</script>" in page.locator("td.c-title").inner_text()
        assert "{{7*7}}" in page.locator("td.c-title").inner_text()
        assert page.locator("main script, main img").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= 1366
        page.click("td.c-ticket a")
        assert "<img src=x onerror=alert(2)>" in page.locator("h1").inner_text()
        assert page.locator("main script, main img").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= 1366


def test_an_event_moves_the_queue_while_one_watches_and_keeps_focus_and_place(browser: Browser, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/desk.db"
    with open_store(url) as store:
        store.append_ticket_events(random_events(90), "test")
        store.save_agreements(AGREEMENTS, AT)
        settings = Settings(
            database_url=url, use_model=False, poll_seconds=1, news_seconds=0.05, tick_seconds=3600, page_size=100
        )
        service = build_service(settings, lambda: AT, None)
        service.ticker.step()
        with (
            served(application(service)) as address,
            visit(browser, f"{address}/queue", viewport={"width": 1366, "height": 500}) as page,
        ):
            count = len(tickets_on(page))
            held = page.locator("tr[data-ticket] .c-ticket a").nth(12)
            held.focus()
            ticket, top = held.inner_text(), held.bounding_box()
            event = {
                "event_id": "NEW/1",
                "ticket_id": "NEW",
                "event_at": AT,
                "recorded_at": AT,
                "kind": "created",
                "status": "new",
                "priority": "1",
            }
            store.append_ticket_events(frame_of([event]), "test")
            expect(page.locator("#news")).to_contain_text("1 new on this page")
            assert len(tickets_on(page)) == count  # announced, not thrown in
            assert page.locator("#view-all .count").inner_text() == str(count + 1)
            assert "1 new on this page" in page.locator("#announcer").inner_text()
            assert page.evaluate("document.activeElement.textContent") == ticket
            page.keyboard.press(".")
            expect(page.locator("tr[data-ticket=NEW]")).to_be_attached()
            assert len(tickets_on(page)) == count + 1
            assert page.evaluate("document.activeElement.textContent") == ticket
            after = page.locator(f"#ticket-{ticket}").bounding_box()
            assert top is not None
            assert after is not None
            assert page.evaluate("window.scrollY") > 0
            assert abs(after["y"] - top["y"]) < 2  # the row one looks at does not jump, though one came in above it
            assert page.locator("tr.fresh[data-ticket=NEW]").count() == 1
            expect(page.locator("#news")).to_be_hidden()


def test_a_page_whose_service_is_gone_says_so_and_keeps_what_it_shows(browser: Browser) -> None:
    app = app_over(FixedSource(DESK), poll_seconds=1)
    with served(app) as address, visit(browser, f"{address}/queue", expect_errors=True) as page:
        page.route("**/queue", lambda route: route.abort())
        expect(page.locator("#lost")).to_contain_text("slacast does not answer")
        assert len(tickets_on(page)) == 50
        page.unroute("**/queue")
        expect(page.locator("#lost")).to_be_hidden()


def test_with_the_rules_only_the_page_says_so_and_works(browser: Browser, rules_only: str) -> None:
    with visit(browser, f"{rules_only}/queue") as page:
        assert "Rules only: no model is loaded" in page.locator("#notices").inner_text()
        assert "by the rules only" in page.locator("#age").inner_text()
        assert page.locator(".risk .number").count() == 0
        assert "working hours used" in page.locator("td.c-reason").first.inner_text().replace("\xa0", " ")


def test_empty_lists_say_why_and_show_the_way_out(browser: Browser, desk: str) -> None:
    with visit(browser, f"{desk}/queue?q=nothing+like+this") as page:
        assert "Nothing matches these filters" in page.locator(".empty").inner_text()
        page.click("#clear-empty")
        assert len(tickets_on(page)) == 50
    with served(app_over(FixedSource(queue_of([])))) as address, visit(browser, f"{address}/queue") as page:
        assert "slacast import" in page.locator(".empty").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(browser: Browser, rules_only: str, scheme: str) -> None:
    late, paused = (next(item for item in DESK.rows if item.risk is risk) for risk in (Risk.BREACHED, Risk.PAUSED))
    some = [*[item for item in DESK.rows if item.risk is Risk.HIGH_RISK][:3], late, paused, DESK.rows[0]]
    with served(app_over(FixedSource(queue_of(some)))) as small:
        pages = {
            f"{small}/queue": False,
            f"{small}/queue?sort=risk&team=Network": False,
            f"{small}/tickets/{DESK.rows[0].ticket_id}": False,
            f"{small}/queue?q=nothing": False,
            f"{small}/tickets/none": True,
            f"{rules_only}/queue": False,
        }
        for address, expect_errors in pages.items():
            with visit(browser, address, color_scheme=scheme, expect_errors=expect_errors) as page:
                found = Axe().run(page)
                assert found.violations_count == 0, f"{address}\n{found.generate_report()}"


@pytest.mark.parametrize("width", [1366, 1024, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_scrolls_sideways_and_the_screens_can_be_looked_at(
    browser: Browser, desk: str, rules_only: str, width: int, scheme: str
) -> None:
    SCREENS.mkdir(parents=True, exist_ok=True)
    addresses = {
        "queue": f"{desk}/queue",
        "ticket": f"{desk}/tickets/{DESK.rows[1].ticket_id}",
        "rules": f"{rules_only}/queue",
    }
    first = addresses["queue"]
    with visit(
        browser, first, viewport={"width": width, "height": 768}, color_scheme=scheme, expect_errors=True
    ) as page:
        for name, address in addresses.items():
            page.goto(address)
            page.screenshot(path=SCREENS / f"{name}-{scheme}-{width}.png", full_page=name == "ticket")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name
