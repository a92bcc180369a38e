"""Limits, alerts, jobs and logs."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from serving.configuration.values import SettingGroup


class OperationSettings(SettingGroup):
    """How it runs."""

    requests_per_second: float = Field(
        default=300.0,
        gt=0,
        description="How many requests a second one key, person or (without either) address may make, on average; three times as many at once. More are answered with 429.",
    )
    failed_logins_per_minute: float = Field(
        default=10.0,
        gt=0,
        description="How many wrong keys an address may try in a minute before it is answered with 429.",
    )
    max_request_bytes: int = Field(
        default=4 * 1024 * 1024, ge=1024, description="A larger request body is refused with status 413."
    )
    max_ingest_bytes: int = Field(
        default=32 * 1024 * 1024, ge=1024, description="The same for POST /api/v1/events, whose batches are larger."
    )
    max_events: int = Field(default=10_000, ge=1, description="The most events one POST /api/v1/events may carry.")
    max_future_seconds: float = Field(
        default=300.0,
        ge=0,
        description="How far ahead of our clock an event may say it happened (clocks differ); later ones are refused.",
    )
    max_score_tickets: int = Field(default=1000, ge=1, description="The most tickets one POST /api/v1/score may carry.")
    alert_rules: Path | None = Field(
        default=None,
        description="A YAML file with alert rules (docs/alerts.md). Unset: nobody is told anything by themselves.",
    )
    jobs_at_once: int = Field(
        default=1,
        ge=0,
        le=100,
        description="How many long jobs (trainings, backtests, simulations) run at once over this store. 0: this process runs none, others may.",
    )
    job_logs_days: float = Field(
        default=90.0,
        ge=0,
        le=36_600,
        description="The logs of jobs are removed so many days after the job ended; what became of it stays. 0 keeps them.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="How much is written to the log (standard error)."
    )
    log_format: Literal["text", "json"] = Field(
        default="text", description="Log lines for people, or one JSON object a line for machines."
    )
    tracing: Literal["off", "otlp"] = Field(
        default="off",
        description="`otlp` sends OpenTelemetry spans of requests, ticks, jobs and alerts over HTTP, to where the standard OTEL_* variables say (docs/operations.md).",
    )
    shutdown_seconds: int = Field(
        default=5, ge=1, description="How long requests under way may take to end when the service is told to stop."
    )
