"""Services made of services: the history of a whole from those of its parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sla.instants import NEVER_US
from sla.services.service_history import FAR_PAST_US, ServiceError, ServiceHistory, ServiceState, StateArray


@dataclass(frozen=True)
class Needs:
    """What a service needs to work: all of some services, and enough of each group of interchangeable ones."""

    all_of: tuple[str, ...] = ()
    groups: tuple[tuple[int, tuple[str, ...]], ...] = ()  # (how many of them are needed, which)

    def names(self) -> tuple[str, ...]:
        """Return every service that is named."""
        return (*self.all_of, *(name for _, members in self.groups for name in members))


def combined(histories: Sequence[ServiceHistory], needed: int | None = None) -> ServiceHistory:
    """Return the history of parts of which `needed` must work (all by default).

    At each instant the parts are ranked from best to worst (available, degraded, in maintenance, unknown, down) and the
    whole is in the state of the one that is just needed. A part under planned maintenance counts as in maintenance
    whatever happens to it; where such a part decides, the whole is in maintenance.
    """
    if not histories:
        raise ServiceError("no services to combine: name at least one")
    count = len(histories) if needed is None else needed
    if not 1 <= count <= len(histories):
        raise ServiceError(f"{count} of {len(histories)} services are needed: expected between 1 and {len(histories)}")
    edges = np.unique(np.concatenate([_edges(history) for history in histories]))
    # The states between edges: one before the first, then one from each edge on.
    probes = np.concatenate(([FAR_PAST_US], edges))
    ranked = np.sort(np.stack([_effective(history, probes) for history in histories]), axis=0)
    states = ranked[count - 1]
    changed = states[1:] != states[:-1]
    return ServiceHistory(edges[changed], np.concatenate((states[:1], states[1:][changed])))


def _edges(history: ServiceHistory) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    edges = np.concatenate((history.changes_us, *history.maintenance))
    return edges[(edges > FAR_PAST_US) & (edges < NEVER_US)]


def _effective(history: ServiceHistory, at_us: np.ndarray[tuple[int], np.dtype[np.int64]]) -> StateArray:
    opens, closes = history.maintenance
    planned = np.searchsorted(opens, at_us, side="right") > np.searchsorted(closes, at_us, side="right")
    return np.where(planned, np.int8(ServiceState.MAINTENANCE), history.state_at(at_us)).astype(np.int8)


def composite(name: str, histories: Mapping[str, ServiceHistory], needs: Mapping[str, Needs]) -> ServiceHistory:
    """Return the history of a service with everything it rests on, directly or through others.

    `histories` are those of each service by itself; one without its own history is available while its parts are.
    Raises ServiceError for a service that is unknown or rests on itself.
    """
    return _composite(name, histories, needs, {}, ())


def composites(
    names: Iterable[str], histories: Mapping[str, ServiceHistory], needs: Mapping[str, Needs]
) -> dict[str, ServiceHistory]:
    """Return the histories of several services as `composite` does, each of what they share worked out once."""
    known: dict[str, ServiceHistory] = {}
    return {name: _composite(name, histories, needs, known, ()) for name in names}


def outages_alone(history: ServiceHistory) -> ServiceHistory:
    """Return a history that is available wherever nothing is known, for a service whose parts are what is watched."""
    states = np.where(history.states == ServiceState.UNKNOWN, np.int8(ServiceState.AVAILABLE), history.states)
    return ServiceHistory(history.changes_us, states.astype(np.int8), history.maintenance)


def _composite(
    name: str,
    histories: Mapping[str, ServiceHistory],
    needs: Mapping[str, Needs],
    known: dict[str, ServiceHistory],
    path: tuple[str, ...],
) -> ServiceHistory:
    if name in path:
        raise ServiceError(f"service {name!r} rests on itself: {' needs '.join((*path, name))}")
    if name in known:
        return known[name]
    if name not in histories and name not in needs:
        raise ServiceError(f"service {name!r} is not known: it has neither a history nor needs")
    parts = [histories[name]] if name in histories else []
    wanted = needs.get(name, Needs())
    inner = {part: _composite(part, histories, needs, known, (*path, name)) for part in wanted.names()}
    parts += [inner[part] for part in wanted.all_of]
    parts += [combined([inner[part] for part in members], count) for count, members in wanted.groups]
    if not parts:
        raise ServiceError(f"service {name!r} has neither a history nor needs: give it one")
    known[name] = parts[0] if len(parts) == 1 else combined(parts)
    return known[name]
