import pytest

from serving.configuration.values import is_loopback
from serving.settings import GROUPS, Settings, SettingsError, load_settings, markdown


def test_every_setting_has_a_line_in_the_table_that_says_what_it_does() -> None:
    text = markdown()
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert f"| `SLACAST_{name.upper()}` |" in text


def test_every_setting_belongs_to_one_group() -> None:
    names = [name for group in GROUPS for name in group.model_fields]
    assert sorted(names) == sorted(Settings.model_fields)


def test_settings_come_from_the_environment_and_what_is_given_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACAST_PORT", "9001")
    monkeypatch.setenv("SLACAST_TICK_SECONDS", "5")
    assert (load_settings().port, load_settings(port=9002).port, load_settings().tick_seconds) == (9001, 9002, 5.0)


def test_a_wrong_setting_is_named_with_what_was_found_and_what_it_is_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACAST_PORT", "many")
    monkeypatch.setenv("SLACAST_TIME_ZONE", "Mars/Olympus")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    text = str(caught.value)
    assert "SLACAST_PORT is 'many'" in text
    assert "8000" in text
    assert "'Mars/Olympus' is not a time zone" in text


def test_thresholds_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"SLACAST_SOME_RISK_FROM .* must be below SLACAST_HIGH_RISK_FROM"):
        load_settings(some_risk_from=0.6)


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(SettingsError, match="not a setting"):
        load_settings(prot=1)


def test_loopback_is_told_from_the_rest() -> None:
    assert [is_loopback(host) for host in ("127.0.0.1", "127.8.8.8", "::1", "[::1]", "LOCALHOST")] == [True] * 5
    assert [is_loopback(host) for host in ("0.0.0.0", "::", "10.0.0.1", "", "localhost.evil.example")] == [False] * 5  # noqa: S104
