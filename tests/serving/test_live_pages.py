"""A queue page that lies open while things happen: kept current without losing anyone's place, and honest when the service is gone."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, expect

from features.store.repository import open_store
from serving.app import application
from serving.settings import Settings
from serving.workplace import build_service
from tests.serving.browser import served, visit
from tests.serving.builders import FixedSource, queue_of, service_over
from tests.serving.desk_pages import DESK, app_over, tickets_on
from tests.serving.real_desk import AGREEMENTS, AT, frame_of, random_events


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


def test_nothing_moves_under_an_open_dialog_and_the_news_is_there_after_it(browser: Browser) -> None:
    source = FixedSource(DESK)
    service = service_over(source, tick_seconds=3600, news_seconds=0.05, poll_seconds=1)
    service.ticker.step()
    with served(application(service)) as address, visit(browser, f"{address}/queue") as page:
        names = tickets_on(page)
        page.fill("input[name=q]", "half a wo")  # not sent yet
        page.locator("input[name=q]").blur()
        page.keyboard.press("?")
        expect(page.locator("#help")).to_be_visible()
        source.queue, source.has_news = queue_of((item for item in DESK.rows if item.ticket_id != names[0]), last_sequence=1), True  # fmt: skip
        page.wait_for_timeout(2500)  # two polls would have come
        assert page.locator("#help").is_visible()
        assert page.locator("tr.gone").count() == 0
        assert page.locator("#news").is_hidden()
        page.keyboard.press("Escape")
        expect(page.locator(f"tr.gone[data-ticket={names[0]}]")).to_be_visible()
        assert tickets_on(page) == names
        assert page.locator("input[name=q]").input_value() == "half a wo"
