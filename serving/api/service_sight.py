"""What one caller sees of the services: those of their scope, with the open tickets that they may see."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from serving.access.caller import Scope, seen_by
from serving.etags import etag_of
from serving.problems import ProblemError
from serving.queue import Queue
from serving.scored_rows import ScoredRows
from serving.service import Service
from serving.services.service_file import ServiceFile, service_file
from serving.services.standing import ServiceBoard, ServiceStanding

NOT_YET = "How services stand is being worked out for the first time. Try again in a moment."


@dataclass(frozen=True)
class ServiceSight:
    """The services of a scope, the worst first. A key limited to services sees those; one limited to teams sees all, but counts its teams' tickets alone."""

    board: ServiceBoard
    services: tuple[ServiceStanding, ...]
    open_tickets: dict[str, int]
    scope: Scope

    @classmethod
    def of(cls, service: Service, scope: Scope) -> ServiceSight:
        """What the caller sees now; ProblemError 503 before the first board."""
        source = service.services
        basis = None if source is None else source.basis
        if basis is None:
            raise ProblemError(503, NOT_YET, headers={"Retry-After": "2"})
        queue = service.standing.queue
        tickets = {} if queue is None else tickets_by_service(seen_by(queue, scope))
        seen = tuple(one for one in basis.board.services if not scope.services or one.service in scope.services)
        return cls(basis.board, seen, tickets, scope)

    @property
    def names(self) -> frozenset[str] | None:
        """The services that may be named; None: all."""
        return frozenset(self.scope.services) if self.scope.services else None

    def etag(self, *parts: object) -> str:
        """An entity tag that changes when anything seen may have changed."""
        return etag_of(self.board.as_of, self.board.problem, sorted(self.open_tickets.items()), self.scope, *parts)


def file_seen(service: Service, name: str, sight: ServiceSight) -> ServiceFile:
    """The file of a service; ProblemError 404 for one that is unknown or outside the scope."""
    source = service.services
    basis = None if source is None else source.basis
    is_seen = any(one.service == name for one in sight.services)
    found = service_file(basis, name) if basis is not None and is_seen else None
    if found is None:
        raise ProblemError(404, f"There is no service {name[:200]!r}.")
    return found


def tickets_by_service(queue: Queue) -> dict[str, int]:
    """How many open tickets name each service."""
    rows = queue.rows
    if isinstance(rows, ScoredRows):
        return rows.scored.facts.texts["service"].counts(rows.places)
    return dict(Counter(row.service for row in rows))
