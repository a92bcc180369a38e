"""What a setting's text may be, and how it is read."""

from __future__ import annotations

import ipaddress

from pydantic_settings import BaseSettings, SettingsConfigDict

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class SettingGroup(BaseSettings):
    """Settings that belong together. Each is read from SLACAST_<NAME>; an unknown SLACAST_ variable is left alone."""

    model_config = SettingsConfigDict(env_prefix="SLACAST_", frozen=True, extra="forbid")


def is_loopback(host: str) -> bool:
    """True where nobody but this machine can reach `host`."""
    if host.lower() in LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def costs_of(text: str) -> dict[str, float]:
    """The cost of each priority in `1=20,2=8`; ValueError naming the part that is no such thing."""
    costs = {}
    for part in listed(text):
        name, _, number = part.rpartition("=")
        try:
            cost = float(number)
        except ValueError:
            cost = -1.0
        if not name.strip() or not 0 < cost < float("inf"):
            raise ValueError(f"{part!r} is not PRIORITY=COST with a cost above 0, such as 1=20")
        costs[name.strip()] = cost
    if not costs:
        raise ValueError("no priority has a cost; expected such as 1=20,2=8,3=3,4=1")
    return costs


def listed(text: str) -> list[str]:
    """The parts of a text separated by commas."""
    return [part.strip() for part in text.split(",") if part.strip()]
