"""Where slacast keeps things, and what it serves from."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, field_validator

from serving.configuration.values import SettingGroup


class PlaceSettings(SettingGroup):
    """Where things are."""

    database_url: str = Field(
        default="sqlite:///var/slacast.db",
        description="Where events, agreements and scores are kept: an SQLAlchemy address, SQLite or PostgreSQL.",
    )
    agreements: Path | None = Field(
        default=None,
        description="The YAML file with the agreements. Unset: the agreements last imported into the store.",
    )
    mlflow_uri: str = Field(
        default="sqlite:///var/mlflow.db",
        description="The MLflow tracking store whose registered model with the alias `champion` is served.",
    )
    model_name: str = Field(default="breach", description="The name of the registered breach model.")
    use_model: bool = Field(default=True, description="False serves from the rules alone and says so on every page.")
    gate: Path | None = Field(
        default=None,
        description="A YAML file with the gate's thresholds for training (docs/models.md). Unset: those built in.",
    )
    var_dir: Path = Field(
        default=Path("var"), description="The one folder slacast writes to besides the database and MLflow."
    )
    keep_state: bool = Field(
        default=True,
        description="Keep what is known of a large desk's tickets in a file of the data folder, so that the next start reads only what is newer. It holds what the events hold, names too.",
    )
    time_zone: str | None = Field(
        default=None,
        description="The desk's time zone (IANA name) for times in pages, tables and reasons. Unset: the zone of the first calendar in the agreements.",
    )
    pseudonym_secret: SecretStr | None = Field(
        default=None,
        min_length=32,
        description="What pseudonyms of names are made with on import, where a mapping asks for them (docs/operations.md). Keep it: another one gives the same person another pseudonym.",
    )

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        if value:
            try:
                ZoneInfo(value)
            except (ZoneInfoNotFoundError, ValueError) as error:
                raise ValueError(
                    f"{value!r} is not a time zone; expected an IANA name such as Europe/Berlin"
                ) from error
        return value or None
