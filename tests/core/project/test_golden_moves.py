"""Studies of a move, a transfer matrix and suggestions open as they ended; see ``tests/golden/README.md``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.studies import matrix, study_folders, suggestion_study, transfer, transfer_sentences

GOLDEN = Path(__file__).parents[2] / "golden" / "moves"
TOLD = json.loads((GOLDEN / "expected.json").read_text(encoding="utf-8"))["studies"]
TRANSFER, MATRIX, SUGGESTIONS = sorted(TOLD)


def rows(points, metric):
    """The points as ``expected.json`` has them."""
    return [
        [
            *(getattr(point, "strategy", getattr(point, "method", "")), point.labels, point.seed),
            *(getattr(point, "survey", ""), point.galaxies, round(point.values[metric], 6)),
        ]
        for point in points
    ]


def test_a_study_of_a_move_opens_as_it_ended():
    found, told = transfer.open_study(GOLDEN / "studies" / TRANSFER), TOLD[TRANSFER]
    assert found.metric == told["metric"] and rows(found.points, found.metric) == told["points"]
    assert found.test is not None and rows(found.test.points, found.metric) == told["test"]
    assert list(transfer_sentences.describe(found)) == told["sentences"]


def test_a_transfer_matrix_opens_as_it_ended():
    found, told = matrix.open_study(GOLDEN / "studies" / MATRIX), TOLD[MATRIX]
    assert list(found.surveys) == told["surveys"] and rows(found.points, told["metric"]) == told["points"]
    assert list(found.sentences) == told["sentences"]


def test_a_study_of_suggestions_opens_as_it_ended():
    found, told = suggestion_study.open_study(GOLDEN / "studies" / SUGGESTIONS), TOLD[SUGGESTIONS]
    assert found.metric == told["metric"] and rows(found.points, found.metric) == told["points"]
    assert not found.missing and list(found.sentences) == told["sentences"]


@pytest.mark.parametrize("name", [TRANSFER, MATRIX])
def test_the_list_of_studies_knows_their_kinds(name):
    found = {study.folder.name: study for study in study_folders.list_studies(GOLDEN)}[name]
    assert found.problem is None and found.kind == TOLD[name]["kind"]
    assert found.progress == f"{len(TOLD[name]['points'])} runs"
