"""The file of alert rules: what may be written, and how every fault is told at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from serving.alerting.loading import AlertRulesError, load_rules, parse_rules
from sla.agreements.loading import load_agreements
from tests.serving.real_desk import agreements

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
CHANNELS = "slacast_alerts: 1\nchannels: {desk: {kind: slack, url_from: HOOK}}\nrules:\n"


def faults(text: str) -> list[str]:
    with pytest.raises(AlertRulesError) as raised:
        parse_rules(text, agreements(), "rules.yaml")
    return str(raised.value).splitlines()[1:]


def rule_faults(*lines: str) -> str:
    return "\n".join(faults(CHANNELS + "\n".join(f"  - {line}" for line in lines)))


def channel_fault(channel: str) -> str:
    text = f"slacast_alerts: 1\nchannels:\n  desk: {channel}\nrules: [{{name: a, kind: breach, channels: [desk]}}]"
    return "\n".join(faults(text))


def test_the_example_is_valid_for_the_demo_desk() -> None:
    found = load_rules(EXAMPLES / "alerts" / "rules.yaml", load_agreements(EXAMPLES / "demo" / "agreements.yaml"))
    assert {rule.kind for rule in found.rules} == {"risk", "warning", "breach", "outage_risk"}


def test_all_faults_of_a_file_are_told_at_once_with_their_lines() -> None:
    told = faults(
        """slacast_alerts: 1
channels:
  desk: {kind: slack, url_from: HOOK}
rules:
  - name: a
    kind: risk
    above: 140%
    chanels: [desk]
  - name: b
    kind: breach
    channels: [dsk]
    quiet_outside: ofice
    applies_to: {priorty: 1}
    cooldown: 3 working days
"""
    )
    assert [line.split(":")[1] for line in told] == ["5", "7", "8", "11", "12", "13", "14"]
    wanted = [
        '"channels" is missing',
        "140%",
        'did you mean "channels"',
        'did you mean "desk"',
        'did you mean "office"',
    ]
    for line, words in zip(told, [*wanted, 'did you mean "priority"', "real time"], strict=True):
        assert words in line


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("{name: a, kind: risk, channels: [desk]}", "above: 60%"),
        ("{name: a, kind: risk, above: 0.5, recovers_below: 0.5, channels: [desk]}", "must be lower than above"),
        ("{name: a, kind: breach, above: 0.5, channels: [desk]}", "above means nothing in a breach rule"),
        ("{name: a, kind: bern_rate, channels: [desk]}", "'risk', 'warning', 'breach', 'outage_risk' or 'burn_rate'"),
        ("{name: a, kind: burn_rate, channels: [desk]}", "no service of the agreements promises an availability"),
        ("{name: a, kind: outage_risk, channels: [desk]}", "an outage_risk rule needs its threshold"),
        (
            "{name: a, kind: outage_risk, above: 30%, one_alert_per: team, channels: [desk]}",
            "one_alert_per means nothing",
        ),
        ("{name: a, kind: outage_risk, above: 30%, windows: page, channels: [desk]}", "windows means nothing"),
        (
            "{name: a, kind: outage_risk, above: 30%, applies_to: {priority: 1}, channels: [desk]}",
            "a service has no priority",
        ),
        ("{name: a, kind: warning, channels: [desk]}", "no such warning"),
        ("{name: a, kind: breach, channels: []}", "at least one"),
        ("{name: a, kind: breach, channels: [desk], applies_to: {attributes.impact: high}}", "the queue does not show"),
        ("{name: a, kind: breach, channels: [desk], applies_to: {changed: team}}", "ask for a state instead"),
        ("{name: a, kind: breach, channels: [desk], max_per_hour: 0}", "greater than or equal to 1"),
    ],
)
def test_a_rule_that_could_not_do_what_it_says_is_refused(rule: str, words: str) -> None:
    assert words in rule_faults(rule)


def test_two_rules_of_one_name_would_share_their_memory_and_are_refused() -> None:
    assert "give each its own name" in rule_faults(*["{name: a, kind: breach, channels: [desk]}"] * 2)


@pytest.mark.parametrize(
    ("channel", "words"),
    [
        ('{kind: slack, url: "http://chat.example.org/x"}', "write https"),
        ('{kind: webhook, url: "https://ann:pass@chat.example.org/x"}', "use secret_from"),
        ('{kind: webhook, url: "file:///etc/passwd"}', "not an address"),
        ('{kind: webhook, url: "https://a.example/x\\r\\nHost: b"}', "not an address"),
        ("{kind: webhook}", "either url or url_from"),
        ("{kind: webhook, url_from: HOOK, host: a}", "host means nothing"),
        ("{kind: email, host: mail.example.org}", "needs sender and to"),
        ('{kind: email, host: h, sender: "a@b\\nBcc: c@d", to: [a@b]}', "is not an address"),
        ("{kind: email, host: h, sender: a@b, to: [a@b], security: none}", "in the clear"),
        ("{kind: email, host: h, sender: a@b, to: [a@b], user: ann}", "belong together"),
    ],
)
def test_a_channel_that_is_unsafe_or_incomplete_is_refused(channel: str, words: str) -> None:
    assert words in channel_fault(channel)


def test_loopback_and_whoever_allows_it_may_be_reached_without_tls() -> None:
    for channel in (
        'url: "http://127.0.0.1:9/x"',
        'url: "http://[::1]:9/x"',
        'url: "http://a.example/", allow_http: true',
    ):
        text = f"slacast_alerts: 1\nchannels: {{desk: {{kind: webhook, {channel}}}}}\nrules: [{{name: a, kind: breach, channels: [desk]}}]"
        assert parse_rules(text, agreements()).channels["desk"].url


def test_a_secret_written_into_the_file_by_mistake_is_not_repeated() -> None:
    told = channel_fault("{kind: webhook, url_from: HOOK, secret_from: hunter2-top-secret}")
    assert "the NAME of an environment variable" in told
    assert "hunter2" not in told
    assert "hunter2" not in channel_fault("{kind: webhook, url: [https://x.example/hunter2]}")


def test_an_address_from_the_environment_is_held_to_the_same_rules_and_never_shown() -> None:
    text = "slacast_alerts: 1\nchannels: {desk: {kind: slack, url_from: HOOK}}\nrules: [{name: a, kind: breach, channels: [desk]}]"
    channel = parse_rules(text, agreements()).channels["desk"]
    with pytest.raises(ValueError, match="the address in HOOK") as raised:
        channel.address({"HOOK": "http://chat.example.org/hunter2"})
    assert "hunter2" not in str(raised.value)
    assert channel.address({"HOOK": "https://chat.example.org/hunter2"}).endswith("hunter2")


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(AlertRulesError, match="cannot be read"):
        load_rules(tmp_path / "none.yaml", agreements())
    (tmp_path / "list.yaml").write_text("- 1", encoding="utf-8")
    with pytest.raises(AlertRulesError, match="expected keys slacast_alerts"):
        load_rules(tmp_path / "list.yaml", agreements())
