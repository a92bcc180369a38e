"""The pages of the services as a person meets them, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from serving.app import application
from tests.serving.browser import served, visit
from tests.serving.desk_pages import HOSTILE, SCREENS
from tests.serving.real_desk import AT
from tests.serving.service_builders import DAY, built, frame, happened, year_of_services


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    service = built(tmp_path_factory.mktemp("pages"), year_of_services(), tick_seconds=3600, news_seconds=5)
    with served(application(service)) as address:
        yield address


def test_the_list_shows_each_service_in_a_row_the_worst_first(browser: Browser, desk: str) -> None:
    with visit(browser, f"{desk}/services") as page:
        assert page.locator("#nav-services").get_attribute("aria-current") == "page"
        names = [row.get_attribute("data-service") for row in page.locator("tr[data-service]").all()]
        assert names == ["Network", "Mail", "ERP", "Archive"]
        network, mail = (page.locator(f"tr[data-service={name}]").inner_text() for name in ("Network", "Mail"))
        assert "Down now" in network
        assert "still on" in network
        assert "Some risk 21 %" in " ".join(mail.split())
        assert "overspent by 363 %" in mail
        assert "promised 99.9 %" in mail
        assert "what it needs is down" in mail
        words = page.locator("tr[data-service=Mail] svg.spark").get_attribute("aria-label")
        assert words == "6 of 30 days lost time, 170 min in all"
        assert "by a rule: rate x weekday. No outage model is loaded" in page.locator("#answered").inner_text()


def test_filters_live_in_the_address_and_work_without_script(browser: Browser, desk: str) -> None:
    with visit(browser, f"{desk}/services", java_script_enabled=False) as page:
        page.select_option("select[name=state]", "available")
        page.fill("input[name=q]", "anna")
        page.click("button[type=submit]")
        assert page.locator("tr[data-service]").count() == 1
        assert page.locator("select[name=state]").input_value() == "available"
        page.click("#service-1")
        assert page.locator("h1").inner_text() == "Mail"
        page.goto(f"{desk}/services?q=nothing")
        assert "4 services are known" in page.locator(".empty").inner_text()
        page.click("#clear-empty")
        assert page.locator("tr[data-service]").count() == 4


def test_one_service_tells_risk_budget_and_what_happened_in_words_and_tables(browser: Browser, desk: str) -> None:
    with visit(browser, f"{desk}/services/Mail") as page:
        outage = page.locator("section[aria-labelledby=card-outage]").inner_text()
        assert "2 of 10 such days saw an outage; usual for this service: 2 of 10." in outage
        assert "Because: two outages in 7 days." in outage
        ahead = page.locator("section[aria-labelledby=card-ahead]").inner_text()
        assert "0 of 41 outages of a year lasted longer" in ahead
        assert "overdue since" in ahead
        assert page.locator("#burns-table tbody tr").count() == 4
        assert (
            page.locator("#budget figcaption").inner_text().startswith("More is lost than the error budget of 30 days")
        )
        page.click("#budget-numbers summary")
        assert page.locator("#budget-table tbody tr").count() == 90
        assert page.locator("#happened svg rect.over").count() == 19
        page.click("#happened-numbers summary")
        assert "30 min" in page.locator("#happened-table tbody tr").nth(1).inner_text()
        assert page.locator("#its-tickets").inner_text() == "3"
        page.click("#needs-1")
        page.wait_for_url("**/services/Network")


def test_a_service_of_which_nothing_is_recorded_says_so(browser: Browser, desk: str) -> None:
    with visit(browser, f"{desk}/services/Archive") as page:
        assert "Nothing is recorded of this service" in page.locator("#no-events").inner_text()
        assert "nothing is recorded of it" in page.locator("section[aria-labelledby=card-outage]").inner_text()


def test_a_list_of_which_nothing_is_recorded_says_so_once_and_what_to_do(browser: Browser, desk: str, tmp_path: Path) -> None:  # fmt: skip
    service = built(tmp_path, frame(happened("Mail", "outage", AT - DAY, 20)).iloc[:0], tick_seconds=3600, news_seconds=5)  # fmt: skip
    with served(application(service)) as address, visit(browser, f"{address}/services") as page:
        assert "import what a monitor" in page.locator("#nothing-recorded").inner_text()
        assert page.locator("tr[data-service]").count() >= 4
        assert Axe().run(page).violations_count == 0
        page.goto(f"{address}/services?lang=zh-Hans")
        assert "都没有任何记录" in page.locator("#nothing-recorded").inner_text()
    with visit(browser, f"{desk}/services") as page:
        assert page.locator("#nothing-recorded").count() == 0


def test_the_pages_speak_chinese(browser: Browser, desk: str) -> None:
    with visit(browser, f"{desk}/services/Mail?lang=zh-Hans") as page:
        outage = page.locator("section[aria-labelledby=card-outage]").inner_text()
        assert "10 天中有 2 天" in outage
        assert "7 天内 2 次停机" in outage
        assert "such days" not in page.locator("main").inner_text()


def test_hostile_names_are_shown_and_never_run(browser: Browser, tmp_path: Path) -> None:
    name = f"a/../b {HOSTILE}".replace("\x00", "")
    events = frame(happened(name, "outage", AT - DAY, 20, **{"attributes.title": HOSTILE}))
    service = built(tmp_path, events, tick_seconds=3600, news_seconds=5)
    with served(application(service)) as address, visit(browser, f"{address}/services") as page:
        assert page.locator("main script, main img").count() == 0
        page.locator("tr[data-service^='a/']").locator("a").click()
        assert "<script>alert(1)</script>" in page.locator("h1").inner_text()
        assert page.locator("main script, main img").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= 1366


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(browser: Browser, desk: str, scheme: str) -> None:
    SCREENS.mkdir(parents=True, exist_ok=True)
    addresses = {"services": "", "service": "/Mail", "service-down": "/Network", "service-unknown": "/Archive"}
    with visit(browser, f"{desk}/services", color_scheme=scheme) as page:
        for name, path in addresses.items():
            page.goto(f"{desk}/services{path}")
            found = Axe().run(page)
            assert found.violations_count == 0, f"{name}\n{found.generate_report()}"
            for width in (1366, 1024, 390):
                page.set_viewport_size({"width": width, "height": 768})
                assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, width)
            page.set_viewport_size({"width": 1366, "height": 768})
            page.screenshot(path=SCREENS / f"{name}-{scheme}-1366.png", full_page=True)
