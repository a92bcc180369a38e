"""The pages of the services as a person meets them, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

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
        expect(page.locator("tr[data-service]")).to_have_count(1)
        assert page.locator("select[name=state]").input_value() == "available"
        page.click("#service-1")
        assert page.locator("h1").inner_text() == "Mail"
        page.goto(f"{desk}/services?q=nothing")
        assert "4 services are known" in page.locator(".empty").inner_text()
        page.click("#clear-empty")
        expect(page.locator("tr[data-service]")).to_have_count(4)


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


def cells(page: Page) -> list[list[str]]:
    """The table of windows, row by row."""
    rows = page.locator("#windows-table tbody tr").all()
    return [[cell.inner_text().strip() for cell in row.locator("th, td").all()] for row in rows]


def test_availability_by_windows_is_asked_for_by_a_form_whose_state_is_the_address(browser: Browser, desk: str) -> None:
    with visit(browser, f"{desk}/services/Mail", java_script_enabled=False) as page:
        assert "Days begin at midnight in Europe/Berlin. Around the clock. Held to 99.9 %." in page.locator("#w-basis").inner_text()  # fmt: skip
        assert cells(page)[0][0].endswith("not over")
        assert len(cells(page)) == 13
        page.select_option("#w-kind", "day")
        page.fill("#w-from", (AT - 6 * DAY).date().isoformat())
        page.fill("#w-to", AT.date().isoformat())
        page.fill("#w-zone", "UTC")
        page.select_option("#w-hours", "office")
        page.click("#w-show")
        page.wait_for_url("**window=day**")
        assert "zone=UTC" in page.url
        assert page.locator("#w-hours").input_value() == "office"
        assert "Within the service hours office." in page.locator("#w-basis").inner_text()
        told = cells(page)
        answer = page.request.get(desk + str(page.locator("#windows-json").get_attribute("href"))).json()
        assert len(told) == len(answer["windows"]) == 7
        for row, window in zip(told, reversed(answer["windows"]), strict=True):
            if window["availability"] is None:
                assert row[1:] == ["not measured", "–", "–", "–", "–"]
                continue
            assert float(row[1].removesuffix(" %")) == pytest.approx(100 * window["availability"], abs=0.001)
            assert row[3] == str(window["outages"])
            assert row[5].endswith("Kept" if window["budget_left"] >= 0 else "Missed")
        assert {row[5].split()[-1] for row in told if row[1] != "not measured"} == {"Kept", "Missed"}
        page.click("#w-clear")
        page.wait_for_url("**/services/Mail*")
        expect(page.locator("#w-hours")).not_to_have_value("office")
        assert len(cells(page)) == 13


def test_with_all_that_it_needs_a_service_loses_more(browser: Browser, desk: str) -> None:
    with visit(browser, f"{desk}/services/Mail?window=year") as page:
        alone = cells(page)[0]
        page.check("#w-needs")
        page.click("#w-show")
        page.wait_for_url("**needs=1**")
        whole = cells(page)[0]
        assert page.locator("#w-needs").is_checked()
        assert float(whole[1].removesuffix(" %")) < float(alone[1].removesuffix(" %"))


def test_on_paper_the_windows_are_whole_and_nothing_is_left_to_click(browser: Browser, desk: str) -> None:
    with visit(browser, f"{desk}/services/Mail?window=day", color_scheme="dark", viewport={"width": 718, "height": 1123}) as page:  # fmt: skip
        page.emulate_media(media="print")
        assert page.locator("main :is(button, select, input, #windows-json):visible").count() == 0
        assert page.locator("#windows-table tbody tr:visible").count() == 30
        assert page.evaluate("document.querySelector('#windows-table').scrollWidth <= document.querySelector('#windows-table').clientWidth + 1")  # fmt: skip
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_what_cannot_be_asked_of_windows_is_said_in_both_languages(browser: Browser, desk: str) -> None:
    asked = {
        "zone=Mars/Olympus": ("there is no time zone 'Mars/Olympus'", "没有时区"),
        "from=2016-05-01&to=2016-01-01": ("The first day lies after", "首日晚于末日"),
        "window=day&from=2010-01-01&to=2016-05-01": ("More than a year of single days", "单日超过一年"),
    }
    with visit(browser, f"{desk}/services/Mail") as page:
        for query, both in asked.items():
            for tag, words in zip(("en", "zh-Hans"), both, strict=True):
                page.goto(f"{desk}/services/Mail?{query}&lang={tag}")
                assert words in page.locator("#w-fault").inner_text()
                assert page.locator("#windows-table").count() == 0
        page.goto(f"{desk}/services/Mail?from=2099-01-01&to=2099-02-01&lang=en")
        assert "No window begins before now" in page.locator("#w-none").inner_text()
        page.goto(f"{desk}/services/Mail?from=2001-01-01&to=2001-02-01")
        assert "Nothing was measured" in page.locator("#w-unmeasured").inner_text()
        page.goto(f"{desk}/services/Mail?window=nonsense&from=31.12.&hours=none&lang=en")
        assert len(cells(page)) == 13


def test_a_service_of_which_nothing_is_recorded_says_so(browser: Browser, desk: str) -> None:
    with visit(browser, f"{desk}/services/Archive") as page:
        assert "Nothing is recorded of this service" in page.locator("#no-events").inner_text()
        assert "nothing is recorded of it" in page.locator("section[aria-labelledby=card-outage]").inner_text()
        assert page.locator("#availability").count() == 0


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
    addresses = {
        "services": "",
        "service": "/Mail",
        "service-down": "/Network",
        "service-unknown": "/Archive",
        "service-days": "/Mail?window=day&hours=office",
    }
    with visit(browser, f"{desk}/services", color_scheme=scheme) as page:
        for name, path in addresses.items():
            page.goto(f"{desk}/services{path}")
            found = Axe().run(page)
            assert found.violations_count == 0, f"{name}\n{found.generate_report()}"
            for width in (1366, 1024, 390):
                page.set_viewport_size({"width": width, "height": 768})
                assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, width)
            page.set_viewport_size({"width": 1024, "height": 768})
            page.screenshot(path=SCREENS / f"{name}-{scheme}-1024.png", full_page=True)
            page.set_viewport_size({"width": 1366, "height": 768})
            page.screenshot(path=SCREENS / f"{name}-{scheme}-1366.png", full_page=True)
