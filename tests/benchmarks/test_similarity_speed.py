"""The galaxies most alike to one among a million: our search beside the brute force of scikit-learn."""

from __future__ import annotations

import statistics
import time

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from core.evaluate import similar
from core.events import result_of

COUNT, WIDTH, NUMBER = 1_000_000, 128, 50
pytestmark = pytest.mark.benchmark


@pytest.fixture(scope="module")
def features():
    """As those of a network: none below zero, on two dozen axes, and a little of everything."""
    random = np.random.default_rng(0)
    axes = random.standard_normal((24, WIDTH), dtype=np.float32)
    found = random.standard_normal((COUNT, 24), dtype=np.float32) @ axes
    found += 1 + 0.3 * random.standard_normal((COUNT, WIDTH), dtype=np.float32)
    return np.maximum(found, 0, out=found)


def seconds(ask, rows):
    """Median time of one question."""
    times = []
    for row in rows:
        start = time.perf_counter()
        ask(row)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def test_a_question_is_answered_faster_than_by_brute_force(features, record_property):
    start = time.perf_counter()
    index = result_of(similar.build(features))
    indexing = time.perf_counter() - start
    peer = NearestNeighbors(n_neighbors=NUMBER + 1, metric="cosine", algorithm="brute").fit(features)
    ours = seconds(lambda row: index.find([row], NUMBER), range(0, COUNT, COUNT // 20))
    many = seconds(lambda row: index.find(range(row, row + 200), NUMBER), range(0, COUNT, COUNT // 10))
    theirs = seconds(lambda row: peer.kneighbors(features[[row]]), range(0, COUNT, COUNT // 4))
    found, (_, judged) = index.find([7], NUMBER), peer.kneighbors(features[[7]])
    assert len(set(found.rows.tolist()) & set(judged[0].tolist())) >= NUMBER - 1  # float32 there
    print(
        f"\nmost alike of {COUNT:,}: {1000 * ours:.0f} ms; to 200 galaxies {1000 * many:.0f} ms; index {indexing:.1f} s"
    )
    print(f"scikit-learn: {1000 * theirs:.0f} ms, {theirs / ours:.0f} times as long")
    record_property("ratio", theirs / ours)
    assert theirs > 5 * ours
