"""Where a service is put together from its settings: store, agreements, registry, scorer, ticker."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from features.store.repository import Store, open_store
from serving.champion import Champion
from serving.queue import Queue, Thresholds
from serving.scorer import NO_MODEL, Scorer
from serving.service import Service
from serving.settings import Settings, SettingsError
from serving.ticker import Feed, Ticker
from sla.agreements.agreement_set import AgreementSet
from sla.agreements.loading import load_agreements, parse_agreements


def build_service(settings: Settings, clock: Callable[[], datetime], feed: Feed | None) -> Service:
    """The service over the store, the agreements and the registry that the settings name; the ticker is not started yet.

    Raises StoreError, AgreementError or SettingsError with what to do; a missing model is no error.
    """
    store = open_store(settings.database_url)
    try:
        agreements = agreements_of(settings, store)
    except BaseException:
        store.close()
        raise
    scorer = scorer_of(settings, store, agreements)
    champion = champion_of(settings)

    def poll_model() -> bool:
        is_new = champion.poll()
        scorer.use(champion.bundle, champion.why)
        return is_new

    ticker = Ticker(
        scorer,
        clock,
        feed=feed,
        append=lambda frame: store.append_ticket_events(frame, "feed"),
        poll_model=poll_model if settings.use_model else None,
        tick_seconds=settings.tick_seconds,
        news_seconds=settings.news_seconds,
        model_poll_seconds=settings.model_poll_seconds,
    )
    return Service(settings, clock, scorer, ticker, lambda: champion.problem, store.close, store)


def score_once(settings: Settings, at: datetime) -> Queue:
    """The queue at an aware instant from the store the settings name, for a report; raises as `build_service` does."""
    with open_store(settings.database_url) as store:
        scorer = scorer_of(settings, store, agreements_of(settings, store))
        if settings.use_model:
            champion = champion_of(settings)
            champion.poll()
            scorer.use(champion.bundle, champion.why)
        return scorer.score(at)


def champion_of(settings: Settings) -> Champion:
    """The champion of the registry the settings name; not asked for yet."""
    return Champion(settings.mlflow_uri, settings.model_name, settings.var_dir / "bundles")


def scorer_of(settings: Settings, store: Store, agreements: AgreementSet) -> Scorer:
    """A scorer with the settings' zone and thresholds, without a bundle yet."""
    return Scorer(
        store,
        agreements,
        why_no_bundle=NO_MODEL if settings.use_model else f"{NO_MODEL} (SLACAST_USE_MODEL is off)",
        time_zone=settings.time_zone,
        thresholds=thresholds_of(settings),
    )


def thresholds_of(settings: Settings) -> Thresholds:
    """The settings' thresholds."""
    return Thresholds(**{name: getattr(settings, name) for name in Thresholds.__dataclass_fields__})


def agreements_of(settings: Settings, store: Store) -> AgreementSet:
    """The agreements of the file the settings name, else those last imported; SettingsError where there are none."""
    if settings.agreements is not None:
        if not Path(settings.agreements).is_file():
            raise SettingsError(
                f"SLACAST_AGREEMENTS names {settings.agreements}, which is not a file: correct the path or unset it."
            )
        return load_agreements(settings.agreements)
    text = store.latest_agreements()
    if text is None:
        raise SettingsError(
            f"There are no agreements: the store at {store.url} holds none and SLACAST_AGREEMENTS is not set. "
            "Name a file (SLACAST_AGREEMENTS=agreements.yaml) or import them with the tickets; examples/ has some to begin from."
        )
    return parse_agreements(text, source="the agreements in the store")
