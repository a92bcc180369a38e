"""Signed cookies: good for one purpose, for one secret, and for the moments of a login."""

from __future__ import annotations

import stat
from pathlib import Path
from types import SimpleNamespace

import pytest
from fastapi import Response

from serving.access.cookies import LOGIN_SECONDS, SESSION, Cookies, secret_bytes


def test_what_was_signed_for_one_purpose_or_by_another_secret_is_nothing() -> None:
    cookies, others = Cookies(b"secret", is_secure=False), Cookies(b"other", is_secure=False)
    signed = cookies.signed(SESSION, "value")
    assert cookies.read(SESSION, signed) == "value"
    assert [cookies.read("csrf", signed), others.read(SESSION, signed), cookies.read(SESSION, f"x{signed}")] == [
        None
    ] * 3
    assert [cookies.read(SESSION, text) for text in (None, "", "value", "value.", f".{signed}")] == [None] * 5
    assert cookies.mark("csrf", "value") != cookies.mark(SESSION, "value")  # a form shows the first, never the second


def test_a_login_is_known_for_ten_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000_000.0]
    monkeypatch.setattr("serving.access.cookies.time", SimpleNamespace(time=lambda: now[0]))
    cookies = Cookies(b"secret", is_secure=False)
    packed = cookies.packed({"state": "s"})
    now[0] += LOGIN_SECONDS - 1
    assert cookies.unpacked(packed)["state"] == "s"
    now[0] += 1
    assert cookies.unpacked(packed) == {}
    assert cookies.unpacked(packed + "0") == cookies.unpacked(None) == {}


@pytest.mark.parametrize("is_secure", [False, True])
def test_no_script_reads_a_cookie_and_no_other_site_sends_it(is_secure: bool) -> None:
    response = Response()
    Cookies(b"secret", is_secure).set(response, SESSION, "value", 60)
    parts = {part.strip().lower() for part in response.headers["set-cookie"].split(";")}
    assert {"httponly", "samesite=lax", "path=/", "max-age=60"} <= parts
    assert ("secure" in parts, "__host-slacast_session=value" in parts) == (is_secure, is_secure)


def test_the_secret_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    first = secret_bytes(None, folder)
    assert len(first) == 64
    assert secret_bytes(None, folder) == first != secret_bytes(None, tmp_path / "other")
    assert stat.S_IMODE((folder / "session.key").stat().st_mode) == 0o600
    assert [path.name for path in folder.iterdir()] == ["session.key"]
    assert secret_bytes("given", folder) == b"given"
