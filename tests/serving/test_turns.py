"""Work done in turns: what waits is done together, each gets its own answer or its own failure, nobody waits for nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise

import pytest

from serving.turns import Turns

SECONDS = 60.0
"""How long a test waits at most for what happens at once; nothing is measured."""


class Desk:
    """Answers words by their capitals. A turn with "hold" waits until it is let go; "bad" fails always, "shy" in company."""

    def __init__(self, most: int = 10) -> None:
        self.asked: list[tuple[list[str], int]] = []  # the wishes of each turn, and the thread that answered them
        self.has_begun, self.let_go = threading.Event(), threading.Event()
        self.turns: Turns[str, str] = Turns(self.answered, most)

    def answered(self, wishes: Sequence[str]) -> list[str]:
        self.asked.append((list(wishes), threading.get_ident()))
        if "hold" in wishes:
            self.has_begun.set()
            assert self.let_go.wait(SECONDS)
        if "bad" in wishes or ("shy" in wishes and len(wishes) > 1):
            raise ValueError(" ".join(wishes))
        if "gone" in wishes:
            raise SystemExit(7)
        return [word.upper() for word in wishes][: -1 if "few" in wishes and len(wishes) > 1 else None]

    @property
    def turns_taken(self) -> list[list[str]]:
        return [wishes for wishes, _ in self.asked[1:]]  # without the one that held all others


@contextmanager
def held(desk: Desk, *asked: tuple[str, int] | str) -> Iterator[list[Future[str]]]:
    """What is asked while another turn goes on, one after the other, with its kind; at the end of the block all are let go on."""
    with ThreadPoolExecutor(len(asked) + 1) as pool:
        first = pool.submit(desk.turns.answer, "hold")
        try:
            assert desk.has_begun.wait(SECONDS)
            futures = []
            for place, one in enumerate(asked, 1):
                word, kind = (one, 0) if isinstance(one, str) else one
                futures.append(pool.submit(desk.turns.answer, word, kind))
                while desk.turns.waiting < place:
                    assert not futures[-1].done()
                    threading.Event().wait(0.001)
            yield futures
        finally:
            desk.let_go.set()
        assert first.result(SECONDS) == "HOLD"


def test_who_asks_alone_is_answered_at_once_in_his_own_thread() -> None:
    desk = Desk()
    assert [desk.turns.answer(word) for word in ("a", "b")] == ["A", "B"]
    assert desk.asked == [(["a"], threading.get_ident()), (["b"], threading.get_ident())]


def test_those_that_wait_are_answered_together_each_with_his_own() -> None:
    desk = Desk()
    with held(desk, "a", "b", "a") as futures:
        pass
    assert [future.result(SECONDS) for future in futures] == ["A", "B", "A"]
    assert desk.turns_taken == [["a", "b", "a"]]
    assert desk.turns.waiting == 0
    assert desk.turns.answer("later") == "LATER"


def test_only_wishes_of_one_kind_are_answered_together_and_the_first_that_waits_goes_first() -> None:
    desk = Desk()
    with held(desk, ("a", 1), ("b", 2), ("c", 1), ("d", 3), ("e", 2)) as futures:
        pass
    assert [future.result(SECONDS) for future in futures] == ["A", "B", "C", "D", "E"]
    assert desk.turns_taken == [["a", "c"], ["b", "e"], ["d"]]


def test_no_turn_has_more_than_the_most_and_each_has_its_first_asker_for_a_thread() -> None:
    desk = Desk(most=3)
    words = list("abcdefg")
    with held(desk, *words) as futures:
        pass
    assert [future.result(SECONDS) for future in futures] == [word.upper() for word in words]
    assert desk.turns_taken == [["a", "b", "c"], ["d", "e", "f"], ["g"]]
    threads = [thread for _, thread in desk.asked]
    assert all(one != other for one, other in pairwise(threads))


@pytest.mark.parametrize("words", [["bad", "a", "b"], ["a", "bad", "b"], ["a", "b", "bad"]])
def test_a_failure_reaches_only_whose_it_is(words: list[str], caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk()
    with held(desk, *words) as futures:
        pass
    for word, future in zip(words, futures, strict=True):
        if word == "bad":
            with pytest.raises(ValueError, match=r"^bad$"):
                future.result(SECONDS)
        else:
            assert future.result(SECONDS) == word.upper()
    assert desk.turns_taken[0] == words
    assert sorted(desk.turns_taken[1:]) == sorted([word] for word in words)
    assert "3 wishes could not be answered together" in caplog.text
    assert desk.turns.answer("later") == "LATER"


def test_what_fails_only_in_company_is_answered_alone() -> None:
    desk = Desk()
    with held(desk, "a", "shy") as futures:
        pass
    assert [future.result(SECONDS) for future in futures] == ["A", "SHY"]


def test_nobody_gets_anothers_answer_where_one_is_missing() -> None:
    desk = Desk()
    with held(desk, "a", "few", "b") as futures:
        pass
    assert [future.result(SECONDS) for future in futures] == ["A", "FEW", "B"]


def test_an_end_of_the_thread_that_answers_leaves_nobody_waiting() -> None:
    desk = Desk()
    with held(desk, "gone", "a") as futures:
        pass
    with pytest.raises(SystemExit):
        futures[0].result(SECONDS)
    assert futures[1].result(SECONDS) == "A"
    assert desk.turns.answer("later") == "LATER"


def test_a_failure_of_one_alone_is_his_and_the_turn_goes_on() -> None:
    desk = Desk()
    with pytest.raises(ValueError, match="bad"):
        desk.turns.answer("bad")
    assert desk.turns.answer("a") == "A"
