"""What can go wrong with the store, in words a person can act on."""

from __future__ import annotations


class StoreError(ValueError):
    """A store that cannot be opened, read or written; the text says what to do."""


class ConflictError(StoreError):
    """Events whose id is already stored with other content. Nothing of the append was stored."""


class IdentityError(StoreError):
    """Events with an id of our own form that says another subject or instant than the event. Nothing was stored."""
