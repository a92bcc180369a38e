"""What problem answers look like, and which there are: RFC 9457."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class FaultOut(BaseModel):
    """One fault in what was sent."""

    pointer: str = Field(description="A JSON pointer into the body, or the name of a parameter.")
    detail: str
    found: str | None = Field(default=None, description="What was there, in short, where the sender may be told.")
    expected: str | None = Field(default=None, description="What should have been there.")


class ProblemOut(BaseModel):
    """Problem details (RFC 9457)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "about:blank",
                    "title": "Not Found",
                    "status": 404,
                    "detail": "There is no ticket 'INC404' at this instant.",
                    "instance": "/api/v1/tickets/INC404",
                }
            ]
        }
    )

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: list[FaultOut] = Field(default_factory=list)


PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": ProblemOut, "content": {"application/problem+json": {}}, "description": text}
    for status, text in {
        400: "The request cannot be read.",
        401: "No key, or a wrong, expired or revoked one.",
        403: "The role may not do this, or the team or service is outside of the key's scope.",
        404: "There is no such thing at this instant, or not for this caller.",
        409: "What is there already stands against it, as an event with this id and other content; nothing was changed.",
        413: "The body or the number of items is too large.",
        415: "The content type is not one of those described.",
        422: "Something in the request is not valid; `errors` names each fault.",
        429: "Too many requests; `Retry-After` says when to go on.",
        503: "Nothing was scored yet, or the scorer cannot work; the detail says why.",
        507: "The disk of the store is full; nothing was stored.",
    }.items()
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI entries of these problem answers."""
    return {status: PROBLEMS[status] for status in statuses}
