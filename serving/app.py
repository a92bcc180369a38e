"""The application, built in one place by `create_app`; nothing happens at import."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException

from serving.access.decisions import all_routes, refuse_undecided
from serving.access.gate import Gate
from serving.api.queue import Addresses
from serving.api.routes import api_router
from serving.api.scoring import turns_of
from serving.bounded_http import BoundedHttp
from serving.champion import NOT_YET
from serving.configuration.values import is_loopback, listed
from serving.gauges import Gauges
from serving.levels_book import LevelsBook
from serving.log_lines import set_up_logging
from serving.metrics import Metrics
from serving.observation import Observation
from serving.problems import MEDIA_TYPE, Fault, ProblemDocument, ProblemError, faults_of
from serving.protection import Bounds, Protection
from serving.quality.book import QualityBook
from serving.scorer import is_scored
from serving.service import Service
from serving.settings import Settings, refuse_open_door
from serving.spare_memory import giving_back, one_thread_for_algebra, without_what_stays
from serving.ticker import Feed
from serving.web import capacity_page, levels_page, login, marking, models_room, pages, service_rooms, ticket_room
from serving.web.frame import Pages, error_page
from serving.web.mark_book import MarkBook
from serving.workplace import build_service

log = logging.getLogger(__name__)
Clock = Callable[[], datetime]
NO_TELEMETRY = TelemetryConfig(tracing=False, metrics=False, logs=False, operation_spans=False, auto_configure=False)
"""FastAPI's own would send addresses, queries and messages of errors, which hold what people wrote; see serving/tracing.py."""


def system_clock() -> datetime:
    """The real time, aware, in UTC."""
    return datetime.now(UTC)


def create_app(
    settings: Settings | None = None,
    *,
    clock: Clock = system_clock,
    feed: Feed | None = None,
    build: Callable[[Settings, Clock, Feed | None], Service] = build_service,
) -> FastAPI:
    """The application, ready to be served; the background tick starts and stops with it.

    `clock` gives the aware instant that counts as now (the demo passes an accelerated one); `feed` is an optional source of
    further events that the tick appends to the store. Raises SettingsError where the settings would let strangers in, and
    the store's and the agreements' own errors where those cannot be read.
    """
    chosen = settings or Settings()
    service = build(chosen, clock, feed)
    try:
        app = application(service)
        refuse_open_door(chosen, is_loopback(chosen.host) or app.state.gate.has_valid_key())
    except BaseException:
        service.close()
        raise
    return app


def serve(
    settings: Settings,
    *,
    clock: Clock = system_clock,
    feed: Feed | None = None,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Nothing until interrupted: answers at the settings' address. `on_ready` is called with that address before the first request."""
    set_up_logging(settings.log_level, settings.log_format)
    app = create_app(settings, clock=clock, feed=feed)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    if on_ready is not None:
        on_ready(f"http://{host}:{settings.port}")
    one_thread_for_algebra()
    with without_what_stays(lambda: _has_scored(app.state.service)), giving_back():
        uvicorn.run(
            app,
            host=settings.host,
            port=settings.port,
            log_config=None,  # its loggers end in ours
            access_log=False,
            server_header=False,
            http=BoundedHttp,
            proxy_headers=bool(settings.trusted_proxies),  # else nobody may say on another's behalf who asks
            forwarded_allow_ips=listed(settings.trusted_proxies),
            timeout_graceful_shutdown=settings.shutdown_seconds,
        )


def _has_scored(service: Service) -> bool:
    """Whether all open tickets were scored, not only by the rules until the model's first probabilities are there."""
    queue = service.standing.queue
    return queue is not None and is_scored(queue) and queue.rules_only_reason != NOT_YET


def application(service: Service) -> FastAPI:
    """The application around a service that is already put together."""
    gauges = Gauges(service)
    metrics = Metrics(service, now=system_clock if service.clock is system_clock else None, gauges=gauges)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        service.start()
        gauges.start()
        watching = asyncio.create_task(metrics.watch(lambda: service.standing))
        try:
            yield
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching
            gauges.stop()
            service.stop()
            service.close()

    app = FastAPI(
        title="slacast",
        version="1",
        summary="Which open tickets will miss their service level, early enough to act.",
        description="Verdicts come from the agreements alone; probabilities from the served bundle, where there is one. See docs/api.md.",
        openapi_url=None,  # served behind the gate, see serving/api/description.py
        docs_url=None,  # their page loads its script from elsewhere, which our content policy forbids
        redoc_url=None,
        lifespan=lifespan,
        telemetry=NO_TELEMETRY,
    )
    gate = Gate(service.settings, service.store, system_clock)
    log.info(
        "open for one user on this machine: no access keys exist" if gate.is_open() else "access needs a key or a login"
    )
    app.state.service, app.state.gate = service, gate
    app.state.metrics, app.state.gauges = metrics, gauges
    app.state.pages = Pages.build()
    app.state.marks = MarkBook(service.store)
    app.state.levels = levels = LevelsBook(lambda: service.source.histories)
    app.state.scoring, app.state.addresses = turns_of(service), Addresses()
    app.state.quality = QualityBook(service.store, levels.clocks)
    app.state.openid = _issuer_of(service.settings)
    for router in (
        api_router(),
        pages.router,
        ticket_room.router,
        service_rooms.router,
        marking.router,
        levels_page.router,
        capacity_page.router,
        models_room.router,
        login.router,
    ):
        app.include_router(router)
    refuse_undecided(app)
    app.add_exception_handler(ProblemError, _on_problem)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(Exception, _on_surprise)
    app.add_middleware(Protection, bounds=Bounds.of(service.settings), stands_open=lambda: gate.stands_open)
    templates = {getattr(route, "endpoint", None): path for path, route in all_routes(app)}
    app.add_middleware(Observation, templates=templates, answered=metrics.answered, tracing=service.tracing)
    return app


def _issuer_of(settings: Settings) -> Any:
    """Who vouches for people (serving.access.openid.OpenId), None where no issuer is set: Authlib is then not loaded, which spares 15 MiB."""
    if not settings.oidc_issuer:
        return None
    from serving.access.openid import OpenId

    return OpenId(settings)


def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)  # noqa: S101 (registered for this class alone)
    if error.status == 401 and _wants_page(request):
        return login.redirect_to_login(request)
    return _answer(request, error.status, error.detail, error.faults, error.headers)


def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 (registered for this class alone)
    details = {
        404: f"There is nothing at {request.url.path[:200]!r}.",
        405: f"{request.method} is not offered at {request.url.path[:200]!r}.",
    }
    return _answer(request, error.status_code, details.get(error.status_code, str(error.detail)), headers=error.headers)


def _on_invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 (registered for this class alone)
    faults = faults_of(list(error.errors()), error.body)
    return _answer(
        request, 422, f"{len(faults)} fault{'s' if len(faults) != 1 else ''} in the request; see errors.", faults
    )


def _on_surprise(request: Request, error: Exception) -> Response:
    log.error("unexpected error at %s", request.url.path, exc_info=error)
    return _answer(request, 500, "slacast failed at this; the log says where. Nothing was changed.")


def _answer(
    request: Request, status: int, detail: str, faults: tuple[Fault, ...] = (), headers: Any = None
) -> Response:
    document = ProblemDocument(status, detail, request.url.path, faults)
    if _wants_page(request):
        return error_page(request, status, document.title, detail)
    return JSONResponse(document.content(), status, headers, media_type=MEDIA_TYPE)


def _wants_page(request: Request) -> bool:
    path = request.url.path
    return "text/html" in request.headers.get("accept", "") and not path.startswith(
        ("/api/", "/healthz", "/readyz", "/metrics")
    )
