"""slacast keys: keys are shown once, listed without their secret, and revoked."""

import json
import re
from datetime import timedelta

import pytest
import typer
from typer.testing import CliRunner

import slacast
from commands.access import duration
from features.store import open_store
from serving.access.tokens import Token, Verifier


def run(store, *words):
    return CliRunner().invoke(slacast.app, ["keys", *words, "--store", store])


@pytest.fixture
def store(tmp_path):
    return f"sqlite:///{tmp_path}/desk.db"


def test_a_key_is_made_shown_once_listed_and_revoked(store):
    made = run(
        store,
        "create",
        "--name",
        "jira",
        "--role",
        "dispatcher",
        "--team",
        "network",
        "--team",
        "desk",
        "--expires",
        "90d",
    )
    assert made.exit_code == 0
    token = Token.read(made.output.split()[0])
    assert "team network, team desk" in made.output
    with open_store(store) as opened:
        (key,) = opened.access_keys.all()
        assert Verifier().is_right(token, key.hashed)
        assert (key.role, key.teams, key.expires_at - key.created_at) == (
            "dispatcher",
            ("network", "desk"),
            timedelta(days=90),
        )
        assert opened.audit.read()[0].change.actor.startswith("command line")
    listed = run(store, "list").output
    assert f"{token.prefix}  dispatcher  valid until" in listed
    assert token.secret not in listed
    assert key.hashed not in listed
    assert "is revoked" in run(store, "revoke", token.prefix).output
    assert re.search(rf"{token.prefix} +dispatcher +revoked 2", run(store, "list").output)
    again = run(store, "revoke", token.prefix)
    assert (again.exit_code, "already" in again.output) == (1, True)


def test_machines_get_json(store):
    made = json.loads(run(store, "create", "--name", "bi", "--json").output)
    assert Token.read(made["key"]).prefix == made["prefix"]
    assert made["role"] == "reader"
    (listed,) = json.loads(run(store, "list", "--json").output)["keys"]
    assert (listed["state"], "key" in listed, "hashed" in listed) == ("valid", False, False)


def test_what_cannot_be_made_or_revoked_is_said(store):
    assert "There are no access keys" in run(store, "list").output
    for words, says in (
        (("create", "--name", " "), "needs a name"),
        (("revoke", "nothing2"), "there is no key 'nothing2'"),
    ):
        answer = run(store, *words)
        assert (answer.exit_code, says in answer.output) == (1, True)
    assert run(store, "create", "--name", "x", "--role", "emperor").exit_code == 2


@pytest.mark.parametrize("text", ["90", "d", "0d", "-1d", "1y", "1.5h", ""])
def test_a_duration_says_its_unit(text):
    with pytest.raises(typer.BadParameter, match="90d"):
        duration(text)
    assert duration("90d") == timedelta(days=90)
    assert duration(" 30min ") == timedelta(minutes=30)
