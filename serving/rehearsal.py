"""Alert rules tried on the past of a store."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from features.outages.tickets import service_tickets
from features.store.repository import open_store
from serving.alerting.deciding import Plan
from serving.alerting.loading import load_rules
from serving.alerting.past import WholeLog, course_of
from serving.alerting.past_report import PastReport
from serving.alerting.past_services import PastServices
from serving.scorer import desk_zone
from serving.services.making import Answering
from serving.settings import Settings, SettingsError
from serving.wording import LocalTime
from serving.workplace import agreements_of, champion_of, outage_champion_of

MOST_LOOKS = 200_000


def alerts_of_the_past(
    settings: Settings,
    rules: Path,
    since: datetime,
    until: datetime,
    every: timedelta,
    within: timedelta | None = None,
    progress: Callable[[str, float, float], None] = lambda _what, _done, _total: None,
) -> PastReport:
    """What the rules of a file would have told of the store's past; nothing is sent or stored.

    Raises AlertRulesError with every fault of the file, and as `build_service` does.
    """
    if (until - since) / every > MOST_LOOKS:
        raise SettingsError(f"that would be more than {MOST_LOOKS:,} looks: choose a shorter span or look less often")
    with open_store(settings.database_url) as store:
        agreements = agreements_of(settings, store)
        plan = Plan(load_rules(rules, agreements), agreements)
        events = store.ticket_events()
        log = WholeLog(events, agreements)
        answering = outage_champion_of(settings).found(Answering()) if settings.use_model else Answering()
        services = PastServices(store.service_events(), service_tickets(events, agreements), agreements, answering)
        bundle = None
        if settings.use_model:
            champion = champion_of(settings)
            champion.poll()
            bundle = champion.bundle
    course = course_of(
        plan,
        log,
        since,
        until,
        every,
        bundle=bundle,
        trained_until=None if bundle is None else bundle.manifest.window.known_until,
        services=services,
        progress=progress,
    )
    return PastReport.of(course, LocalTime.named(settings.time_zone or desk_zone(agreements)), within)
