"""Errors as problem details (RFC 9457): what was wrong, where, and what to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True)
class Fault:
    """One fault in what was sent: `pointer` is a JSON pointer into the body, or the name of a parameter.

    `found` and `expected` say the same as the detail in parts, where the sender may be told what it sent.
    """

    pointer: str
    detail: str
    found: str | None = None
    expected: str | None = None

    def content(self) -> dict[str, str]:
        """The fault as plain values, without what is not known."""
        return {name: value for name, value in vars(self).items() if value is not None}


class ProblemError(Exception):
    """An answer other than success that was expected; the application renders it, as JSON under /api and as a page elsewhere."""

    def __init__(
        self,
        status: int,
        detail: str,
        faults: tuple[Fault, ...] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.faults, self.headers = status, detail, faults, headers


@dataclass(frozen=True)
class ProblemDocument:
    """The body of a problem answer."""

    status: int
    detail: str
    instance: str
    faults: tuple[Fault, ...] = field(default=())

    @property
    def title(self) -> str:
        """The status in words."""
        return HTTPStatus(self.status).phrase

    def content(self) -> dict[str, Any]:
        """The document as plain values; the type is `about:blank`, so the title says it all (RFC 9457, 4.2.1)."""
        found: dict[str, Any] = {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": self.instance,
        }
        if self.faults:
            found["errors"] = [fault.content() for fault in self.faults]
        return found


def faults_of(errors: list[Any] | tuple[Any, ...], body: Any = None) -> tuple[Fault, ...]:
    """The faults pydantic found in a request with that body; values that were sent are not repeated, they may be secret or huge."""
    return tuple(Fault(_pointer(error.get("loc", ()), body), _said(error)) for error in errors)


def _said(error: Any) -> str:
    return str(error.get("msg", "is not valid")).removeprefix(
        "Value error, "
    )  # pydantic's words for what a check of ours says


def _pointer(location: tuple[int | str, ...], body: Any) -> str:
    if location and location[0] == "body":
        parts = _inside(location[1:], body)
        return "#/" + "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in parts)
    return str(location[-1]) if location else ""


def _inside(location: tuple[int | str, ...], body: Any) -> list[int | str]:
    """The location without the names of the alternatives that pydantic puts where there are several."""
    found: list[int | str] = []
    for place, part in enumerate(location):
        following = location[place + 1] if place + 1 < len(location) else None
        if isinstance(body, dict) and part not in body and following in body:
            continue
        found.append(part)
        body = body.get(part) if isinstance(body, dict) else None
    return found
