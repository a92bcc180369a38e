"""The login as a person meets it, in a real browser."""

from __future__ import annotations

from pathlib import Path

from axe_playwright_python.sync_playwright import Axe

from serving.access.roles import Role
from tests.serving.browser import launched, served, visit
from tests.serving.stored_desk import TOKENS, Desk


def test_a_person_logs_in_with_a_key_sees_who_they_are_and_logs_out(prepared_desk: Path, tmp_path: Path) -> None:
    desk = Desk(prepared_desk, tmp_path, tick_seconds=3600)
    desk.add_keys(Role.READER, teams=("Network",))
    with launched() as browser, served(desk.app) as address:
        for scheme in ("light", "dark"):
            with visit(browser, f"{address}/queue?sort=due", color_scheme=scheme) as page:
                assert page.url.startswith(f"{address}/login")
                assert Axe().run(page).violations_count == 0
                page.get_by_label("Access key").fill(TOKENS[Role.READER].text)
                page.get_by_role("button", name="Log in").click()
                page.wait_for_url(f"{address}/queue?sort=due")
                assert "reader, team Network" in page.locator(".who").inner_text()
                assert Axe().run(page).violations_count == 0
                page.get_by_role("button", name="Log out").click()
                page.wait_for_url(f"{address}/login")
                page.goto(f"{address}/queue")
                assert page.url.startswith(f"{address}/login")
