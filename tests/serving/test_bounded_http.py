"""The real server over a socket: what is no request, what has no end, and what two servers would read differently."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from serving.bounded_http import MOST_HEAD_BYTES
from tests.serving.browser import served
from tests.serving.fault_server import Server

PIECE = 1_000


async def _told(request: Request) -> JSONResponse:
    body = await request.body()
    headers = sum(len(name) + len(value) for name, value in request.headers.raw)
    return JSONResponse({"path": len(request.url.path), "headers": headers, "body": len(body)})


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with served(Starlette(routes=[Route("/{rest:path}", _told, methods=["GET", "POST"])])) as address:  # type: ignore[arg-type]
        yield int(address.rpartition(":")[2])


def _sent(port: int, *parts: bytes) -> bytes:
    """All that is answered to the parts until the server closes the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        try:
            for part in parts:
                connection.sendall(part)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it was closed before everything was sent, as it should where too much is
        found = b""
        try:
            while part := connection.recv(65_536):
                found += part
        except ConnectionResetError:
            pass
        return found


def _status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


def _content(answer: bytes) -> Any:
    return json.loads(answer.partition(b"\r\n\r\n")[2])


GET = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
ENDLESS = {
    "one header": [GET + b"X-Long: ", *[b"a" * PIECE] * 200],
    "many headers": [GET, *[b"X-Many: " + b"a" * (PIECE - 10) + b"\r\n"] * 200],
    "the name of a header": [GET, *[b"a" * PIECE] * 200],
    "the address": [b"GET /", *[b"a" * PIECE] * 200],
    "trailers": [
        POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n",
        *[b"X-Late: " + b"a" * (PIECE - 10) + b"\r\n"] * 200,
    ],
}


@pytest.mark.parametrize("what", ENDLESS)
def test_what_has_no_end_is_refused_long_before_it_is_kept(port: int, what: str) -> None:
    answer = _sent(port, *ENDLESS[what])
    assert _status(answer) in (0, 400)  # none where the answer met what was still being sent
    assert b"200" not in answer.partition(b"\r\n")[0]
    assert not answer or b"The head of the request is larger than 65,536 bytes." in answer


@pytest.mark.parametrize("pieces", [1, 10, 1_000])
@pytest.mark.parametrize("over", [-3_000, 3_000])
def test_the_bound_is_the_same_however_the_head_is_cut(port: int, pieces: int, over: int) -> None:
    head = GET + b"X-Long: " + b"a" * (MOST_HEAD_BYTES + over) + b"\r\n\r\n"
    length = -(-len(head) // pieces)
    answer = _sent(port, *(head[begin : begin + length] for begin in range(0, len(head), length)))
    assert _status(answer) in ((200,) if over < 0 else (0, 400))


@pytest.mark.parametrize("pieces", [1, 7, 300])
@pytest.mark.parametrize("is_chunked", [False, True])
def test_bodies_of_any_size_are_read_whole(port: int, pieces: int, is_chunked: bool) -> None:
    body = b"b" * 3 * MOST_HEAD_BYTES
    if is_chunked:
        parts = [body[begin : begin + 777] for begin in range(0, len(body), 777)]
        chunks = b"".join(f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in parts)
        message = POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
    else:
        message = POST + f"Content-Length: {len(body)}\r\n\r\n".encode() + body
    length = -(-len(message) // pieces)
    answer = _sent(port, *(message[begin : begin + length] for begin in range(0, len(message), length)))
    assert (_status(answer), _content(answer)["body"]) == (200, len(body))


def test_many_requests_on_one_connection_are_each_answered(port: int) -> None:
    one = b"GET /several HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * (MOST_HEAD_BYTES // 2) + b"\r\n\r\n"
    answer = _sent(port, *[one] * 9, GET + b"\r\n")
    assert answer.count(b"HTTP/1.1 200 OK") == 10


SMUGGLED = {
    "two lengths": b"Content-Length: 0\r\nContent-Length: 5\r\n\r\nhello",
    "a length and chunks": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks that are not last": b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "a space before the colon": b"Content-Length : 5\r\n\r\nhello",
    "a folded header": b"X-One: a\r\n b\r\n\r\n",
    "a bare line feed": b"X-One: a\nX-Two: b\r\n\r\n",
    "a NUL in a value": b"X-One: a\x00b\r\n\r\n",
    "a negative length": b"Content-Length: -5\r\n\r\nhello",
    "a length in hexadecimal": b"Content-Length: 0x5\r\n\r\nhello",
    "a chunk without a size": b"Transfer-Encoding: chunked\r\n\r\n;a\r\nhello\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("how", SMUGGLED)
def test_what_a_proxy_might_read_otherwise_is_refused(port: int, how: str) -> None:
    assert _status(_sent(port, POST + SMUGGLED[how])) == 400


@pytest.mark.parametrize(
    "line",
    [b"GET / HTTP/9.9", b"GET  HTTP/1.1", b"G\xffT / HTTP/1.1", b"GET /\xe4 HTTP/1.1", b"CONNECT x:1 HTTP/1.1", b"\x16\x03\x01"],
)  # fmt: skip
def test_what_is_no_request_is_refused(port: int, line: bytes) -> None:
    assert _status(_sent(port, line + b"\r\nHost: x\r\nConnection: close\r\n\r\n")) == 400


def test_the_service_itself_is_bounded(prepared_desk: Path, tmp_path: Path) -> None:
    (tmp_path / "desk.db").write_bytes(prepared_desk.read_bytes())
    server = Server(f"sqlite:///{tmp_path / 'desk.db'}", tmp_path)
    try:
        answer = _sent(
            server.port, b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n", *[b"X-Many: " + b"a" * 990 + b"\r\n"] * 99
        )
        assert _status(answer) in (0, 400)
        assert (
            _status(_sent(server.port, b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")) == 200
        )
    finally:
        server.close()
