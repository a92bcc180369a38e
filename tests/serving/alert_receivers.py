"""Receivers on this machine for the tests of delivery: a web hook and a mail server."""

from __future__ import annotations

import contextlib
import socketserver
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from serving.alerting.rules import AlertRules


@dataclass
class Hook:
    """What a web hook was sent. `statuses` are answered in turn, then 204."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    wait_seconds: float = 0.0
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def keys(self) -> list[str]:
        return [headers["Idempotency-Key"] for _, headers, _ in self.got]


@contextlib.contextmanager
def hook() -> Iterator[Hook]:
    found = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.got.append((self.path, dict(self.headers.items()), body))
            time.sleep(found.wait_seconds)
            with contextlib.suppress(OSError):
                self.send_response(found.statuses.pop(0) if found.statuses else 204)
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

        def log_message(self, *_args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    with _served(server):
        yield found


@dataclass
class Mailbox:
    """What a mail server took. `refusal` is its answer to every recipient, where it is set."""

    port: int = 0
    refusal: str = ""
    mails: list[str] = field(default_factory=list)


@contextlib.contextmanager
def mail_server() -> Iterator[Mailbox]:
    found = Mailbox()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 test")
            while line := self.rfile.readline().decode().strip():
                word = line.split(" ")[0].upper()
                if word == "DATA":
                    self._say("354 go on")
                    lines = list(iter(lambda: self.rfile.readline().decode(), ".\r\n"))
                    found.mails.append("".join(lines))
                refused = found.refusal if word == "RCPT" else ""
                self._say("221 bye" if word == "QUIT" else refused or "250 ok")
                if word == "QUIT":
                    return

        def _say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    found.port = server.server_address[1]
    with _served(server):
        yield found


@contextlib.contextmanager
def _served(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def rules_for(channel: dict[str, Any], **rule: Any) -> AlertRules:
    """Rules with one that tells a channel of every breach of the desk's time."""
    late = {"name": "Late", "kind": "breach", "news_for": "100 days", "channels": ["there"], **rule}
    return AlertRules.model_validate({"slacast_alerts": 1, "channels": {"there": channel}, "rules": [late]})
