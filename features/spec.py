"""The feature spec: which columns the matrix has, in which order, what each means, and what was learned to name them.

A spec is made from training histories, stored with the bundle as JSON, and given to `features.pipeline.build` whenever a
matrix is wanted. Its fingerprint changes when anything that could change a number changes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from features.declaration import Feature, Key, Settings
from features.families import declared
from features.histories import Histories
from features.selection import FAMILIES, chosen_settings

FORMAT = 1


class SpecError(ValueError):
    """A feature spec that cannot be read, or that does not fit this version of the code."""


@dataclass(frozen=True)
class FeatureSpec:
    """The ordered features of a matrix and the settings they were made with."""

    features: tuple[Feature, ...]
    settings: Settings

    @classmethod
    def from_histories(cls, histories: Histories, families: Sequence[str] = FAMILIES) -> FeatureSpec:
        """The spec for a log: columns are chosen from these histories, so pass those known at the training cut.

        `families` switches families on; raises SpecError for one that does not exist.
        """
        unknown = sorted(set(families) - set(FAMILIES))
        if unknown:
            raise SpecError(f"no feature family {unknown}: expected some of {list(FAMILIES)}")
        settings = chosen_settings(histories, tuple(name for name in FAMILIES if name in families))
        return cls(declared(settings), settings)

    @property
    def names(self) -> list[str]:
        """The column names, in order."""
        return [feature.name for feature in self.features]

    @property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that change whenever a feature or a setting does."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:16]

    def to_json(self) -> str:
        """The spec as JSON text, the same text for the same spec."""
        content = {
            "format": FORMAT,
            "settings": asdict(self.settings),
            "features": [asdict(feature) for feature in self.features],
        }
        return json.dumps(content, ensure_ascii=False, sort_keys=True, indent=1)

    @classmethod
    def from_json(cls, text: str) -> FeatureSpec:
        """The spec that `to_json` wrote. Raises SpecError for another format or a broken text."""
        try:
            content = json.loads(text)
            if content["format"] != FORMAT:
                raise SpecError(
                    f"feature spec has format {content['format']!r}, this version reads {FORMAT}: train the bundle again"
                )
            return cls(tuple(Feature(**one) for one in content["features"]), _settings(content["settings"]))
        except (KeyError, TypeError, json.JSONDecodeError) as error:
            raise SpecError(f"not a feature spec: {error!r}; expected what FeatureSpec.to_json writes") from error

    def markdown(self) -> str:
        """A page that explains each feature in words, family by family."""
        lines = []
        for family in dict.fromkeys(feature.family for feature in self.features):
            lines += [f"## {family}", "", "| feature | unit | meaning | question |", "|---|---|---|---|"]
            lines += [
                f"| `{feature.name}` | {feature.unit} | {feature.meaning} | {feature.question} |"
                for feature in self.features
                if feature.family == family
            ]
            lines.append("")
        return "\n".join(lines)


def _settings(content: Mapping[str, Any]) -> Settings:
    def keys(values: Sequence[Sequence[str]]) -> tuple[Key, ...]:
        return tuple(tuple(str(column) for column in value) for value in values)

    return Settings(
        families=tuple(str(family) for family in content["families"]),
        orders={str(column): tuple(str(text) for text in values) for column, values in content["orders"].items()},
        keys=keys(content["keys"]),
        recent_keys=keys(content["recent_keys"]),
        duration_keys=keys(content["duration_keys"]),
        load_keys=keys(content["load_keys"]),
    )
