"""HTTP/1.1 as uvicorn reads it with llhttp, with an end to what is kept of a request that has not begun to be answered."""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEAD_BYTES = 65_536
"""Of the line and the headers of a request together, and of what stands after its body; longer ones are refused."""
TOO_LARGE = f"The head of the request is larger than {MOST_HEAD_BYTES:,} bytes."


class HeadTooLargeError(Exception):
    """Said to the parser, which then reads no further."""


class BoundedHttp(HttpToolsProtocol):
    """uvicorn's protocol, which alone would keep headers without end; bodies are bounded by serving/protection.py."""

    _unread_bytes = 0  # that came since a head, a part of a body or a whole request was read

    def data_received(self, data: bytes) -> None:  # noqa: D102
        self._unread_bytes += len(data)
        super().data_received(data)
        if self._unread_bytes > MOST_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response(TOO_LARGE)

    def on_headers_complete(self) -> None:  # noqa: D102
        # A body may have come with its head: then the head itself is measured.
        if self._unread_bytes > MOST_HEAD_BYTES and self._head_bytes() > MOST_HEAD_BYTES:
            raise HeadTooLargeError
        self._unread_bytes = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:  # noqa: D102
        self._unread_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:  # noqa: D102
        self._unread_bytes = 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: D102
        super().send_400_response(TOO_LARGE if self._unread_bytes > MOST_HEAD_BYTES else msg)

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
