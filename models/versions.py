"""What a registry knows about a model: its versions, who carries which alias, and the log of promotions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

PROMOTION_TAG = "promotion"
"""Tags `promotion.0001`, `promotion.0002`, ... of the registered model hold the log, an entry each, never rewritten."""


class RegistryError(ValueError):
    """Something that the registry does not have or cannot do; the text says what to do."""


class Promotion(BaseModel):
    """One change of the aliases: what they were before, what they are since, who did it, when and why.

    Kept in full, so that a rollback can put back exactly what was there. `undoes` is the number of the entry that a
    rollback took back.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["promotion", "rollback"]
    number: int  # the version that became champion
    before: dict[str, int]
    after: dict[str, int]
    by: str = ""
    at: AwareDatetime | None = None
    reason: str = ""
    undoes: int | None = None


@dataclass(frozen=True)
class ModelVersion:
    """A registered version with what its run left. `metrics` and `params` are empty where the run was deleted."""

    name: str
    number: int
    created_at: datetime
    aliases: tuple[str, ...]
    run_id: str
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)

    @property
    def version(self) -> str:
        """In words, `breach v3`."""
        return f"{self.name} v{self.number}"

    @property
    def gate(self) -> str:
        """`passed` or `failed`, empty where no gate judged it."""
        return self.tags.get("gate", "")

    @property
    def gate_reason(self) -> str:
        """Why the gate let it pass or kept it out; of a model that is never kept out, why it serves what it serves."""
        said = (self.tags.get(name) for name in ("gate_reason", "not_promoted_because", "why"))
        return next((text for text in said if text), "")

    @property
    def target(self) -> str:
        """The target whose breach it foretells; empty for models of anything else."""
        return self.tags.get("target", "")

    def to_dict(self) -> dict[str, Any]:
        """The version for machines."""
        return {
            "version": self.number,
            "aliases": list(self.aliases),
            "registered_at": self.created_at.isoformat(),
            "known_until": self.params.get("known_until"),
            "judged_from": self.params.get("cut"),
            "judged_until": self.params.get("judged_until"),
            "gate": self.gate or None,
            "gate_reason": self.gate_reason or None,
            "run_id": self.run_id or None,
            "metrics": dict(sorted(self.metrics.items())),
            "params": dict(sorted(self.params.items())),
            "tags": dict(sorted(self.tags.items())),
        }


@dataclass(frozen=True)
class RegisteredModel:
    """A model's versions, newest first, who carries which alias, and the promotions by their number, oldest first."""

    name: str
    versions: tuple[ModelVersion, ...]
    aliases: Mapping[str, int]
    promotions: Mapping[int, Promotion]

    def find(self, text: str) -> ModelVersion:
        """The version that a person means by `3`, `v3` or an alias such as `challenger`. Raises RegistryError."""
        wanted = self.aliases.get(text)
        digits = re.fullmatch(r"v?([0-9]{1,9})", text)
        if wanted is None and digits is not None:
            wanted = int(digits[1])
        for one in self.versions:
            if one.number == wanted:
                return one
        numbers = ", ".join(f"v{one.number}" for one in self.versions) or "none"
        carried = ", ".join(f"{alias} = v{number}" for alias, number in sorted(self.aliases.items())) or "none"
        raise RegistryError(f"{self.name} has no version {text!r}. Versions: {numbers}. Aliases: {carried}.")

    def to_dict(self) -> dict[str, Any]:
        """The model for machines."""
        return {
            "name": self.name,
            "aliases": dict(sorted(self.aliases.items())),
            "versions": [one.to_dict() for one in self.versions],
            "promotions": [
                {"entry": number, **entry.model_dump(mode="json")} for number, entry in self.promotions.items()
            ],
        }

    @property
    def champion_since(self) -> datetime | None:
        """When the champion became it, None without one or where nobody wrote it down."""
        number = self.aliases.get("champion")
        moves = [entry.at for entry in self.promotions.values() if entry.number == number]
        return moves[-1] if number is not None and moves else None

    def last_standing(self) -> tuple[int, Promotion] | None:
        """The latest promotion that no rollback took back, with its number; None where there is none."""
        undone = {entry.undoes for entry in self.promotions.values()}
        standing = [
            (number, entry)
            for number, entry in self.promotions.items()
            if entry.kind == "promotion" and number not in undone
        ]
        return standing[-1] if standing else None


def promotions_in(tags: Mapping[str, Any]) -> dict[int, Promotion]:
    """The log in a registered model's tags, oldest first; a tag that is none of ours is left alone."""
    found = {}
    for name, text in tags.items():
        place = re.fullmatch(rf"{PROMOTION_TAG}\.([0-9]+)", name)
        if place is None:
            continue
        try:
            found[int(place[1])] = Promotion.model_validate_json(str(text))
        except ValidationError as fault:
            raise RegistryError(
                f"the tag {name} of the registered model is not one that slacast wrote: {fault.errors()[0]['msg']}. Remove it in MLflow."
            ) from fault
    return dict(sorted(found.items()))
