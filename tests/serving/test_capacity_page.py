"""/capacity as a person meets it, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from features.store.repository import open_store
from serving.app import application
from serving.kept_forecast import kept_forecast, series_named
from serving.problems import ProblemError
from serving.settings import Settings
from serving.web.capacity_view import Supposed, capacity_of, scheduled
from serving.workplace import build_service
from tests.serving.browser import served, visit
from tests.serving.real_desk import AGREEMENTS
from tests.serving.test_forecast_api import AT, kept_desk
from tests.volume_events import volume_events

SCREENS = Path(__file__).resolve().parents[2] / "var" / "screens"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory):
    return kept_desk(tmp_path_factory.mktemp("capacity"))


@pytest.fixture(scope="module")
def desk(service) -> Iterator[str]:
    with served(application(service)) as address:
        yield address


def capacity(service, **query: str):
    found = kept_forecast(service.store, AT, series_named(""), "Europe/Berlin")
    return capacity_of(found, Supposed.read(query), "Europe/Berlin")


def test_hours_and_people_follow_from_tickets_minutes_and_shrinkage(service) -> None:
    told = capacity(service, days="14", handling="30", people="4", hours="8", shrinkage="25")
    for day in told.days:
        assert day.needed_hours == pytest.approx(day.period.expected / 2)
        assert day.there_hours in (0.0, 24.0)  # four people, eight hours, a quarter of it away
    assert [day.there_hours for day in told.days[:7]].count(0.0) == 2  # the weekend
    assert told.capacity_tickets == pytest.approx(48)
    assert scheduled(capacity(service, handling="120", hours="8", shrinkage="50")) == 2 * -(
        -told.busiest.period.expected * 2 // 8
    )


def test_what_is_supposed_changes_the_forecast_and_its_intervals_alike(service) -> None:
    plain, more = capacity(service), capacity(service, arrivals="50")
    for one, other in zip(plain.days, more.days, strict=True):
        assert other.period.expected == pytest.approx(1.5 * one.period.expected)
        assert other.period.high_80 == pytest.approx(1.5 * one.period.high_80)
    for one, other in zip(plain.breaches, more.breaches, strict=True):
        assert other.expected == pytest.approx(1.5 * one.expected)
    assert len(plain.breaches) == len(plain.days)
    assert plain.is_learned
    assert plain.handling_minutes == pytest.approx(30, rel=0.05)


def test_half_hours_are_staffed_by_erlang_c_and_say_how(service) -> None:
    told = capacity(service, handling="30", people="3", shrinkage="30", target="80", answer="20")
    hard = told.hardest
    assert hard is not None
    assert hard.needed.formula == "Erlang C"
    assert hard.needed.service_level >= 0.8
    assert hard.needed.agents > hard.contacts * 30 / 30
    assert told.short_half_hours == sum(one.needed.scheduled > 3 for one in told.half_hours)


def test_a_value_that_is_no_number_is_refused_by_name() -> None:
    with pytest.raises(ProblemError, match="people is 'many'; expected a number from 0 to 100000"):
        Supposed.read({"people": "many"})


def test_the_page_says_what_is_coming_and_keeps_what_is_supposed_in_its_address(browser: Browser, desk: str) -> None:
    with visit(browser, f"{desk}/capacity", java_script_enabled=False) as page:
        sentence = page.locator("#sentence").inner_text()
        assert "On the 28 days from 2026-05-05 about" in sentence
        assert "Of 10 such days 8 bring" in sentence
        assert "people in the schedule. Fill in how many there are" in sentence
        assert "volume v3" in page.locator("#told").inner_text()
        page.fill("input[name=people]", "3")
        page.fill("input[name=arrivals]", "100")
        page.select_option("select[name=days]", "14")
        page.click("button[type=submit]")
        page.wait_for_url("**people=3**")
        assert "Supposed: +100 % tickets against the forecast." in page.locator("#sentence").inner_text()
        assert ".That" not in page.locator("#sentence").inner_text()
        assert "hours short" in page.locator("#sentence").inner_text()
        assert page.locator("#over-under svg rect.over").count() > 5
        page.click("#over-under-numbers summary")
        assert page.locator("#over-under-table tbody tr").count() == 14
        page.click("#how summary")
        assert "erlangs" in page.locator("#how").inner_text()
        assert page.locator("#past-table tbody tr").count() == 2
        assert page.locator("#past-missed-table tbody tr").count() == 2
        assert page.locator("#missed-table tbody tr").count() == 14
        assert "In the first 7 days about" in page.locator("#missed figcaption").inner_text()
        page.go_back()
        assert page.locator("input[name=people]").input_value() == ""
        page.goto(f"{desk}/capacity?of=team:Network&days=7")
        assert page.locator("select[name=of]").input_value() == "team:Network"


def test_the_page_speaks_chinese(browser: Browser, desk: str) -> None:
    with visit(browser, f"{desk}/capacity?lang=zh-Hans&people=5") as page:
        assert "预计约有" in page.locator("#sentence").inner_text()
        assert "tickets" not in page.locator("#sentence").inner_text()
        page.click("#how summary")
        for step in page.locator("#how li").all_inner_texts():
            assert re.findall(r"[A-Za-z]{2,}", step.replace("Erlang C", "")) == []


def test_without_a_forecast_the_page_says_what_to_do(browser: Browser, tmp_path: Path) -> None:
    settings = Settings(database_url=f"sqlite:///{tmp_path}/desk.db", use_model=False, var_dir=tmp_path)
    with open_store(settings.database_url) as store:
        store.append_ticket_events(volume_events(5), "test")
        store.save_agreements(AGREEMENTS, AT)
    fresh = build_service(settings, lambda: AT, None)
    fresh.ticker.step()
    with served(application(fresh)) as address, visit(browser, f"{address}/capacity") as page:
        assert "slacast forecast volume --keep" in page.locator("#no-forecast").inner_text()
        assert page.locator("#nav-capacity").get_attribute("aria-current") == "page"
        assert Axe().run(page).violations_count == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(browser: Browser, desk: str, scheme: str) -> None:
    SCREENS.mkdir(parents=True, exist_ok=True)
    with visit(browser, f"{desk}/capacity?people=3&arrivals=40", color_scheme=scheme) as page:
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        for width in (1366, 1024, 390):
            page.set_viewport_size({"width": width, "height": 768})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, width
            page.screenshot(path=SCREENS / f"capacity-{scheme}-{width}.png", full_page=True)
