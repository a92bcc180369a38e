"""Names as pseudonyms: the same for the same name under the same secret, and of no use to whoever has not the secret.

A plain hash would be: whoever has a list of names hashes it and compares. HMAC-SHA256 (RFC 2104) needs the secret.
"""

from __future__ import annotations

import hmac
import unicodedata
from collections.abc import Iterable

from features.sources.faults import SourceError
from features.sources.mapping_model import Mapping

PREFIX = "anon-"
SETTING = "SLACAST_PSEUDONYM_SECRET"
FEWEST_CHARACTERS = 32
_DIGITS = 16  # 64 bits: two of a million people share one with a chance of one in forty million


def pseudonym(name: str, secret: str) -> str:
    """What is stored in place of a name. The empty text, which says that there is no name, stays."""
    if not name:
        return name
    plain = unicodedata.normalize("NFC", name.strip()).encode()
    return PREFIX + hmac.digest(secret.encode(), plain, "sha256").hex()[:_DIGITS]


def pseudonyms(names: Iterable[str], secret: str) -> list[str | None]:
    """The pseudonym of each name, in their order."""
    return [pseudonym(str(name), secret) for name in names]


def check_secret(mapping: Mapping, secret: str | None, where: str) -> None:
    """Nothing if the mapping asks for no pseudonyms, or there is a secret to make them with; else SourceError."""
    if not mapping.pseudonymise or (secret is not None and len(secret) >= FEWEST_CHARACTERS):
        return
    found = "is not set" if not secret else f"has {len(secret)} characters"
    raise SourceError(
        f"{where} asks for pseudonyms of {', '.join(mapping.pseudonymise)}, but {SETTING} {found}; expected a secret of at least "
        f"{FEWEST_CHARACTERS} characters. Make one with `python -c 'import secrets; print(secrets.token_hex(32))'`, keep it as you "
        "keep a password, and use the same for every import: another one gives the same person another pseudonym. Nothing was imported."
    )
