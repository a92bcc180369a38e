"""How the pages look to everybody: no violation of accessibility, nothing sideways, and hostile text is text."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from serving.risk import Risk
from tests.serving.browser import served, visit
from tests.serving.builders import FixedSource, clock, queue_of, row
from tests.serving.desk_pages import DESK, HOSTILE, SCREENS, app_over


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(browser: Browser, rules_address: str, scheme: str) -> None:
    late, paused = (next(item for item in DESK.rows if item.risk is risk) for risk in (Risk.BREACHED, Risk.PAUSED))
    some = [*[item for item in DESK.rows if item.risk is Risk.HIGH_RISK][:3], late, paused, DESK.rows[0]]
    with served(app_over(FixedSource(queue_of(some)))) as small:
        pages = {
            f"{small}/queue": False,
            f"{small}/queue?sort=risk&team=Network": False,
            f"{small}/tickets/{DESK.rows[0].ticket_id}": False,
            f"{small}/queue?q=nothing": False,
            f"{small}/tickets/none": True,
            f"{rules_address}/queue": False,
        }
        for address, expect_errors in pages.items():
            with visit(browser, address, color_scheme=scheme, expect_errors=expect_errors) as page:
                found = Axe().run(page)
                assert found.violations_count == 0, f"{address}\n{found.generate_report()}"


@pytest.mark.parametrize("width", [1366, 1024, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_scrolls_sideways_and_the_screens_can_be_looked_at(
    browser: Browser, busy_address: str, rules_address: str, width: int, scheme: str
) -> None:
    SCREENS.mkdir(parents=True, exist_ok=True)
    addresses = {
        "queue": f"{busy_address}/queue",
        "ticket": f"{busy_address}/tickets/{DESK.rows[1].ticket_id}",
        "rules": f"{rules_address}/queue",
    }
    first = addresses["queue"]
    with visit(
        browser, first, viewport={"width": width, "height": 768}, color_scheme=scheme, expect_errors=True
    ) as page:
        for name, address in addresses.items():
            page.goto(address)
            page.screenshot(path=SCREENS / f"{name}-{scheme}-{width}.png", full_page=name == "ticket")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name


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
