from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

CODE = """
import sys, threading, time
import numpy as np
{how}
ticks, done = [], threading.Event()
thread = threading.Thread(target=lambda: (load(), done.set()))
thread.start()
while not done.is_set():
    ticks.append(time.perf_counter())
    time.sleep(0.002)
thread.join()
import torch
assert float((torch.ones(3, 3) @ torch.ones(3, 3)).sum()) == 27
print(np.diff(ticks).max())
"""
QUIET = "from app.jobs.quiet_import import import_quietly\nload = lambda: import_quietly('torch')"
PLAIN = "import importlib\nload = lambda: importlib.import_module('torch')"


def longest_gap(how: str) -> float:
    """Longest time in seconds in which another thread could not run while torch was imported."""
    code = CODE.format(how=how)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=os.environ.copy(), capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def test_torch_works_after_its_libraries_were_loaded_beforehand() -> None:
    assert longest_gap(QUIET) > 0


@pytest.mark.benchmark
@pytest.mark.skipif(sys.platform == "win32", reason="torch is imported plainly there")
def test_other_threads_run_on_while_torch_is_imported() -> None:
    pairs = [(longest_gap(PLAIN), longest_gap(QUIET)) for _ in range(3)]
    plain, quiet = (min(gaps) for gaps in zip(*pairs, strict=True))
    print(f"\nlongest gap while torch is imported: {1000 * quiet:.0f} ms, plain import {1000 * plain:.0f} ms")
    assert quiet < 0.6 * plain
