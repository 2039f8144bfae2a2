import tomllib

import pytest
import torch

from core.errors import OutOfMemory
from core.train import environment


def test_the_machine_is_described_as_toml():
    record = tomllib.loads(environment.describe(torch.device("cpu"), torch.bfloat16, 7, "abc", "def"))
    assert record["seed"] == 7
    assert (record["data"], record["split"]) == ("abc", "def")
    assert record["precision"] == "bfloat16"
    assert record["device"].startswith("CPU")
    assert record["versions"]["torch"] == torch.__version__


def test_memory_is_kept_only_as_long_as_asked_for():
    with environment.retain_freed_memory():
        assert torch.ones(10**7).sum() == 10**7
    with pytest.raises(KeyError), environment.retain_freed_memory():
        raise KeyError


def test_too_little_memory_becomes_advice_and_other_errors_stay_what_they_are():
    with pytest.raises(OutOfMemory, match="batch size below 64"), environment.reproducible_training(64):
        torch.empty(2**60)
    with pytest.raises(RuntimeError, match="shape"), environment.reproducible_training(64):
        raise RuntimeError("wrong shape in memory format")
