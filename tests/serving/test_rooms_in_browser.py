"""Service levels, models, a job and a ticket of a stored desk in a real browser: no violation, no error, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.serving.browser import served, visit
from tests.serving.stored_desk import Desk

PAPER = 794  # A4 upright at 96 dots an inch


@pytest.fixture(scope="module")
def address(prepared_desk: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    desk = Desk(prepared_desk, tmp_path_factory.mktemp("rooms"), tick_seconds=3600)
    with served(desk.app) as found:
        yield found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(browser: Browser, address: str, scheme: str) -> None:
    with visit(browser, f"{address}/levels", color_scheme=scheme) as page:
        page.goto(f"{address}/queue")
        ticket = page.locator("tr[data-ticket] .c-ticket a").first.get_attribute("href")
        for path in ("/levels", "/models", f"{ticket}?if_priority=1"):
            page.goto(f"{address}{path}")
            found = Axe().run(page)
            assert found.violations_count == 0, f"{path}\n{found.generate_report()}"
            for width in (1024, 390):
                page.set_viewport_size({"width": width, "height": 768})
                assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
            page.set_viewport_size({"width": 1366, "height": 768})


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_paper_every_page_is_whole_on_white_and_has_nothing_to_click(
    browser: Browser, address: str, scheme: str
) -> None:
    with visit(browser, f"{address}/queue", color_scheme=scheme, viewport={"width": PAPER, "height": 1123}) as page:
        ticket = page.locator("tr[data-ticket] .c-ticket a").first.get_attribute("href")
        page.emulate_media(media="print")
        for path in ("/queue", f"{ticket}?if_priority=1", "/levels?note=T003&target=resolution", "/models", "/services", "/capacity"):  # fmt: skip
            page.goto(f"{address}{path}")
            assert page.locator("main h1").inner_text().strip() or path == "/queue"
            assert page.locator("main :is(button, textarea, .pager a):visible").count() == 0, path
            assert page.locator(".language:visible, .rooms:visible, .keys:visible, .foot:visible").count() == 0, path
            too_wide = page.evaluate(
                "() => [document.documentElement, ...document.querySelectorAll('.scroll, .drawing, table')]"
                ".filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.id || one.className || one.tagName)"
            )
            assert too_wide == [], path
            assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)", path


def test_feedback_is_given_once_and_thanked_for(browser: Browser, address: str) -> None:
    with visit(browser, f"{address}/queue") as page:
        page.locator("tr[data-ticket] .c-ticket a").first.click()
        page.fill("input[name=comment]", "<script>alert(1)</script> it waits for a part")
        page.get_by_role("button", name="Say it").click()
        page.wait_for_url("**?said=feedback#feedback")
        expect(page.get_by_text("Thank you")).to_be_visible()


def test_what_if_lives_in_the_address(browser: Browser, address: str) -> None:
    with visit(browser, f"{address}/queue") as page:
        page.locator("tr[data-ticket] .c-ticket a").first.click()
        page.select_option("select[name=if_priority]", index=1)
        page.get_by_role("button", name="Suppose").click()
        page.wait_for_url("**if_priority=*")
        expect(page.locator("#what-if-table")).to_contain_text("Supposed")
        page.click("#forget")
        expect(page.locator("#what-if-table")).to_have_count(0)


def test_the_keys_lead_to_every_page(browser: Browser, address: str) -> None:
    with visit(browser, f"{address}/queue") as page:
        for key, path in (("s", "services"), ("c", "capacity"), ("l", "levels"), ("m", "models"), ("q", "queue")):
            page.keyboard.press("g")
            page.keyboard.press(key)
            page.wait_for_url(f"**/{path}")
            assert page.locator("nav.rooms a[aria-current]").get_attribute("href") == f"/{path}"
        page.keyboard.press("g")
        page.wait_for_timeout(1600)  # too late: the letter is a letter again
        page.keyboard.press("m")
        assert page.url == f"{address}/queue"


def test_levels_go_month_by_month_and_back(browser: Browser, address: str) -> None:
    with visit(browser, f"{address}/levels") as page:
        month = page.locator("h1 small").inner_text()
        page.click("#earlier")
        page.wait_for_url("**/levels?month=*")
        assert page.locator("h1 small").inner_text() < month
        page.go_back()
        assert page.locator("h1 small").inner_text() == month
