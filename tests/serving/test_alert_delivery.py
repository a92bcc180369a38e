"""What was decided reaches people: at least once, recognisably, and without holding up the tick."""

from __future__ import annotations

import json
import logging
import random
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from features.store.alerts import DEAD, DELIVERED, FAILED
from features.store.repository import Store
from serving.alerting.courier import Courier, backoff_seconds
from serving.alerting.loading import AlertRulesError
from serving.alerting.rules import AlertRules
from serving.alerting.sending import SIGNATURE, TIMESTAMP, is_genuine, slack_body
from serving.alerting.watchman import Watchman, couriers_of
from serving.queue import Queue
from tests.serving.alert_receivers import Hook, hook, mail_server, rules_for
from tests.serving.real_desk import AT, agreements

NOW = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)  # real time, which the desk's own clock need not show
SECRETS = {"KEY": "hunter2-key", "PASSWORD": "hunter2-password"}


def webhook(to: Hook, **values: Any) -> dict[str, Any]:
    return {"kind": "webhook", "url": f"{to.url}/in", "secret_from": "KEY", **values}


class Clock:
    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> datetime:
        return self.at


def lived(store: Store, queue: Queue, rules: AlertRules, clock: Clock | None = None) -> Courier:
    """The queue was looked at, and the process ended before anything was sent; the courier is of the next process."""
    sent = Watchman(rules, agreements(), store.alerts, clock=lambda: NOW).after_tick(queue)
    assert sent > 0
    return couriers_of(rules, store.alerts, SECRETS, clock or Clock())[0]


def test_what_was_stored_before_the_process_died_is_sent_by_the_next_signed_and_once(
    store: Store, queue: Queue
) -> None:
    with hook() as receiver:
        courier = lived(store, queue, rules_for(webhook(receiver)))
        waiting = store.alerts.still_to_send()
        assert courier.deliver() == waiting > 2
        assert courier.deliver() == 0
    path, headers, body = receiver.got[0]
    assert path == "/in"
    assert len(set(receiver.keys)) == waiting
    assert is_genuine(b"hunter2-key", headers, body, NOW + timedelta(minutes=4))
    told = json.loads(body)
    assert told["id"] == headers["Idempotency-Key"]
    assert (told["event"], told["rule"], told["subject_kind"]) == ("raised", "Late", "ticket")
    assert told["deduplication_key"] == f"Late/ticket/{told['subject']}"
    assert told["details"]["tickets"][0]["ticket_id"] == told["subject"]
    assert told["subject"] in told["message"]
    assert told["raised_at"] == AT.isoformat()


def test_a_body_that_was_changed_signed_by_another_or_sent_again_later_is_not_genuine(
    store: Store, queue: Queue
) -> None:
    with hook() as receiver:
        lived(store, queue, rules_for(webhook(receiver))).deliver()
    _, headers, body = receiver.got[0]
    assert is_genuine(b"hunter2-key", headers, body, NOW)
    assert not is_genuine(b"hunter2-key", headers, body + b" ", NOW)
    assert not is_genuine(b"another", headers, body, NOW)
    assert not is_genuine(b"hunter2-key", headers, body, NOW + timedelta(minutes=6))
    assert not is_genuine(b"hunter2-key", {**headers, TIMESTAMP: str(int(NOW.timestamp()) + 60)}, body, NOW)
    assert not is_genuine(b"hunter2-key", {**headers, TIMESTAMP: "²"}, body, NOW)
    assert not is_genuine(b"hunter2-key", {**headers, SIGNATURE: "é"}, body, NOW)


def test_a_process_that_dies_between_sending_and_noting_it_sends_again_under_the_same_key(
    store: Store, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hook() as receiver:
        courier = lived(store, queue, rules_for(webhook(receiver)))
        with monkeypatch.context() as killed:
            killed.setattr(store.alerts, "record", lambda _attempt: (_ for _ in ()).throw(SystemExit))
            with pytest.raises(SystemExit):
                courier.deliver()
        courier.deliver()
    assert receiver.keys[0] == receiver.keys[1]
    assert len(set(receiver.keys)) == len(receiver.keys) - 1


def test_a_failure_is_tried_again_later_and_given_up_in_the_end(store: Store, queue: Queue) -> None:
    clock = Clock()
    with hook() as receiver:
        courier = lived(store, queue, rules_for(webhook(receiver, attempts=3), one_alert_per="team"), clock)
        count = store.alerts.still_to_send()
        receiver.statuses = [500, 302, 429] * count
        tried = []
        for _ in range(8):
            before = len(receiver.got)
            assert courier.deliver() == 0
            tried.append(len(receiver.got) - before)
            clock.at += timedelta(seconds=20)
    states = list(store.alerts.deliveries()["state"])
    assert states.count(FAILED) == 2 * count
    assert states.count(DEAD) == count
    assert set(store.alerts.dead_letters()["detail"]) <= {"answered 500", "answered 302", "answered 429"}
    assert tried[0] == count
    assert store.alerts.still_to_send() == 0
    assert {path for path, _, _ in receiver.got} == {"/in"}  # where a redirect led, nobody went


def test_waiting_doubles_up_to_an_hour_half_of_it_by_chance_and_the_same_for_the_same_seed() -> None:
    first, again = ([backoff_seconds(failed, random.Random(3)) for failed in range(1, 12)] for _ in range(2))
    assert first == again
    for failed, seconds in enumerate(first, start=1):
        longest = min(3600, 30 * 2 ** (failed - 1))
        assert longest / 2 <= seconds <= longest
    assert len({backoff_seconds(1, random.Random(seed)) for seed in range(9)}) == 9


def test_a_receiver_that_does_not_answer_holds_up_neither_the_tick_nor_the_end(store: Store, queue: Queue) -> None:
    others = set(threading.enumerate())  # a service of another test may still be ending
    with hook() as receiver:
        receiver.wait_seconds = 1.0
        rules = rules_for(webhook(receiver, timeout_seconds=0.2))
        couriers = couriers_of(rules, store.alerts, SECRETS, lambda: NOW)
        watchman = Watchman(rules, agreements(), store.alerts, couriers, lambda: NOW)
        watchman.start()
        assert watchman.after_tick(queue) > 0
        assert watchman.after_tick(queue) == 0  # nothing new: and it did not wait for the receiver
        couriers[0].stop(10.0)
        watchman.stop()
    details = store.alerts.deliveries()["detail"]
    assert set(details) <= {"no answer in time"}
    assert not [one for one in set(threading.enumerate()) - others if one.name.startswith("slacast-alerts")]


def test_couriers_deliver_in_the_background_as_soon_as_something_is_told(store: Store, queue: Queue) -> None:
    with hook() as receiver:
        rules = rules_for(webhook(receiver))
        watchman = Watchman(
            rules, agreements(), store.alerts, couriers_of(rules, store.alerts, SECRETS, lambda: NOW), lambda: NOW
        )
        watchman.start()
        sent = watchman.after_tick(queue)
        waited = threading.Event()
        for _ in range(500):
            if not store.alerts.still_to_send():
                break
            waited.wait(0.02)
        watchman.stop()
    assert len(receiver.got) >= sent > 0
    assert set(store.alerts.deliveries()["state"]) == {DELIVERED}


def test_a_process_that_does_not_hold_the_lease_sends_nothing(store: Store, queue: Queue) -> None:
    with hook() as receiver:
        rules = rules_for(webhook(receiver))
        lived(store, queue, rules)
        assert couriers_of(rules, store.alerts, SECRETS, Clock(), may_send=lambda: False)[0].deliver() == 0
    assert receiver.got == []


def test_slack_is_sent_one_text_in_which_nobody_is_mentioned(store: Store, queue: Queue) -> None:
    with hook() as receiver:
        rules = rules_for({"kind": "slack", "url_from": "HOOK"})
        Watchman(rules, agreements(), store.alerts, clock=lambda: NOW).after_tick(queue)
        couriers_of(rules, store.alerts, {"HOOK": f"{receiver.url}/T0/hunter2"}, lambda: NOW)[0].deliver()
    assert list(json.loads(receiver.got[0][2])) == ["text"]
    assert receiver.got[0][0] == "/T0/hunter2"
    assert (
        json.loads(slack_body({"event": "raised", "message": "<!channel> & co"}))["text"]
        == "▲ &lt;!channel&gt; &amp; co"
    )


def test_mail_is_sent_with_the_tickets_and_an_id_that_stays_the_same(store: Store, queue: Queue) -> None:
    with mail_server() as box:
        channel = {
            "kind": "email",
            "host": "127.0.0.1",
            "port": box.port,
            "security": "none",
            "sender": "a@x.example",
            "to": ["b@x.example"],
        }
        courier = lived(store, queue, rules_for(channel, one_alert_per="team"))
        box.refusal = "550 no such person"
        assert courier.deliver() == 0
        box.refusal = ""
        courier._clock = lambda: NOW + timedelta(hours=2)
        assert courier.deliver() > 0
    assert "Subject: [slacast] team" in box.mails[0]
    assert f"Message-ID: <{store.alerts.read()['key'][0]}@slacast.invalid>" in box.mails[0]
    assert "Auto-Submitted: auto-generated" in box.mails[0]


def test_secrets_are_in_no_log_no_error_and_no_row(
    store: Store, queue: Queue, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with hook() as receiver:
        closed = receiver.url
    rules = rules_for({"kind": "slack", "url_from": "HOOK", "attempts": 1})
    Watchman(rules, agreements(), store.alerts, clock=lambda: NOW).after_tick(queue)
    couriers_of(rules, store.alerts, {"HOOK": f"{closed}/T0/hunter2"}, lambda: NOW)[0].deliver()
    assert set(store.alerts.dead_letters()["detail"]) == {"ConnectionRefusedError: Connection refused"}
    with pytest.raises(AlertRulesError) as raised:
        couriers_of(rules, store.alerts, {"HOOK": "ftp://x/hunter2"}, lambda: NOW)
    store.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("desk.db*"))
    assert "hunter2" not in caplog.text + str(raised.value)
    assert b"hunter2" not in kept
    assert b"is given up" not in kept


def test_all_missing_variables_are_named_before_anything_starts(store: Store) -> None:
    with hook() as receiver, pytest.raises(AlertRulesError, match="KEY is not set in the environment"):
        couriers_of(rules_for(webhook(receiver)), store.alerts, {}, lambda: NOW)


def test_a_rule_that_fails_in_any_way_is_no_fault_of_the_tick_and_the_next_one_decides_again(
    store: Store, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hook() as receiver:
        watchman = Watchman(rules_for(webhook(receiver)), agreements(), store.alerts, [], lambda: NOW)

        def broken(*_how: Any) -> int:
            raise ArithmeticError("words fail")

        monkeypatch.setattr(watchman, "look", broken)
        assert watchman.after_tick(queue) == 0
        assert watchman.problem == "Alerts are not told: ArithmeticError: words fail"
        monkeypatch.undo()
        assert watchman.after_tick(queue) > 0
        assert watchman.problem is None
