"""Where a service is put together from its settings: store, agreements, registry, scorer, ticker."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from features.store.leases import Lease, holding
from features.store.repository import Store, open_store
from models.bundle import BreachBundle
from models.dispatch import GainSettings
from models.registry import challenger
from serving.agreements_watch import AgreementsWatch
from serving.alerting.loading import load_rules
from serving.alerting.watchman import Pace, Watchman, couriers_of
from serving.champion import Champion, LastGood, Served, load_servable
from serving.configuration.values import costs_of
from serving.jobs.retention import LogRetention
from serving.jobs.runner import JobRunner, folder_of
from serving.kept_state import KeptState
from serving.known_events import nothing_known
from serving.lease import ScorerLease
from serving.queue import Queue
from serving.recorder import Recorder
from serving.remaining_time import RemainingTimeChampion
from serving.risk import Thresholds
from serving.score_journal import ScoreJournal
from serving.scorer import NO_MODEL, Scorer, is_scored
from serving.service import Service
from serving.services.keeper import Champion as OutageChampion
from serving.services.keeper import Keeper
from serving.services.standing import ServiceBoard
from serving.settings import Settings, SettingsError
from serving.shadow import Shadow
from serving.suggested import OrderSettings
from serving.suggestion_journal import SuggestionJournal
from serving.switchback import Switchback
from serving.tick_spans import TickSpans
from serving.ticker import Feed, Ticker
from serving.tracing import Tracing, tracing_of
from serving.watch import Watch
from serving.work_time import WorkTimeChampion
from sla.agreements.agreement_set import AgreementSet
from sla.agreements.loading import load_agreements, parse_agreements


def build_service(settings: Settings, clock: Callable[[], datetime], feed: Feed | None) -> Service:
    """The service over the store, the agreements and the registry that the settings name; nothing runs yet.

    Raises StoreError, AgreementError or SettingsError with what to do; a missing model is no error.
    """
    store = open_store(settings.database_url)
    try:
        agreements, tracing = agreements_of(settings, store), tracing_of(settings)
    except BaseException:
        store.close()
        raise
    kept = KeptState(settings.var_dir, store.url, store.reading_marks) if settings.keep_state else None
    scorer = scorer_of(settings, store, agreements, kept)
    if kept is not None:
        kept.watch(lambda: scorer.known, scorer.go_on_from)
    sights = Sights(settings, store, scorer, agreements)
    try:
        watchman = watchman_of(
            settings,
            store,
            agreements,
            lambda: recorder is not None and recorder.is_acting,
            lambda: services.board,
            tracing,
        )
    except BaseException:
        store.close()
        raise
    ticks = TickSpans(scorer, tracing) if tracing.is_on else None
    recorder = recorder_of(settings, store, scorer, sights, watchman, ticks) if settings.store_scores else None
    ticker = Ticker(
        ticks or scorer,
        clock,
        feed=feed,
        append=lambda frame: store.append_ticket_events(frame, "feed"),
        take_changes=sights.take,
        publish=recorder.publish if recorder else lambda _queue: None,
        first=scorer.first,
        tick_seconds=settings.tick_seconds,
        news_seconds=settings.news_seconds,
    )
    retention = LogRetention(folder_of(settings), store.jobs, store.audit, settings.job_logs_days, real_time)
    jobs = JobRunner(
        store.jobs, settings, ended=lambda _job: sights.watch.hasten(), tracing=tracing, tidy=retention.turn
    )
    services = Keeper(
        store,
        store.forecasts,
        lambda: sights.agreements.agreements,
        lambda: scorer.histories,
        clock,
        champion=outage_champion_of(settings) if settings.use_model else None,
        seconds=settings.outage_seconds,
        untouched_share=settings.outage_untouched_share,
        may_store=lambda: recorder is not None and recorder.is_acting,
        is_ready=lambda: is_scored(ticker.standing.queue),
    )

    def close() -> None:
        store.close()
        tracing.close()

    return Service(
        settings,
        clock,
        scorer,
        ticker,
        sights.problem,
        close,
        store,
        sights.watch,
        recorder,
        watchman,
        jobs,
        services,
        sights.ends if settings.use_model else None,
        kept,
        tracing,
    )


class Sights:
    """What may change beside the events: champion, challenger, agreements; told to the scorer by the ticker's thread."""

    def __init__(self, settings: Settings, store: Store, scorer: Scorer, agreements: AgreementSet) -> None:
        self._settings, self._scorer = settings, scorer
        self.champion, self.challenger = champion_of(settings), challenger_of(settings)
        self.ends = RemainingTimeChampion(settings.mlflow_uri, settings.var_dir / "bundles")
        self.work = WorkTimeChampion(settings.mlflow_uri, settings.var_dir / "bundles")
        self.agreements = AgreementsWatch(agreements, store.latest_agreements)
        self._judged_by = agreements
        self._told: tuple[BreachBundle | None, str] | None = None
        looks = [] if settings.agreements is not None else [self.agreements.look]
        if settings.use_model:
            looks += [self.champion.poll, *([self._look_at_challenger] if settings.store_scores else [])]
            looks += [self.ends.poll, self.work.poll]
        self.watch = Watch(looks, settings.model_poll_seconds, self.champion.recall if settings.use_model else None)

    def take(self) -> bool:
        """True where all must be scored anew; the scorer knows by then with what."""
        is_new = self.watch.take()
        served = self.champion.served
        if self._settings.use_model and self._is_news(served):
            self._told, is_new = (served.bundle, served.why), True
            self._scorer.use(*self._told)
        self._scorer.use_work_time(self.work.model)
        if self.agreements.agreements is not self._judged_by:
            self._judged_by = self.agreements.agreements
            self._scorer.use_agreements(self._judged_by)
        return is_new

    def _is_news(self, served: Served) -> bool:
        return self._told is None or self._told[0] is not served.bundle or self._told[1] != served.why

    def problem(self) -> str | None:
        """What is wrong with model or agreements, though the service goes on with others."""
        found = [text for text in (self.champion.problem, self.agreements.problem) if text]
        return "; ".join(found) or None

    def _look_at_challenger(self) -> bool:
        self.challenger.poll()
        return False  # nobody sees it, so nothing is scored anew


def watchman_of(
    settings: Settings,
    store: Store,
    agreements: AgreementSet,
    may_send: Callable[[], bool],
    board: Callable[[], ServiceBoard | None] = lambda: None,
    tracing: Tracing | None = None,
) -> Watchman | None:
    """What tells alerts by the rules that the settings name, None without any; nothing runs yet. Raises AlertRulesError."""
    if settings.alert_rules is None or not settings.store_scores:
        return None
    rules = load_rules(settings.alert_rules, agreements)
    couriers = couriers_of(rules, store.alerts, os.environ, real_time, may_send, tracing=tracing)
    return Watchman(rules, agreements, store.alerts, couriers, real_time, board)


def real_time() -> datetime:
    """Now, whatever the desk's own clock shows: what is sent is signed and tried again by it."""
    return datetime.now(UTC)


def recorder_of(
    settings: Settings,
    store: Store,
    scorer: Scorer,
    sights: Sights,
    watchman: Watchman | None = None,
    ticks: TickSpans | None = None,
) -> Recorder:
    """What stores scores, and then has alerts told, while this process holds the lease; nothing runs yet."""
    journal = ScoreJournal(store.predictions, settings.score_tolerance)
    shadow_journal = ScoreJournal(store.predictions, settings.score_tolerance, is_shadow=True)
    shadow = Shadow(scorer, lambda: sights.challenger.bundle, shadow_journal, settings.shadow_seconds)
    pace = Pace()

    def tell(queue: Queue, lease: Lease) -> None:
        if watchman is not None:
            pace.take_turn(lambda: watchman.after_tick(queue, conditions=[holding(lease)]))

    kept = ticks.around(journal) if ticks else journal
    advice = SuggestionJournal(store.suggestions)
    lease, says_of = ScorerLease(store.leases, settings.lease_seconds), sights.champion.says_of
    return Recorder(lease, [kept, shadow, advice], [tell], says_of if settings.use_model else None)


def score_once(settings: Settings, at: datetime) -> Queue:
    """The queue at an aware instant from the store the settings name, for a report; raises as `build_service` does."""
    with open_store(settings.database_url) as store:
        scorer = scorer_of(settings, store, agreements_of(settings, store))
        if settings.use_model:
            champion = champion_of(settings)
            champion.poll()
            scorer.use(champion.bundle, champion.why)
            work = WorkTimeChampion(settings.mlflow_uri, settings.var_dir / "bundles")
            work.poll()
            scorer.use_work_time(work.model)
        return scorer.score(at)


def champion_of(settings: Settings) -> Champion:
    """The champion of the registry the settings name; not asked for yet."""
    last_good = LastGood(settings.var_dir / "served.json")
    return Champion(
        settings.mlflow_uri,
        settings.model_name,
        settings.var_dir / "bundles",
        load=load_servable,
        last_good=last_good,
    )


def challenger_of(settings: Settings) -> Champion:
    """The same of the challenger."""
    return Champion(
        settings.mlflow_uri, settings.model_name, settings.var_dir / "bundles", ask=challenger, load=load_servable
    )


def outage_champion_of(settings: Settings) -> OutageChampion:
    """The outage model's champion; not asked for yet."""
    return OutageChampion(settings.mlflow_uri, "outage", settings.var_dir / "bundles")


def scorer_of(settings: Settings, store: Store, agreements: AgreementSet, kept: KeptState | None = None) -> Scorer:
    """A scorer with the settings' zone and thresholds, without a bundle yet."""
    return Scorer(
        store,
        agreements,
        why_no_bundle=NO_MODEL if settings.use_model else f"{NO_MODEL} (SLACAST_USE_MODEL is off)",
        time_zone=settings.time_zone,
        thresholds=thresholds_of(settings),
        order=order_of(settings),
        recall=kept.recall if kept is not None else nothing_known,
    )


def order_of(settings: Settings) -> OrderSettings:
    """The settings' dials of the suggested order."""
    return OrderSettings(
        settings.queue_order == "suggested",
        GainSettings(guard=settings.guard, response=settings.response_weight),
        costs_of(settings.priority_weights),
        settings.oldest_every,
        settings.assumed_work_minutes,
        Switchback(settings.switchback_from),
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
