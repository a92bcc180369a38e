"""What can be set: one class, read from SLACAST_* environment variables, described in docs/settings.md."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

SECRETS = frozenset({"database_url", "mlflow_uri", "session_secret", "oidc_client_secret", "pseudonym_secret"})
"""Settings that hold, or may hold, a secret: their values are in no message and no log."""
ROLE_NAMES = ("reader", "dispatcher", "planner", "scientist", "manager", "admin")
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class SettingsError(ValueError):
    """A setting, or settings together, that slacast will not start with; the text says what to do."""


class Settings(BaseSettings):
    """All settings of the service with their defaults. Each is read from SLACAST_<NAME>; an unknown SLACAST_ variable is left alone."""

    model_config = SettingsConfigDict(env_prefix="SLACAST_", frozen=True, extra="forbid")

    database_url: str = Field(
        default="sqlite:///var/slacast.db",
        description="Where events, agreements and scores are kept: an SQLAlchemy address, SQLite or PostgreSQL.",
    )
    agreements: Path | None = Field(
        default=None,
        description="The YAML file with the agreements. Unset: the agreements last imported into the store.",
    )
    mlflow_uri: str = Field(
        default="sqlite:///var/mlflow.db",
        description="The MLflow tracking store whose registered model with the alias `champion` is served.",
    )
    model_name: str = Field(default="breach", description="The name of the registered breach model.")
    gate: Path | None = Field(
        default=None,
        description="A YAML file with the gate's thresholds for training (docs/models.md). Unset: those built in.",
    )
    use_model: bool = Field(default=True, description="False serves from the rules alone and says so on every page.")
    var_dir: Path = Field(
        default=Path("var"), description="The one folder slacast writes to besides the database and MLflow."
    )
    host: str = Field(
        default="127.0.0.1",
        description="The address to listen on. Any but a loopback address needs access keys or OpenID Connect (docs/access.md).",
    )
    port: int = Field(default=8000, ge=1, le=65535, description="The port to listen on.")
    public_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^/\s]+$",
        description="The address people use, such as https://slacast.example.org: its host is answered, and with https cookies never travel without. Unset: the host and port listened on.",
    )
    allowed_hosts: str = Field(
        default="",
        description="Further host names that requests may name, separated by commas. Loopback names, the host listened on and that of the public URL always are.",
    )
    trusted_proxies: str = Field(
        default="",
        description="Addresses of proxies, separated by commas, that may say on whose behalf they ask (X-Forwarded-For, X-Forwarded-Proto).",
    )
    session_hours: float = Field(
        default=12.0, gt=0, le=720, description="How long a login at the pages lasts, in hours."
    )
    session_secret: SecretStr | None = Field(
        default=None,
        min_length=32,
        description="What session cookies are signed with; replicas need the same. Unset: one is made and kept in SLACAST_VAR_DIR.",
    )
    pseudonym_secret: SecretStr | None = Field(
        default=None,
        min_length=32,
        description="What pseudonyms of names are made with on import, where a mapping asks for them (docs/operations.md). Keep it: another one gives the same person another pseudonym.",
    )
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
    oidc_issuer: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s]+$",
        description="The OpenID Connect issuer whose people may log in. Unset: keys alone open the pages.",
    )
    oidc_client_id: str = Field(default="slacast", description="The client id that the issuer knows slacast by.")
    oidc_client_secret: SecretStr | None = Field(
        default=None, description="The client secret; unset for a public client (PKCE is used in either case)."
    )
    oidc_scopes: str = Field(default="openid profile email", description="The scopes asked of the issuer.")
    oidc_role_claim: str = Field(
        default="roles",
        description="The claim of the ID token that decides the role; dots lead into objects, as in realm_access.roles.",
    )
    oidc_roles: str = Field(
        default="",
        description="Which value of that claim gives which role: value=role, separated by commas, the first that fits counts. Without a fit nobody gets in. Empty: the claim holds our own role names.",
    )
    oidc_team_claim: str | None = Field(
        default=None, description="The claim that lists the teams whose tickets the person may see. Unset: all teams."
    )
    time_zone: str | None = Field(
        default=None,
        description="The desk's time zone (IANA name) for times in pages, tables and reasons. Unset: the zone of the first calendar in the agreements.",
    )
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
    poll_seconds: int = Field(default=15, ge=1, description="How often an open page asks for changes.")
    page_size: int = Field(default=50, ge=5, le=200, description="Tickets on one page of the queue.")
    high_risk_from: float = Field(
        default=0.5, gt=0, lt=1, description="A probability of breach from here on is called high risk (▲)."
    )
    some_risk_from: float = Field(
        default=0.2, gt=0, lt=1, description="A probability of breach from here on is called some risk (◆)."
    )
    rules_high_risk_from: float = Field(
        default=0.8,
        gt=0,
        le=1,
        description="Without a model: the share of the target used from which a ticket is called high risk.",
    )
    rules_some_risk_from: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="Without a model: the share of the target used from which a ticket is called some risk.",
    )
    save_within_working_hours: float = Field(
        default=16.0,
        gt=0,
        description="A running clock with at most this many working hours left belongs to the group 'save now'.",
    )
    queue_order: Literal["suggested", "rules"] = Field(
        default="suggested",
        description="The queue's own order while a model is served: `suggested`, by what a minute of work saves (docs/dispatch.md), or `rules`, by due time. Without a model it is `rules`.",
    )
    guard: float = Field(
        default=0.003,
        ge=0,
        le=1,
        description="Suggested order: what a ticket is worth that is late by one whole target, relative to one that presses and can be saved. 0 has the fewest breaches and the longest lateness.",
    )
    response_weight: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="Suggested order: what a first response in time is worth relative to a resolution in time; counts where a first response is agreed.",
    )
    priority_weights: str = Field(
        default="1=20,2=8,3=3,4=1",
        description="Suggested order: what a breach costs by priority, priority=cost separated by commas; the least of them for any other priority.",
    )
    oldest_every: int = Field(
        default=0,
        ge=0,
        le=100,
        description="Suggested order: one pick in so many takes the oldest ticket of the team, where a hard limit of age is agreed (5 is usual). 0: none does.",
    )
    assumed_work_minutes: float = Field(
        default=60.0,
        gt=0,
        description="Suggested order: hands-on minutes a ticket needs, while fewer than 30 finished tickets tell.",
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
    alert_rules: Path | None = Field(
        default=None,
        description="A YAML file with alert rules (docs/alerts.md). Unset: nobody is told anything by themselves.",
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
    jobs_at_once: int = Field(
        default=1,
        ge=0,
        le=100,
        description="How many long jobs (trainings, backtests, simulations) run at once over this store. 0: this process runs none, others may.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="How much is written to the log (standard error)."
    )
    log_format: Literal["text", "json"] = Field(
        default="text", description="Log lines for people, or one JSON object a line for machines."
    )
    shutdown_seconds: int = Field(
        default=5, ge=1, description="How long requests under way may take to end when the service is told to stop."
    )

    @field_validator("priority_weights")
    @classmethod
    def _weights_are_costs(cls, value: str) -> str:
        costs_of(value)
        return value

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        if value:
            try:
                ZoneInfo(value)
            except (ZoneInfoNotFoundError, ValueError) as error:
                raise ValueError(
                    f"{value!r} is not a time zone; expected an IANA name such as Europe/Berlin"
                ) from error
        return value or None

    @model_validator(mode="after")
    def _issuer_is_safe(self) -> Settings:
        issuer = urlsplit(self.oidc_issuer or "")
        if issuer.scheme == "http" and not is_loopback(issuer.hostname or ""):
            raise ValueError(
                f"SLACAST_OIDC_ISSUER ({self.oidc_issuer}) must begin with https: what it says lets people in"
            )
        wrong = [pair for pair in listed(self.oidc_roles) if pair.partition("=")[2] not in ROLE_NAMES]
        if wrong:
            raise ValueError(f"SLACAST_OIDC_ROLES: {wrong[0]!r} is not VALUE=ROLE; roles are {', '.join(ROLE_NAMES)}")
        return self

    @model_validator(mode="after")
    def _thresholds_in_order(self) -> Settings:
        for low, high in (("some_risk_from", "high_risk_from"), ("rules_some_risk_from", "rules_high_risk_from")):
            if getattr(self, low) >= getattr(self, high):
                raise ValueError(
                    f"SLACAST_{low.upper()} ({getattr(self, low)}) must be below SLACAST_{high.upper()} ({getattr(self, high)})"
                )
        return self


def load_settings(**given: Any) -> Settings:
    """The settings from the environment with what is given in their place; SettingsError naming each variable that is not valid."""
    try:
        return Settings(**given)
    except ValidationError as error:
        lines = [_fault(detail, given) for detail in error.errors()]
        raise SettingsError("\n".join(lines)) from error


def _fault(detail: Any, given: dict[str, Any]) -> str:
    name = str(detail["loc"][0]) if detail["loc"] else ""
    message = str(detail["msg"]).removeprefix("Value error, ")
    if not name:
        return message
    field = Settings.model_fields.get(name)
    if field is None:
        return f"{name} is not a setting; docs/settings.md lists them"
    where = name if name in given else f"SLACAST_{name.upper()}"
    default = "unset" if field.default is None else field.default
    found = "not valid" if name in SECRETS else repr(detail["input"])
    return f"{where} is {found}: {message}. {field.description} Default: {default}."


def is_loopback(host: str) -> bool:
    """True where nobody but this machine can reach `host`."""
    if host.lower() in LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def costs_of(text: str) -> dict[str, float]:
    """The cost of each priority in `1=20,2=8`; ValueError naming the part that is no such thing."""
    costs = {}
    for part in listed(text):
        name, _, number = part.rpartition("=")
        try:
            cost = float(number)
        except ValueError:
            cost = -1.0
        if not name.strip() or not 0 < cost < float("inf"):
            raise ValueError(f"{part!r} is not PRIORITY=COST with a cost above 0, such as 1=20")
        costs[name.strip()] = cost
    if not costs:
        raise ValueError("no priority has a cost; expected such as 1=20,2=8,3=3,4=1")
    return costs


def listed(text: str) -> list[str]:
    """The parts of a text separated by commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


def refuse_open_door(settings: Settings, has_keys: bool) -> None:
    """Nothing, or SettingsError where the service would answer strangers: it is reached from elsewhere and nothing guards it."""
    if not is_loopback(settings.host) and not has_keys and settings.oidc_issuer is None:
        raise SettingsError(
            f"SLACAST_HOST is {settings.host!r}, which others can reach, and there is no valid access key. "
            "Make one first (slacast keys create --role admin --name NAME), or set SLACAST_OIDC_ISSUER, "
            "or listen on 127.0.0.1 and come through an SSH tunnel: "
            f"ssh -L {settings.port}:127.0.0.1:{settings.port} this-machine"
        )


def markdown() -> str:
    """The text of docs/settings.md: one row a setting, in the order of the class."""
    lines = [
        "# Settings",
        "",
        "<!-- generated by `make docs` from serving/settings.py -->",
        "",
        "Environment variables, read when the service starts. Paths and SQLite addresses are relative to the folder slacast is started in.",
        "",
        "| variable | default | meaning |",
        "|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else f"`{field.default}`"
        lines.append(f"| `SLACAST_{name.upper()}` | {default} | {field.description} |")
    return "\n".join(lines) + "\n"
