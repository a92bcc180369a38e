"""The text encoder learns which words belong together, from the texts it is given alone."""

from __future__ import annotations

import random

import numpy as np

from features.text import TextEncoder
from training.text import fit_text_encoder

WORDS = {
    "printing": "printer paper toner tray jam queue",
    "access": "password locked account login reset token",
    "network": "vpn tunnel wifi router cable timeout",
}


def _texts(count: int, seed: int = 0) -> list[str]:
    chosen = random.Random(seed)
    kinds = [words.split() for words in WORDS.values()]
    return [" ".join(chosen.sample(kinds[place % len(kinds)], 4)) for place in range(count)]


def _nearness(encoder: TextEncoder, one: str, other: str) -> float:
    a, b = encoder.encode([one, other])
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def test_words_that_occur_together_point_the_same_way():
    encoder = fit_text_encoder(_texts(300), seed=1, components=3)
    assert encoder is not None
    assert _nearness(encoder, "toner", "printer tray") > 0.9
    assert _nearness(encoder, "toner", "vpn router") < 0.1
    assert {
        len(set(topic.split(", ")) & set(words.split())) for topic in encoder.topics for words in WORDS.values()
    } == {0, 3}


def test_the_order_of_texts_changes_nothing_and_the_same_seed_gives_the_same_bytes():
    texts = _texts(200)
    first = fit_text_encoder(texts, seed=1, components=3)
    second = fit_text_encoder(texts[::-1], seed=1, components=3)
    assert first is not None
    assert second is not None
    assert first.to_npz_bytes() == second.to_npz_bytes()


def test_rare_words_and_words_of_nearly_all_texts_are_left_out():
    texts = [f"hello {text} only{'abcdefghij'[place % 10] * (place + 2)}" for place, text in enumerate(_texts(150))]
    encoder = fit_text_encoder(texts, seed=1, components=3)
    assert encoder is not None
    assert set(encoder.terms) == set(" ".join(WORDS.values()).split())


def test_too_few_texts_or_words_make_no_encoder():
    assert fit_text_encoder([], seed=1) is None
    assert fit_text_encoder(_texts(50), seed=1) is None
    assert fit_text_encoder([""] * 500, seed=1) is None
    assert fit_text_encoder(_texts(300), seed=1) is None  # eighteen words for 24 directions


def test_the_encoder_stays_small():
    chosen = random.Random(3)
    words = [
        f"{a}{b}{c}{d}"
        for a in "bcdfg"
        for b in "aeiou"
        for c in "klmnprst"
        for d in ("ax", "ex", "ix", "ox", "ux", "an")
    ]
    texts = [" ".join(chosen.choices(words, k=30)) for _ in range(400)]
    encoder = fit_text_encoder(texts, seed=1)
    assert encoder is not None
    per_term = len(encoder.to_npz_bytes()) / len(encoder.terms)
    assert per_term * 20_000 < 2_500_000
