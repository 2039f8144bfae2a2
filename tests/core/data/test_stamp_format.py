"""The format of the stamps follows those images that can become stamps."""

from __future__ import annotations

from collections import Counter

from core.data.settings import ImportSettings
from core.data.stamp_format import SampleSummary


def test_images_too_small_for_stamps_have_no_say_in_their_format() -> None:
    sample = SampleSummary(shapes=Counter({(1, 1, 1): 3000, (3, 64, 60): 5, (1, 32, 32): 2}))
    plan = sample.plan(ImportSettings())
    assert (plan.planes, plan.size) == (3, 60)
    sample = SampleSummary(shapes=Counter({(1, 1, 1): 3000}))
    assert sample.plan(ImportSettings()).planes == 1, "where there are no others, each of them is told as a problem"
