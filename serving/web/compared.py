"""The result of a job that compared two versions, as its page tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from serving.web.language import phrase

SETS = {
    "first": phrase("When opened"),
    "prefix": phrase("At every event while open"),
    "grid": phrase("Between events"),
}
FIGURES = ("auc", "ap", "brier", "ece")


@dataclass(frozen=True)
class ComparedSet:
    """One set of snapshots: each who answered with four figures and the gains of the first over it, as text."""

    title: str
    tickets: int
    rows: tuple[tuple[str, tuple[str, ...], str, str], ...]


@dataclass(frozen=True)
class ComparedVersions:
    """The verdict, on which tickets, and the sets."""

    verdict: str
    how: str
    since: str
    until: str
    notes: tuple[str, ...]
    sets: tuple[ComparedSet, ...]


def compared(result: Any) -> ComparedVersions | None:
    """What a comparison printed, put in order; None where that is something else."""
    if not isinstance(result, Mapping) or not isinstance(result.get("sets"), Mapping) or "verdict" not in result:
        return None
    return ComparedVersions(
        verdict=str(result["verdict"]),
        how=str(result.get("how", "")),
        since=str(result.get("since", ""))[:10],
        until=str(result.get("until", ""))[:10],
        notes=tuple(str(note) for note in result.get("notes", ())),
        sets=tuple(_set(SETS.get(key, key), one) for key, one in result["sets"].items()),
    )


def _set(title: str, one: Mapping[str, Any]) -> ComparedSet:
    gains = [one.get("auc_gain", {}), one.get("brier_gain", {})]
    rows = tuple(
        (name, tuple(_figure(found.get(figure)) for figure in FIGURES), *(_gain(gain.get(name)) for gain in gains))
        for name, found in one.get("figures", {}).items()
    )
    return ComparedSet(title, int(one.get("tickets", 0)), rows)


def _figure(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, int | float) else "–"


def _gain(gain: Any) -> str:
    if not isinstance(gain, Mapping) or not all(
        isinstance(gain.get(name), int | float) for name in ("gain", "low", "high")
    ):
        return "–"
    return f"{gain['gain']:+.3f} [{gain['low']:+.3f}, {gain['high']:+.3f}]"
