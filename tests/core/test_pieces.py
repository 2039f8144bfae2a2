from __future__ import annotations

import numpy as np
import pytest

from core import pieces


@pytest.fixture(params=[0, 1, pieces.PIECE, 3 * pieces.PIECE + 5])
def texts(request: pytest.FixtureRequest) -> list[str]:
    """Texts in no order, some of them several times."""
    draw = np.random.default_rng(1)
    return [f"é{number}" for number in draw.integers(0, max(1, request.param // 2), request.param)]


def test_pieces_give_what_the_whole_gives(texts: list[str]) -> None:
    known, places = pieces.ranked(texts)
    assert known == sorted(set(texts))
    assert [known[place] for place in places.tolist()] == texts
    assert pieces.distinct(texts) == list(dict.fromkeys(texts))
    assert pieces.mapped(len, texts, np.int64).tolist() == [len(text) for text in texts]
    assert pieces.listed(np.array(texts, dtype="U8")) == texts


def test_many_equal_texts_are_sorted_too() -> None:
    known, places = pieces.ranked(["b"] * 50_000 + ["a"] * 50_000)
    assert known == ["a", "b"]
    assert places.tolist() == [1] * 50_000 + [0] * 50_000


def test_a_list_is_emptied() -> None:
    values = list(range(3 * pieces.PIECE))
    pieces.let_go(values)
    assert values == []


def test_pieces_cover_everything_once() -> None:
    count = 2 * pieces.PIECE + 1
    rows = np.concatenate([np.arange(count)[piece] for piece in pieces.pieces_of(count)])
    assert rows.tolist() == list(range(count))
