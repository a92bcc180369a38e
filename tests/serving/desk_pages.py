"""A busy desk before a browser, for the tests of the pages."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from playwright.sync_api import Page

from serving.app import application
from tests.serving.builders import FixedSource, busy_desk, service_over

SCREENS = Path(__file__).resolve().parents[2] / "var" / "screens"
DESK = busy_desk(130)
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)> {{7*7}} \u202egnirts\x00\x1b[31m " + "W" * 400


def app_over(source: FixedSource, **settings: object) -> FastAPI:
    """The application over a source that was read once."""
    service = service_over(source, **settings)  # type: ignore[arg-type]
    service.ticker.step()
    return application(service)


def tickets_on(page: Page) -> list[str]:
    """The tickets that a queue page shows, in its order."""
    return page.locator("tr[data-ticket] .c-ticket a").all_inner_texts()
