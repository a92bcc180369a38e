"""How live scores are made, kept and held against what came."""

from __future__ import annotations

from pydantic import Field

from serving.configuration.values import SettingGroup


class ScoringSettings(SettingGroup):
    """How scores are made and kept."""

    tick_seconds: float = Field(
        default=60.0,
        ge=0.05,
        description="Every open ticket is scored anew this often: risk moves although nothing happens.",
    )
    news_seconds: float = Field(
        default=0.25,
        ge=0.02,
        description="How often the store is asked for new events between ticks; tickets with news are scored at once.",
    )
    model_poll_seconds: float = Field(
        default=30.0,
        ge=0.1,
        description="How often MLflow is asked whether another version became champion, and the store for other agreements.",
    )
    store_scores: bool = Field(
        default=True,
        description="Whether this process may be the one that stores scores and sends alerts. False leaves that to others, such as slacast score --watch.",
    )
    score_tolerance: float = Field(
        default=0.01,
        ge=0,
        lt=1,
        description="A probability that moved by no more than this since it was stored is not stored again, while verdict, due time and bundle are the same.",
    )
    lease_seconds: float = Field(
        default=30.0,
        ge=1,
        description="How long the right to act lasts without being renewed: so long after a crash nobody stores scores or sends alerts.",
    )
    shadow_seconds: float = Field(
        default=300.0,
        ge=1,
        description="How often at most the challenger scores in the champion's shadow; each time costs what a tick costs.",
    )
    judged_days: float = Field(
        default=28.0,
        gt=0,
        le=3660,
        description="How stored scores came true is told (/metrics) of a window of so many days.",
    )
    judged_after_days: float = Field(
        default=7.0,
        ge=0,
        le=3660,
        description="The window ends so many days ago, so that the outcomes of its tickets are mostly known.",
    )
    outage_seconds: float = Field(
        default=300.0,
        ge=1,
        description="How services stand (likely outages, error budgets) is told anew at least this often, and soon after news of a service.",
    )
    outage_untouched_share: float = Field(
        default=0.0,
        ge=0,
        le=0.5,
        description="The share of services and days on which nobody is alerted of a likely outage, so that what comes without acting is seen (docs/outages.md).",
    )
