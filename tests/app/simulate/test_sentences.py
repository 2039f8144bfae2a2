"""What the Simulate room says of settings."""

import pytest

from app.simulate.sentences import describe_size
from core.simulate.settings import SimulationSettings


@pytest.mark.parametrize(
    ("count", "amount"), [(1, "1 MB"), (20_000, "328 MB"), (300_000, "4.9 GB"), (10_000_000, "164 GB")]
)
def test_the_size_on_disk_is_a_plain_number(count: int, amount: str) -> None:
    assert f" {amount} on disk" in describe_size(SimulationSettings(count=count, size=64))
