"""How much each member of a model has to say: shares of the log odds, by kind of member."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from models.scales import Float64Array


@dataclass(frozen=True)
class Blend:
    """Shares by kind of member, in alphabetical order; none is zero and their sum is 1."""

    shares: tuple[tuple[str, float], ...]

    @classmethod
    def of(cls, shares: Mapping[str, float]) -> Blend:
        """The blend of shares; those of zero are left out. Raises ValueError if one is negative or their sum is not 1."""
        if any(share < 0 for share in shares.values()) or abs(sum(shares.values()) - 1.0) > 1e-6:
            raise ValueError(f"the shares of a blend are at least 0 and their sum is 1, found {dict(shares)}")
        return cls(tuple(sorted((kind, float(share)) for kind, share in shares.items() if share > 0)))

    @classmethod
    def even(cls, *kinds: str) -> Blend:
        """The blend in which each of the kinds says as much as the others."""
        return cls.of({kind: 1.0 / len(kinds) for kind in kinds})

    def share(self, kind: str) -> float:
        """The share of a kind of member, 0 where it has no say."""
        return dict(self.shares).get(kind, 0.0)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that have a say."""
        return tuple(kind for kind, _share in self.shares)

    def margin(self, margins: Mapping[str, Float64Array]) -> Float64Array:
        """The blended log odds, for log odds by kind of member (at least those that have a say)."""
        return np.asarray(sum(share * margins[kind] for kind, share in self.shares), dtype=np.float64)

    def __str__(self) -> str:
        return " + ".join(f"{100 * share:.0f} % {kind}" for kind, share in self.shares)
