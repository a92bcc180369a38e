"""Titles and descriptions as a few numbers: words weighed by rarity, projected on directions learned in training.

The encoder is frozen: terms, their weights and the directions are fitted once (training/text.py), kept with the bundle as
`text.npz`, and applied with numpy alone. A text that holds no known term is all zeros. Tokens do not depend on a locale:
letters lose case and Latin accents, every number is one token, and scripts without spaces give pairs of characters.
"""

from __future__ import annotations

import hashlib
import io
import re
import unicodedata
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.histories import Histories
from sla.instants import Int64Array

FloatArray = NDArray[np.float64]
FORMAT = 1
TEXT_COLUMNS = ("attributes.title", "attributes.description")
MOST_CHARACTERS = 4_000  # of one text: what comes after says little more
LONGEST_TERM = 40
MOST_REMEMBERED = 200_000  # texts whose numbers are kept, so that a tick reads only what is new

_ACCENTS = re.compile("[\u0300-\u036f]")
_NUMBERS = re.compile(r"\d+")
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff"
_RUNS = re.compile(f"([{_UNSPACED}]+)|[^\\W_{_UNSPACED}]+")


class TextEncoderError(ValueError):
    """Bytes that are no text encoder of this version."""


@dataclass(frozen=True, eq=False)
class TextEncoder:
    """n terms in order, the weight of each (idf, n) and k directions (components, n x k), both float32.

    `topics` names each direction by the terms that weigh most in it, for people.
    """

    terms: tuple[str, ...]
    idf: NDArray[np.float32]
    components: NDArray[np.float32]
    topics: tuple[str, ...]
    _seen: dict[str, FloatArray] = field(default_factory=dict, repr=False)

    @property
    def size(self) -> int:
        """k: how many numbers a text becomes."""
        return int(self.components.shape[1])

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that change whenever a number that it gives could."""
        return hashlib.sha256(self.to_npz_bytes()).hexdigest()[:16]

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """One row of k numbers a text; the same text gives the same row, whatever stands beside it."""
        if len(self._seen) > MOST_REMEMBERED:
            self._seen.clear()
        seen = self._seen
        fresh = [text for text in dict.fromkeys(texts) if text not in seen]
        known = dict(zip(fresh, self._encoded(fresh), strict=True))
        if len(known) <= MOST_REMEMBERED:
            seen.update(known)
        rows = [known[text] if text in known else seen[text] for text in texts]
        return np.array(rows, np.float64).reshape(len(texts), self.size)

    def _encoded(self, texts: list[str]) -> FloatArray:
        row, term, weight = weighed(texts, self.terms, self.idf)
        out = np.zeros((len(texts), self.size))
        if len(row):
            begins = np.flatnonzero(np.append(True, row[1:] != row[:-1]))
            parts = self.components[term].astype(np.float64) * weight[:, None]
            out[row[begins]] = np.add.reduceat(parts, begins, axis=0)
        return out

    def to_npz_bytes(self) -> bytes:
        """The encoder as an npz file; the same encoder gives the same bytes."""
        arrays: dict[str, NDArray[Any]] = {
            "format": np.array([FORMAT], np.int64),
            "terms": _bytes(self.terms),
            "topics": _bytes(self.topics),
            "idf": self.idf.astype("<f4"),
            "components": np.ascontiguousarray(self.components, "<f4"),
        }
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
            for name, array in arrays.items():
                content = io.BytesIO()
                np.lib.format.write_array(content, array, allow_pickle=False)
                archive.writestr(zipfile.ZipInfo(f"{name}.npy"), content.getvalue())  # dated 1980, not now
        return out.getvalue()

    @classmethod
    def from_npz_bytes(cls, content: bytes) -> TextEncoder:
        """The encoder that `to_npz_bytes` wrote. Raises TextEncoderError for anything else."""
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as found:
                version = int(found["format"][0])
                if version != FORMAT:
                    raise TextEncoderError(
                        f"text encoder has format {version}, this version reads {FORMAT}: train the bundle again"
                    )
                terms, topics = _texts(found["terms"]), _texts(found["topics"])
                encoder = cls(terms, found["idf"], found["components"], topics)
        except (KeyError, ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
            if isinstance(error, TextEncoderError):
                raise
            raise TextEncoderError(f"not a text encoder: {error}; expected what to_npz_bytes writes") from error
        shapes = encoder.idf.shape, encoder.components.shape
        if shapes != ((len(terms),), (len(terms), len(topics))):
            raise TextEncoderError(
                f"not a text encoder: {len(terms)} terms and {len(topics)} topics, but arrays {shapes}"
            )
        return encoder


def tokens(text: str) -> list[str]:
    """The terms of a text in order, one each time it occurs."""
    plain = _ACCENTS.sub("", unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text[:MOST_CHARACTERS])))
    plain = _NUMBERS.sub("0", unicodedata.normalize("NFC", plain.casefold()))
    found: list[str] = []
    for run in _RUNS.finditer(plain):
        word = run.group()
        if run.group(1):
            found += [word[place : place + 2] for place in range(max(len(word) - 1, 1))]
        elif 1 < len(word) <= LONGEST_TERM or word == "0":
            found.append(word)
    return found


def weighed(
    texts: Sequence[str], terms: Sequence[str], idf: NDArray[np.float32]
) -> tuple[Int64Array, Int64Array, FloatArray]:
    """Row, term and weight of every known term of each text, by row: (1 + log count) times idf, of length 1 a text."""
    place_of = {term: place for place, term in enumerate(terms)}
    found = [[place_of[token] for token in tokens(text) if token in place_of] for text in texts]
    row = np.repeat(np.arange(len(texts)), [len(one) for one in found]).astype(np.int64)
    term = np.array([place for one in found for place in one], np.int64)
    pairs, count = np.unique(row * max(len(terms), 1) + term, return_counts=True)
    row, term = pairs // max(len(terms), 1), pairs % max(len(terms), 1)
    weight = (1.0 + np.log(count)) * idf[term]
    lengths = np.sqrt(np.bincount(row, weight**2, minlength=len(texts)))
    return row, term, weight / lengths[row]


def ticket_texts(histories: Histories) -> list[str]:
    """The text of each ticket as last known, tickets without one left out: what an encoder is fitted on.

    Pass the histories as known at the cut.
    """
    steps = histories.steps
    last = steps.offsets[1:][np.diff(steps.offsets) > 0] - 1
    texts, place = texts_of_steps(histories, last)
    return [texts[number] for number in place.tolist() if texts[number]]


def texts_of_steps(histories: Histories, step: Int64Array) -> tuple[list[str], Int64Array]:
    """The distinct texts known after the given steps (title, line break, description), and which of them each step has."""
    pair = np.zeros(len(step), np.int64)
    values = [(*histories.values(name), "") for name in TEXT_COLUMNS]
    for name, texts in zip(TEXT_COLUMNS, values, strict=True):
        codes = histories.codes(name)[step].astype(np.int64)
        pair = pair * len(texts) + np.where(codes < 0, len(texts) - 1, codes)
    distinct, place = np.unique(pair, return_inverse=True)
    width = len(values[1])
    joined = [f"{values[0][code // width]}\n{values[1][code % width]}".strip() for code in distinct.tolist()]
    return joined, place.reshape(-1).astype(np.int64)


def _bytes(texts: Sequence[str]) -> NDArray[np.uint8]:
    return np.frombuffer("\n".join(texts).encode(), np.uint8)


def _texts(content: NDArray[np.uint8]) -> tuple[str, ...]:
    text = content.tobytes().decode()
    return tuple(text.split("\n")) if text else ()
