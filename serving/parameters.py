"""Query parameters that a route does not have: a filter with a letter too few would otherwise find everything."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from fastapi import Request
from fastapi.dependencies.models import Dependant

from serving.problems import Fault, ProblemError

_MOST_NAMED, _LONGEST = 10, 100


def parameters_of(dependant: Dependant) -> frozenset[str]:
    """The names of all query parameters of a route, those that its dependencies read included."""
    own = (field.alias for field in dependant.query_params)
    return frozenset(own).union(*(parameters_of(one) for one in dependant.dependencies))


def refuse_unknown(request: Request, known: frozenset[str]) -> None:
    """Nothing, or ProblemError 422 naming the parameters of the request that are not known, and the ones that are."""
    if not request.url.query:
        return
    unknown = [name for name in dict.fromkeys(request.query_params) if name not in known]
    if unknown:
        faults = tuple(Fault(name[:_LONGEST], _instead_of(name, known)) for name in unknown[:_MOST_NAMED])
        count = f"{len(unknown)} unknown parameter{'s' if len(unknown) > 1 else ''}"
        raise ProblemError(422, f"{count} in the address; see errors.", faults)


def _instead_of(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    if not names:
        return "there is no such parameter: none is read here"
    near = get_close_matches(name[:_LONGEST], names, 1)
    meant = f"did you mean {near[0]!r}? " if near else ""
    return f"there is no such parameter; {meant}expected one of {', '.join(names)}"
