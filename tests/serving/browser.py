"""A real browser and a real server for the tests of the pages."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, sync_playwright

from serving.bounded_http import BoundedHttp

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
HTMX_IS_THERE = """() => new Promise((resolve) => {
  const look = () => window.htmx || !document.querySelector("script[data-htmx]") ? resolve() : setTimeout(look, 5);
  look();
})"""
"""It follows the first picture: before it, a link is a link."""
HOW = "no Chromium found: install one (Debian: apt-get install chromium) or name its path in SLACAST_TEST_BROWSER"


def browser_path() -> str:
    """The system's Chromium; without one the test is skipped with what to do, or fails where CI=true."""
    found = os.environ.get("SLACAST_TEST_BROWSER") or next(
        (path for name in NAMES if (path := shutil.which(name))), None
    )
    if found:
        return found
    if os.environ.get("CI") == "true":
        pytest.fail(HOW)
    pytest.skip(HOW)


@contextmanager
def launched() -> Iterator[Browser]:
    path = browser_path()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(QUIET))
        yield browser
        browser.close()


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The address of the application, served on a free port of this machine."""
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", access_log=False, http=BoundedHttp)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 60
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        assert time.monotonic() < deadline, "the server did not start in a minute"
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def visit(browser: Browser, address: str, *, expect_errors: bool = False, **context: Any) -> Iterator[Page]:
    """A page that fails its test on any console error, script error or request to another host."""
    faults: list[str] = []
    with browser.new_context(
        **{"viewport": {"width": 1366, "height": 768}, "timezone_id": "Europe/Berlin", **context}
    ) as opened:
        page = opened.new_page()
        page.set_default_timeout(20_000)
        page.on(
            "console", lambda message: faults.append(message.text) if message.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on(
            "request",
            lambda request: (
                faults.append(f"off-host: {request.url}")
                if urlsplit(request.url).netloc != urlsplit(address).netloc
                else None
            ),
        )
        page.on("dialog", lambda dialog: faults.append(f"dialog: {dialog.message}"))
        page.goto(address)
        if context.get("java_script_enabled", True):
            page.evaluate(HTMX_IS_THERE)
        yield page
    if not expect_errors:
        assert faults == [], faults
