"""The machinery of the report on reliability sees what is planted, and damages files in the same way each time."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from program import ROOT, environment
from reliability import mutations, page, planted, results
from reliability.kills import Kills
from reliability.outcomes import Finding, first_of_each
from reliability.soak import growth
from reliability.workers import Tally

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="processes are forked and watched in Linux"
)


@pytest.mark.slow
def test_each_planted_fault_is_seen_and_the_next_file_is_tried_all_the_same():
    command = [sys.executable, str(ROOT / "tests" / "reliability" / "planted.py")]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {name: {outcome: 2} for name, (_, outcome) in planted.FAULTS.items()}


@pytest.mark.parametrize("mutation", [*mutations.FITS, *mutations.TEXT, *mutations.JSON, *mutations.TOML])
def test_a_file_is_damaged_in_the_same_way_again(mutation: mutations.Mutation):
    whole = b'{"format": 1, "name": "a galaxy"}\nformat = 1\nNAXIS1  =                   16 '.ljust(2880)
    made = [mutation(whole, random.Random(number)) for number in range(20)]
    assert made == [mutation(whole, random.Random(number)) for number in range(20)]
    assert any(each != whole for each in made)


def test_the_page_counts_what_was_found(tmp_path: Path):
    file = tmp_path / "results.json"
    tally = Tally("FITS", {"read": 1200, "refused": 30, "defect": 2}, seconds=0.5, memory=2_000_000)
    tally.findings += [Finding("FITS", number, "defect", f"KeyError at a.py:1 f: {number}") for number in (3, 5)]
    results.keep_tally(tally, file)
    results.keep("kills", "train", Kills("train", 8, 7, 0, ["left behind: .x"]).to_dict(), file)
    results.keep("faults", "full disk", "not tried: it takes the right to mount a small disk", file)
    page.write(tmp_path / "page.md", file)
    text = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert "| FITS | 1,200 | 30 | 2 |" in text
    assert "| train | 8 | 7 | 1 × left behind: .x |" in text
    assert "not tried" in text
    assert page.count_bad(file) == 3
    assert first_of_each(results.tallies(file)["FITS"].findings) == [(tally.findings[0], 2)]


def test_growth_is_told_from_noise(tmp_path: Path):
    chance = random.Random(1)
    held = [
        {"memory": 5e8 + 1e6 * cycle, "threads": 9 + chance.randint(0, 1), "files": 30, "widgets": 900}
        for cycle in range(100)
    ]
    log = tmp_path / "log.txt"
    log.write_text("open\n" + "\n".join(json.dumps(each) for each in held))
    assert {each.name: each.is_flat for each in growth(log)} == {
        "memory": False,
        "threads": True,
        "files": True,
        "widgets": True,
    }
