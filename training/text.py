"""Fits the text encoder: terms that several tickets share, weighed by rarity, and the directions in which texts differ most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.decomposition import TruncatedSVD

from features.text import FloatArray, TextEncoder, tokens, weighed

COMPONENTS = 24
MOST_TERMS = 20_000  # with 24 directions the encoder stays below 2.5 MB
LEAST_TEXTS = 100
SEEN_IN = 3  # a term of fewer texts teaches nothing about the next one
MOST_SHARE = 0.5  # a term of more texts tells them not apart
DECIMALS = 6  # so that the last bits of a sum, which depend on the machine, do not reach the file
TOPIC_TERMS = 3


def fit_text_encoder(texts: Sequence[str], seed: int, components: int = COMPONENTS) -> TextEncoder | None:
    """The encoder of some texts, or None where they are too few or share too few words.

    Pass only texts known at the cut (`features.text.ticket_texts` of the histories known then). The same texts in any
    order and the same seed give the same encoder. Method: latent semantic analysis (Deerwester et al., JASIS 1990).
    """
    documents = sorted(text for text in texts if text)
    counts = Counter(term for text in documents for term in set(tokens(text)))
    terms = _chosen(counts, len(documents))
    if len(documents) < LEAST_TEXTS or len(terms) <= components:
        return None
    idf = np.log((1 + len(documents)) / (1 + np.array([counts[term] for term in terms]))) + 1.0
    idf32 = idf.astype(np.float32)
    row, term, weight = weighed(documents, terms, idf32)
    matrix = csr_matrix((weight, (row, term)), shape=(len(documents), len(terms)))
    svd = TruncatedSVD(components, algorithm="randomized", n_iter=7, random_state=seed)
    directions = _signed(np.round(svd.fit(matrix).components_.T, DECIMALS))
    return TextEncoder(tuple(terms), idf32, directions.astype(np.float32), _topics(terms, directions))


def _chosen(counts: Counter[str], documents: int) -> list[str]:
    """The commonest terms that enough texts have and not too many, in order."""
    known = [term for term, count in counts.items() if SEEN_IN <= count <= MOST_SHARE * documents]
    return sorted(sorted(known, key=lambda term: (-counts[term], term))[:MOST_TERMS])


def _signed(directions: FloatArray) -> FloatArray:
    """Each direction so that its weightiest term counts positive: a decomposition does not say which way is up."""
    top = directions[np.abs(directions).argmax(axis=0), np.arange(directions.shape[1])]
    return directions * np.where(top < 0, -1.0, 1.0)


def _topics(terms: Sequence[str], directions: FloatArray) -> tuple[str, ...]:
    best = np.argsort(-directions, axis=0, kind="stable")[:TOPIC_TERMS]
    return tuple(", ".join(terms[place] for place in column) for column in best.T.tolist())
