"""The MLflow store that the tests of training migrate once, for the commands that look after models."""

from tests.training.conftest import migrated_database

__all__ = ["migrated_database"]
