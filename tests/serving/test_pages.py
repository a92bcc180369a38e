"""The queue and a ticket as a person meets them, in a real browser."""

from __future__ import annotations

from datetime import timedelta

from playwright.sync_api import Browser, expect

from serving.risk import Risk
from tests.serving.browser import served, visit
from tests.serving.builders import NOW, FixedSource, queue_of
from tests.serving.desk_pages import DESK, app_over, tickets_on


def test_the_queue_shows_the_first_fifty_in_the_suggested_order(browser: Browser, busy_address: str) -> None:
    with visit(browser, busy_address) as page:
        assert page.url == f"{busy_address}/queue"
        assert tickets_on(page) == [item.ticket_id for item in DESK.rows[:50]]
        assert page.locator("#age").inner_text().startswith("Tue 17 May 2016 08:04 CEST")
        assert "by breach v7" in page.locator("#age").inner_text()
        first = page.locator("tr[data-ticket]").first.inner_text()
        assert DESK.rows[0].risk.word in first
        assert DESK.rows[0].reasons[0] in first.replace("\xa0", " ")
        page.click("#page-next")
        page.wait_for_url("**p=2")
        assert tickets_on(page) == [item.ticket_id for item in DESK.rows[50:100]]


LOOKS = """() => ({
  fills: [...document.querySelectorAll("tr[data-ticket]")].map((row) => {
    const bar = row.querySelector(".used"), style = bar && getComputedStyle(bar);
    return [row.dataset.ticket, style && parseFloat(style.backgroundSize), bar && bar.classList.contains("over"), style && style.backgroundImage.includes("gradient")];
  }),
  blanks: [...document.querySelectorAll("table, thead, tbody, tr")].flatMap((part) => [...part.childNodes]).filter((node) => node.nodeType === Node.TEXT_NODE).length,
  notes: [...document.querySelectorAll("tr.group")].map((row) => row.querySelector(".note").getBoundingClientRect().top < row.querySelector(".name").getBoundingClientRect().bottom),
})"""


def test_a_row_is_small_and_its_bar_is_full_only_when_the_time_is_used_up(browser: Browser, busy_address: str) -> None:
    rows = {item.ticket_id: item.clock.share_used for item in DESK.rows}
    for view in ("all", "breached"):
        with visit(browser, f"{busy_address}/queue?view={view}", viewport={"width": 1366, "height": 768}) as page:
            found = page.evaluate(LOOKS)
            assert found["blanks"] == 0  # each would be a node that the browser keeps
            assert all(found["notes"])  # on the line of the group's name
            assert found["notes"]
            for ticket, percent, is_over, is_drawn in found["fills"]:
                share = rows[ticket]
                if share is None:
                    assert percent is None
                    continue
                assert is_drawn
                assert is_over == (share > 1)
                assert (percent == 100) == (share >= 1)
                assert percent >= 5
                assert percent / 100 - share < 0.05 or share < 0.05
                assert share - percent / 100 < 0.05 or share > 1


def test_lateness_is_on_top_of_every_view(browser: Browser, busy_address: str) -> None:
    with visit(browser, f"{busy_address}/queue?view=at_risk") as page:
        assert page.locator("#view-breached .count").inner_text() == str(DESK.counts.late_or_lost)
        page.click("#view-breached")
        page.wait_for_url("**/queue?view=breached")
        assert "tell the customer" in page.locator("tbody.late_or_lost .group").inner_text()
        assert set(tickets_on(page)) == {item.ticket_id for item in DESK.rows if item.group == "late_or_lost"}
        page.click("#view-paused")
        page.wait_for_url("**/queue?view=paused")
        counts = [int(text) for text in page.locator("tr.group .count").all_inner_texts()]
        assert sum(counts) == DESK.counts.paused == len(tickets_on(page))
        page.go_back()
        page.wait_for_url("**/queue?view=breached")
        expect(page.locator("#view-breached")).to_have_attribute("aria-current", "true")
        assert set(tickets_on(page)) == {item.ticket_id for item in DESK.rows if item.group == "late_or_lost"}


def test_a_view_can_be_linked_and_back_returns_to_it(browser: Browser, busy_address: str) -> None:
    link = f"{busy_address}/queue?view=save_now&team=Network&q=laptop&sort=risk"
    expected = [
        item for item in DESK.rows if item.group == "save_now" and item.team == "Network" and "laptop" in item.title
    ]
    with visit(browser, link) as page:
        shown = tickets_on(page)
        assert set(shown) == {item.ticket_id for item in expected}
        assert page.locator("select[name=team]").input_value() == "Network"
        assert page.locator("input[name=q]").input_value() == "laptop"
        page.click(f"#ticket-{shown[0]}")
        assert shown[0] in page.locator("h1").inner_text()
        page.go_back()
        assert page.url == link
        assert tickets_on(page) == shown


def test_a_filter_acts_at_once_and_lives_in_the_address(browser: Browser, busy_address: str) -> None:
    with visit(browser, f"{busy_address}/queue?sort=due") as page:
        page.select_option("select[name=priority]", "1")
        page.wait_for_url("**/queue?*priority=1*")
        assert "team=" not in page.url  # what is not set does not clutter the link
        assert "sort=due" in page.url
        assert set(tickets_on(page)) <= {item.ticket_id for item in DESK.rows if item.priority == "1"}
        page.click("text=Clear filters")
        page.wait_for_url(f"{busy_address}/queue?sort=due")


def test_a_heading_sorts_the_right_way_first_and_the_other_way_next(browser: Browser, busy_address: str) -> None:
    with visit(browser, f"{busy_address}/queue") as page:
        page.click("#sort-risk")
        expect(page.locator("th[aria-sort=descending]")).to_contain_text("Risk")
        assert page.locator("th[aria-sort]").count() == 1
        assert page.evaluate("document.activeElement.id") == "sort-risk"  # in place: the focus stays where it was
        assert page.locator("tr[data-ticket]").first.get_attribute("data-risk") == Risk.BREACHED
        page.click("#sort-due")
        expect(page.locator("th[aria-sort=ascending]")).to_contain_text("Due")
        page.click("#sort-due")
        expect(page.locator("th[aria-sort=descending]")).to_contain_text("Due")
        page.go_back()
        expect(page.locator("th[aria-sort=ascending]")).to_contain_text("Due")
        page.click("#sort-suggested")
        page.wait_for_url(f"{busy_address}/queue")
        expect(page.locator("th[aria-sort]")).to_have_count(0)
        assert tickets_on(page)[0] == DESK.rows[0].ticket_id


def test_everything_works_without_script(browser: Browser, busy_address: str) -> None:
    with visit(browser, f"{busy_address}/queue", java_script_enabled=False) as page:
        page.fill("input[name=q]", "printer")
        page.select_option("select[name=team]", "Network")
        page.click("button[type=submit]")
        page.wait_for_url("**/queue?*q=printer*")
        expected = {item.ticket_id for item in DESK.rows if "Printer" in item.title and item.team == "Network"}
        assert expected
        assert set(tickets_on(page)) == expected
        assert "CEST" in page.locator("th.c-due").inner_text()
        page.click("td.c-ticket a")
        expect(page.locator(".card")).to_have_count(3)
        page.click("#back")
        page.wait_for_url(f"{busy_address}/queue")


def test_times_are_the_readers_own_and_the_page_says_whose(browser: Browser, busy_address: str) -> None:
    with visit(browser, f"{busy_address}/queue?sort=due", timezone_id="America/New_York") as page:
        first = min((item for item in DESK.rows if item.clock.due_at), key=lambda item: item.clock.due_at or NOW)
        assert first.clock.due_at is not None
        local = first.clock.due_at - timedelta(hours=4)
        cell = page.locator("td.c-due time").first
        assert cell.inner_text() == f"{local:%a %H:%M}"
        assert "CEST" in (cell.get_attribute("title") or "")
        assert page.locator("th.c-due").inner_text().split()[-1] in ("UTC-4", "GMT-4", "EDT")
        assert page.locator(".moment").inner_text().startswith("Tue 17 May 2016 02:04")


def test_a_ticket_page_puts_the_model_beside_the_rules(browser: Browser, busy_address: str) -> None:
    found = next(item for item in DESK.rows if item.risk is Risk.HIGH_RISK)
    with visit(browser, f"{busy_address}/tickets/{found.ticket_id}") as page:
        risk = page.locator("section[aria-labelledby=card-risk]").inner_text()
        assert f"about {round((found.probability or 0) * 100)} miss" in risk
        assert "The rules say:" in risk
        assert page.locator(".dots .misses").count() == round((found.probability or 0) * 100)
        assert page.locator(".bar rect.ran").count() == 2
        assert page.locator(".bar rect.warning").count() == 1
        assert page.locator(".timeline li").count() == 3
        assert "paused 4 h waiting on customer" in page.locator(".trace").inner_text()


def test_with_the_rules_only_the_page_says_so_and_works(browser: Browser, rules_address: str) -> None:
    with visit(browser, f"{rules_address}/queue") as page:
        assert "Rules only: no model is loaded" in page.locator("#notices").inner_text()
        assert "by the rules only" in page.locator("#age").inner_text()
        assert page.locator(".risk .number").count() == 0
        assert "working hours used" in page.locator("td.c-reason").first.inner_text().replace("\xa0", " ")


def test_empty_lists_say_why_and_show_the_way_out(browser: Browser, busy_address: str) -> None:
    with visit(browser, f"{busy_address}/queue?q=nothing+like+this") as page:
        assert "Nothing matches these filters" in page.locator(".empty").inner_text()
        page.click("#clear-empty")
        expect(page.locator("tr[data-ticket]")).to_have_count(50)
        assert len(tickets_on(page)) == 50
    with served(app_over(FixedSource(queue_of([])))) as address, visit(browser, f"{address}/queue") as page:
        assert "slacast import" in page.locator(".empty").inner_text()
