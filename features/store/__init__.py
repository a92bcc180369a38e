"""The database: append-only events, imports and agreements. All SQL of the project is here."""

from features.store.faults import ConflictError, StoreError
from features.store.repository import AppendReport, Store, open_store

__all__ = ["AppendReport", "ConflictError", "Store", "StoreError", "open_store"]
