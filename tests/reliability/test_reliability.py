"""A quick look at each part of the report on reliability; ``python tests/reliability`` makes all of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from program import ROOT, environment

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="processes are forked and watched in Linux"
)


@pytest.mark.reliability
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("part", ["files", "kills", "faults", "soak"])
def test_nothing_is_found_that_must_not_be(part: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    command = [sys.executable, str(ROOT / "tests" / "reliability"), part, "--quick", "--page", str(page)]
    command += ["--results", str(tmp_path / "results.json")]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\n## " in page.read_text(encoding="utf-8")
