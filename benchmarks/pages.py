"""How quick the pages are: a real Chromium before a real uvicorn on the loopback address, over a desk with many open tickets.

    python -m benchmarks.pages [--small] [--open 100000] [--events 700000] [--mlflow-uri URI]

The desk is that of benchmarks/service.py over SQLite; without --mlflow-uri the rules serve alone. Browser and server share the
machine. Times are medians, taken inside the browser. The last line is one JSON object:

    open_tickets       how many stand in the queue
    kib, requests      what the first visit of the queue transfers, with headers, and in how many requests
    first_row_ms       from the start of the navigation to the first row painted, nothing cached in the browser; the service may
                       have kept the page from an earlier reader
    first_row_unkept_ms  the same of addresses nobody asked for before (a filter by team each): the service keeps no such page
    sort_ms            from the first click on a heading to the sorted rows painted; the service keeps no such page
    first_row_slow_ms  first_row_ms with the processor slowed four times
    poll_ms            server time of a poll while nothing changed (304)
    axe_violations     what axe finds on queue, ticket, service levels and models, light and dark
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from benchmarks._open_desk import fill
from benchmarks._running_service import Client, serving
from tests.serving.browser import launched

VISITS, POLLS, SLOWER = 7, 30, 4
FEWEST_TEAMS = 3
HEADINGS = ("due", "risk", "title", "owner", "left", "priority", "service")
PAINTED = """(name) => new Promise((resolve) => {
  const look = () => {
    const row = document.querySelector("tr[data-ticket]"), sorted = document.querySelector(`th.c-${name}[aria-sort]`);
    if (row && (!name || sorted)) requestAnimationFrame(() => setTimeout(() => resolve(performance.now()), 0));
    else setTimeout(look, 1);
  };
  look();
})"""


def main() -> None:
    """Measure, print, and end with one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true", help="2,000 open tickets, 20,000 events")
    parser.add_argument("--open", type=int, default=100_000)
    parser.add_argument("--events", type=int, default=700_000)
    parser.add_argument("--mlflow-uri", default=None)
    given = parser.parse_args()
    if given.small:
        given.open, given.events = 2_000, 20_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        url = f"sqlite:///{folder / 'desk.db'}"
        fill(url, folder, given.open, given.events)
        said("the desk is there")
        with serving(url, folder, given.mlflow_uri) as client, launched() as browser:
            print(json.dumps(figures(client, browser)))


def figures(client: Client, browser: Browser) -> dict[str, float | int]:
    """All figures of a running service."""
    address = f"http://127.0.0.1:{client.port}"
    queue = json.loads(client.ask("GET", "/api/v1/queue?limit=1")[1])
    client.ask("GET", "/queue")  # templates are read once
    found: dict[str, float | int] = {"open_tickets": int(queue["counts"]["all"])}
    found |= weight(browser, address)
    found["first_row_ms"] = first_row_ms(browser, address, 1)
    found["first_row_slow_ms"] = first_row_ms(browser, address, SLOWER)
    found["first_row_unkept_ms"] = first_row_ms(browser, address, 1, unkept(client.another()))
    found["sort_ms"] = sort_ms(browser, address)
    said(f"the browser has looked: {found}")
    found["poll_ms"] = poll_ms(client.another())  # an idle connection is closed meanwhile
    found["axe_violations"] = axe_violations(browser, address, str(queue["tickets"][0]["ticket_id"]))
    return found


def weight(browser: Browser, address: str) -> dict[str, float | int]:
    """What a first visit transfers."""
    with browser.new_context() as context:
        page = context.new_page()
        sizes: list[dict[str, Any]] = []
        page.on("requestfinished", lambda request: sizes.append(dict(request.sizes())))
        page.goto(f"{address}/queue", wait_until="networkidle")
        total = sum(one["responseBodySize"] + one["responseHeadersSize"] for one in sizes)
        return {"kib": round(total / 1024, 1), "requests": len(sizes)}


def unkept(client: Client) -> list[str]:
    """Addresses of the queue that differ and that nobody has asked for: every team by itself."""
    tickets = json.loads(client.ask("GET", "/api/v1/queue?limit=200")[1])["tickets"]
    teams = sorted({str(one["team"]) for one in tickets if one["team"]})[:VISITS]
    if len(teams) < FEWEST_TEAMS:
        raise SystemExit(f"{len(teams)} teams among the first 200 tickets, at least {FEWEST_TEAMS} wanted")
    return [f"/queue?{urlencode({'team': team})}" for team in teams]


def first_row_ms(browser: Browser, address: str, slower: int, paths: Sequence[str] = ("/queue",) * VISITS) -> float:
    """The median over visits with an empty cache each."""
    times = []
    for path in paths:
        with browser.new_context() as context:
            page = context.new_page()
            context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": slower})
            page.goto(f"{address}{path}", wait_until="commit")
            times.append(float(page.evaluate(PAINTED, "")))
    return round(statistics.median(times), 1)


def sort_ms(browser: Browser, address: str) -> float:
    """The median over the headings."""
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{address}/queue", wait_until="networkidle")
        return round(statistics.median(_sorted_ms(page, name) for name in HEADINGS), 1)


def _sorted_ms(page: Page, name: str) -> float:
    script = f"""async (name) => {{
      const began = performance.now();
      document.getElementById(`sort-${{name}}`).click();
      return await ({PAINTED})(name) - began;
    }}"""
    return float(page.evaluate(script, name))


def poll_ms(client: Client) -> float:
    """The median of what the server takes, from request to answer on one connection."""
    times = []
    etag = None
    for _poll in range(POLLS):
        status, _body, seconds, etag = client.ask("GET", "/queue", **({"If-None-Match": etag} if etag else {}))
        if status == 304:
            times.append(seconds * 1000)
        time.sleep(0.05)
    return round(statistics.median(times), 2)


def axe_violations(browser: Browser, address: str, ticket_id: str) -> int:
    """How many rules are violated on all pages together."""
    count = 0
    for scheme in ("light", "dark"):
        with browser.new_context(color_scheme=scheme) as context:
            page = context.new_page()
            for path in ("/queue", f"/tickets/{ticket_id}", "/levels", "/models"):
                page.goto(f"{address}{path}", wait_until="load")
                found = Axe().run(page)
                if found.violations_count:
                    said(f"{urlsplit(page.url).path}, {scheme}: {found.generate_report()}")
                count += found.violations_count
    return count


def said(what: str) -> None:
    """Nothing; the progress is printed."""
    print(f"{datetime.now(UTC):%H:%M:%S} {what}", flush=True)


if __name__ == "__main__":
    main()
