"""The database: append-only events, and what was agreed, predicted and found. All SQL of the project is here."""

from features.store.faults import ConflictError, IdentityError, StoreError
from features.store.repository import AppendReport, Store, open_store

__all__ = ["AppendReport", "ConflictError", "IdentityError", "Store", "StoreError", "open_store"]
