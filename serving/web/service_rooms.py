"""The addresses /services and /services/{service}."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from serving.access.caller import Caller
from serving.access.decisions import Demand, Guarded
from serving.access.roles import Permission
from serving.api.service_sight import ServiceSight, file_seen
from serving.etags import is_unchanged, not_modified
from serving.service import service_of
from serving.services.standing import ServiceStanding
from serving.web.availability_view import KINDS, AvailabilityAddress, AvailabilityView, availability_view
from serving.web.frame import ETAG_HEADERS, frame, page_tag, pages_of
from serving.web.language import language_of
from serving.web.services_page import (
    CRITICALITIES,
    STATES,
    ServicesAddress,
    ServiceTelling,
    service_url,
    services_view,
)

router = APIRouter(include_in_schema=False, route_class=Guarded)
Reader: TypeAlias = Annotated[Caller, Depends(Demand(Permission.READ))]


@router.get("/services")
def services_page(request: Request, caller: Reader) -> Response:
    """Every service, the worst first; a first visit before the first forecast gets a page that says so and looks again."""
    service, pages = service_of(request), pages_of(request)
    if service.standing.queue is None or service.services is None or service.services.basis is None:
        return pages.render("waiting.html", 503, {"Retry-After": "2"}, **frame(request, None, service.standing))
    sight = ServiceSight.of(service, caller.scope)
    etag = page_tag(request, sight.etag(), service.standing.problem)
    if is_unchanged(request, etag):
        return not_modified(etag)
    address = ServicesAddress.read(request.query_params)
    values = _values(request, sight, etag) | {
        "view": services_view(sight.services, address, service.settings.page_size),
        "states": STATES,
        "criticalities": CRITICALITIES,
    }
    return pages.render("services.html", 200, {"ETag": etag, **ETAG_HEADERS}, **values)


@router.get("/services/{name:path}")
def service_page(request: Request, name: str, caller: Reader) -> Response:
    """One service."""
    service, pages = service_of(request), pages_of(request)
    service.queue()
    sight = ServiceSight.of(service, caller.scope)
    etag = page_tag(request, sight.etag(), service.standing.problem)
    if is_unchanged(request, etag):
        return not_modified(etag)
    found = file_seen(service, name, sight)
    one, seen = found.standing, sight.names
    values = _values(request, sight, etag)
    values |= {
        "file": found,
        "one": one,
        "needs": [other for other in one.needs if seen is None or other in seen],
        "parts": [other for other in one.made_of.parts if seen is None or other in seen] if one.made_of else [],
        "needed_by": [other for other in one.needed_by if seen is None or other in seen],
        "windows": _windows(request, one, values["local"].name) if one.has_events else None,
        "kinds": KINDS,
    }
    return pages.render("service.html", 200, {"ETag": etag, **ETAG_HEADERS}, **values)


def _windows(request: Request, one: ServiceStanding, zone: str) -> AvailabilityView | None:
    source = service_of(request).services
    basis = None if source is None else source.basis
    if basis is None:
        return None
    calendars = tuple(basis.agreements.calendar_names)
    address = AvailabilityAddress.read(request.query_params, one.service, calendars)
    return availability_view(basis, address, zone, calendars, language_of(request))


def _values(request: Request, sight: ServiceSight, etag: str) -> dict[str, Any]:
    service = service_of(request)
    queue, standing = service.queue()
    values = frame(request, queue, standing)
    return values | {
        "board": sight.board,
        "tickets": sight.open_tickets,
        "tell": ServiceTelling.of(request, values["instant"]),
        "service_url": service_url,
        "etag": etag,
    }
