"""Texts become the same few numbers in training and live, and unknown words become nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.histories import Histories
from features.pipeline import build
from features.snapshots import event_snapshots
from features.spec import FeatureSpec, SpecError
from features.text import TextEncoder, TextEncoderError, ticket_texts, tokens
from tests.features.desk_logs import START, agreements, histories

ENCODER = TextEncoder(
    terms=("locked", "paper", "password", "printer"),
    idf=np.array([1.0, 2.0, 1.0, 2.0], np.float32),
    components=np.array([[0.0, 1.0], [0.5, 0.0], [0.0, 0.5], [0.5, 0.0]], np.float32),
    topics=("printer, paper", "locked, password"),
)
A, B = "attributes.title", "attributes.description"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Printer JAM, 3rd floor!", ["printer", "jam", "0rd", "floor"]),
        ("Café zurück", ["cafe", "zuruck"]),
        ("straße STRASSE", ["strasse", "strasse"]),
        ("srv0123 and srv77", ["srv0", "and", "srv0"]),
        ("打印机坏了", ["打印", "印机", "机坏", "坏了"]),
        ("プリンタ down", ["プリ", "リン", "ンタ", "down"]),
        ("機", ["機"]),
        ("がく", ["がく"]),  # a voiced sign is no accent
        ("снова не работает", ["снова", "не", "работает"]),
        ("ＶＰＮ１２", ["vpn0"]),
        ("a_b x", []),
        ("", []),
        ("y" * 41, []),
    ],
)
def test_a_text_is_cut_into_terms(text, expected):
    assert tokens(text) == expected


@given(st.text())
def test_any_text_can_be_read(text):
    assert tokens(text) == tokens(text)
    assert ENCODER.encode([text]).shape == (1, 2)


def test_numbers_are_the_weighed_mean_of_directions():
    found = ENCODER.encode(["Printer: no paper", "password locked, locked"])
    assert found[0] == pytest.approx([0.5 * 2**0.5, 0.0])
    twice = 1 + np.log(2)
    length = (twice**2 + 1) ** 0.5
    assert found[1] == pytest.approx([0.0, (twice * 1.0 + 0.5) / length])


def test_unknown_words_alone_are_zeros():
    assert ENCODER.encode(["nobody knows these", ""]).tolist() == [[0.0, 0.0], [0.0, 0.0]]


@given(
    st.lists(st.lists(st.sampled_from(["printer", "paper", "locked", "other"]), max_size=5).map(" ".join), max_size=8)
)
def test_a_text_gives_the_same_numbers_whatever_stands_beside_it(texts):
    together = ENCODER.encode(texts)
    assert together.shape == (len(texts), 2)
    for text, row in zip(texts, together, strict=True):
        alone = TextEncoder.from_npz_bytes(ENCODER.to_npz_bytes())  # remembers nothing
        assert alone.encode([text])[0].tolist() == row.tolist()


def test_an_encoder_survives_as_bytes_that_are_always_the_same():
    content = ENCODER.to_npz_bytes()
    again = TextEncoder.from_npz_bytes(content)
    assert again.to_npz_bytes() == content
    assert again.fingerprint == ENCODER.fingerprint
    assert (again.terms, again.topics) == (ENCODER.terms, ENCODER.topics)
    other = replace(ENCODER, idf=ENCODER.idf * 2)
    assert other.fingerprint != ENCODER.fingerprint


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", ENCODER.to_npz_bytes()[:-40]])
def test_what_is_no_encoder_is_refused(content):
    with pytest.raises(TextEncoderError, match="not a text encoder"):
        TextEncoder.from_npz_bytes(content)


def test_an_encoder_whose_parts_do_not_fit_is_refused():
    short = replace(ENCODER, idf=ENCODER.idf[:2])
    with pytest.raises(TextEncoderError, match="4 terms"):
        TextEncoder.from_npz_bytes(short.to_npz_bytes())


def _tickets() -> Histories:
    return histories(
        {"ticket": "A", "minute": 0, "status": "new", "priority": "high", A: "Printer", B: "no paper"},
        {"ticket": "A", "minute": 60, "status": "open", A: "Password locked"},
        {"ticket": "B", "minute": 10, "status": "new", "priority": "low"},
    )


def test_the_text_of_a_ticket_is_the_one_known_at_the_instant():
    found = _tickets()
    spec = FeatureSpec.from_histories(found, text=ENCODER)
    assert spec.names[-2:] == ["text_00", "text_01"]
    rows = build(found, event_snapshots(found), spec, text=ENCODER)[["text_00", "text_01"]].to_numpy()
    expected = ENCODER.encode(["Printer\nno paper", "Password locked\nno paper", ""])
    assert rows.tolist() == expected.tolist()


def test_deleting_the_future_changes_no_text():
    found = _tickets()
    spec = FeatureSpec.from_histories(found, text=ENCODER)
    known = found.known_by(START + pd.Timedelta(minutes=30))
    before = build(known, event_snapshots(known), spec, text=ENCODER)
    now = build(found, event_snapshots(found), spec, text=ENCODER).iloc[[0, 2]].reset_index(drop=True)
    pd.testing.assert_frame_equal(before, now, check_exact=True)


def test_each_ticket_gives_its_last_text_once():
    assert ticket_texts(_tickets()) == ["Password locked\nno paper"]
    nothing = histories({"ticket": "A", "minute": 0, "status": "new"})
    assert ticket_texts(nothing) == []


def test_without_an_encoder_no_text_is_read():
    spec = FeatureSpec.from_histories(_tickets())
    assert not [name for name in spec.names if name.startswith("text_")]


def test_the_family_can_be_switched_off():
    spec = FeatureSpec.from_histories(_tickets(), families=("clock",), text=ENCODER)
    assert {feature.family for feature in spec.features} == {"clock"}
    assert build(_tickets(), event_snapshots(_tickets()), spec).shape == (3, len(spec.names))


@pytest.mark.parametrize("given_one", [None, replace(ENCODER, idf=ENCODER.idf * 2)])
def test_a_spec_with_text_refuses_any_encoder_but_its_own(given_one):
    found = _tickets()
    spec = FeatureSpec.from_json(FeatureSpec.from_histories(found, text=ENCODER).to_json())
    with pytest.raises(SpecError, match=ENCODER.fingerprint):
        build(found, event_snapshots(found), spec, text=given_one)


def test_events_without_text_columns_give_zeros():
    spec = FeatureSpec.from_histories(_tickets(), text=ENCODER)
    bare = Histories(histories({"ticket": "A", "minute": 0, "status": "new"}).log, agreements())
    row = build(bare, event_snapshots(bare), spec, text=ENCODER)
    assert row[["text_00", "text_01"]].to_numpy().tolist() == [[0.0, 0.0]]
