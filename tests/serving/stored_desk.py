"""A service over a real store, with keys of every role, for the tests of writing and of access."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from features.store.access_keys import AccessKey
from features.store.repository import Store, open_store
from serving.access.roles import Role
from serving.access.tokens import Token, Verifier
from serving.app import application
from serving.settings import Settings
from serving.workplace import build_service
from tests.serving.real_desk import AGREEMENTS, AT, random_events

_VERIFIER = Verifier()
TOKENS = {role: Token.fresh() for role in Role}
HASHES = {role: _VERIFIER.hashed(token) for role, token in TOKENS.items()}
FAR = datetime(2100, 1, 1, tzinfo=UTC)
HOST = "http://127.0.0.1:8000"


def prepared_store(folder: Path) -> Path:
    """A migrated store with events and agreements, for tests to copy."""
    path = folder / "desk.db"
    with open_store(f"sqlite:///{path}") as store:
        store.append_ticket_events(random_events(30), "test")
        store.save_agreements(AGREEMENTS, AT)
    return path


class Desk:
    """A service over a copy of the prepared store; nothing ticks unless told."""

    def __init__(self, prepared: Path, folder: Path, **settings: Any) -> None:
        (folder / "desk.db").write_bytes(prepared.read_bytes())
        self.settings = Settings(
            **{
                "database_url": f"sqlite:///{folder}/desk.db",
                "mlflow_uri": f"sqlite:///{folder}/mlflow.db",
                "var_dir": folder,
                "use_model": False,
                **settings,
            }
        )
        self.service = build_service(self.settings, lambda: AT, None)
        self.service.ticker.step()
        self._app: Any = None

    @property
    def store(self) -> Store:
        return self.service.written()

    @property
    def app(self) -> Any:
        self._app = self._app or application(self.service)
        return self._app

    def client(self, role: Role | None = None, token: str | None = None, address: str = "127.0.0.1") -> TestClient:
        """A client with the key of a role, or with any text for a key, or with none."""
        sent = TOKENS[role].text if role else token
        headers = {"Authorization": f"Bearer {sent}"} if sent else {}
        return TestClient(
            self.app,
            base_url=HOST,
            client=(address, 50000),
            headers=headers,
            raise_server_exceptions=False,
            follow_redirects=False,
        )

    def add_keys(self, *roles: Role, **values: Any) -> None:
        """Keys of these roles are stored, so the service is guarded from now on."""
        for role in roles or tuple(Role):
            self.add_key(TOKENS[role], HASHES[role], role=role.value, **values)

    def add_key(self, token: Token, hashed: str, **values: Any) -> None:
        given = {"name": values.get("role", "reader"), "role": "reader", "created_at": AT, "created_by": "test"}
        self.store.access_keys.add(AccessKey(**{"prefix": token.prefix, "hashed": hashed, **given, **values}))
        if self._app is not None:
            self._app.state.gate._looked_seconds = float("-inf")

    def close(self) -> None:
        self.service.close()


def event(number: int = 0, **values: Any) -> dict[str, Any]:
    """An event as a source sends it, just before AT."""
    at = AT - timedelta(minutes=10)
    return {
        "event_id": f"new-{number}",
        "ticket_id": f"N{number}",
        "event_at": at.isoformat(),
        "kind": "created",
        **values,
    }


NOWHERE = Token("nowhere2", TOKENS[Role.READER].secret)
HASHES_NOWHERE = HASHES[Role.READER]  # only the secret is hashed


def logged_in(desk: Desk, role: Role, path: str = "/queue") -> TestClient:
    client = desk.client()
    page = client.get("/login", params={"next": path})
    answer = client.post("/login", data={"csrf": field(page.text, "csrf"), "next": path, "key": TOKENS[role].text})
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    return client


def field(page: str, name: str) -> str:
    return page.split(f'name="{name}" value="', 1)[1].split('"', 1)[0]
