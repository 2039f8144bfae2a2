"""A test part that cannot be read is never drawn anew unasked."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from damage import DAMAGES

from core.data import kept_parts, parts, seen
from core.errors import UnreadableFile
from core.project.labels import LabelJournal
from core.project.runs import RunFolder

GOLDEN = Path(__file__).parents[2] / "golden" / "bench"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project from before parts were kept, which has them from its last finished run."""
    return shutil.copytree(GOLDEN, tmp_path / "bench")


def last_run(project: Path) -> RunFolder:
    return kept_parts.finished_runs(project / "runs", project / "datasets" / "survey.h5")[-1]


def read(project: Path) -> parts.KeptParts | None:
    data = project / "datasets" / "survey.h5"
    return kept_parts.read(data, LabelJournal(project / "labels" / "survey.jsonl"))


@pytest.mark.parametrize("damage", ["empty", "cut in half", "noise", "a folder", "a pipe", "a link to itself"])
def test_damaged_parts_are_told_and_only_drawn_again_on_purpose(project: Path, damage: str) -> None:
    data, journal = project / "datasets" / "survey.h5", LabelJournal(project / "labels" / "survey.jsonl")
    kept = read(project)
    assert kept is not None
    file = project / "splits" / "survey.csv"
    kept.save(file, "as it was")
    DAMAGES[damage](file)
    before = file.read_bytes() if file.is_file() else None
    with pytest.raises(UnreadableFile, match="draw the parts again"):
        read(project)
    kept_parts.draw_again(data, journal)
    aside = project / "splits" / "survey.damaged.csv"
    assert before is None or aside.read_bytes() == before
    assert aside.is_symlink() or aside.exists()
    found = read(project)
    assert found is not None
    assert not found.parts


@pytest.mark.parametrize("name", ["split.csv", "data.txt"])
def test_a_run_that_may_have_decided_the_parts_is_not_passed_over(project: Path, name: str) -> None:
    run = last_run(project)
    (run.path / name).write_bytes(b"\xff\xfe")
    with pytest.raises(UnreadableFile) as caught:
        read(project)
    assert run.path.name in caught.value.where
    assert "draw the parts again" in caught.value.remedy
    assert name == "split.csv" or f"“{run.title}”" in caught.value.sentence, "the window shows the sentence alone"


def test_parts_of_a_run_with_odd_numbers_are_still_kept(project: Path) -> None:
    whole = read(project)
    last_run(project).metrics_file.write_text('{"validation": 1}')
    found = read(project)
    assert found is not None
    assert whole is not None
    assert found.parts == whole.parts


def test_it_is_not_claimed_that_a_network_has_not_seen_galaxies_when_its_parts_are_damaged(project: Path) -> None:
    run = last_run(project)
    assert seen.seen_ids(run.path)
    run.split_file.write_bytes(b"\xff\xfe")
    with pytest.raises(UnreadableFile, match="parts of this run"):
        seen.seen_ids(run.path)
