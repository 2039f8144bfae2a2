"""Optional libraries, imported by the one test process that needs them."""

from __future__ import annotations

from types import ModuleType

import pytest
from usual_training import import_torchvision


@pytest.fixture(scope="session")
def timm() -> ModuleType:
    """The library of encoders; without it the test is skipped."""
    import_torchvision()
    return pytest.importorskip("timm")
