"""What a study of a move says and draws, where the answer is planted."""

import dataclasses
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import planted_move
import pytest
from matplotlib.image import imread

from core.studies import transfer_figure, transfer_lines, transfer_sentences, transfer_study
from core.studies.strategies import find_strategies, in_order, title_of


@pytest.fixture(scope="module")
def planted():
    return planted_move.plant(Path("study"))


def test_the_labels_saved_are_those_that_were_planted(planted):
    for strategy, ahead in {"all": 3.0, "last-2": 2.0}.items():
        for saving in planted.savings[strategy]:
            if saving.kind == "saves":
                assert saving.low * 0.8 <= ahead * saving.labels <= saving.high * 1.25
    assert {each.kind for each in planted.savings["all"]} == {"saves", "saves at least"}
    (as_is,) = planted.savings["as is"]
    level = (planted_move.AS_IS - 0.4) / 0.075
    assert math.log(as_is.needed) == pytest.approx(level, abs=0.6), "the level without labels"


def test_the_two_errors_are_kept_apart(planted):
    mean = planted.mean("all", 100)
    assert mean.runs == 3
    assert 0.001 < mean.scatter < 0.02, "0.012 / √3"
    assert mean.sampling == pytest.approx(0.02, rel=0.2), "common to the runs: it does not fall with their number"
    assert planted.difference("all", "scratch", 100).sampling < 0.006, "what they have in common cancels"


def test_the_sentences_name_the_savings_the_losses_and_the_galaxies(planted):
    told = " ".join(transfer_sentences.describe(planted))
    assert "As it is, without labels of this survey, the network reaches a balanced accuracy of 0.660 ± 0.0" in told
    assert "All layers with 50 labels is as good as from scratch with 1" in told
    assert "labels are saved" in told
    assert "Features recycled against from scratch:" in told
    assert "On the galaxies of its own survey it had 0.930" in told
    assert "CORAL, without labels: 0.7" in told
    assert "better than as it is by 0.0" in told
    assert "WORSE than as it is by 0.1" in told
    assert "the same 105 galaxies of the validation part; they chose nothing" in told


def test_what_was_forgotten_is_a_whole_sentence_where_the_network_was_not_judged_as_it_is(planted):
    points = tuple(point for point in planted.judged.points if point.strategy != "as is")
    without = dataclasses.replace(planted, judged=dataclasses.replace(planted.judged, points=points))
    told = " ".join(transfer_sentences.describe(without))
    assert "On the galaxies of its own survey the network with 50 labels of this one has: " in told


def test_one_seed_has_no_scatter_and_says_nothing_of_differences():
    single = planted_move.plant(Path("study"), seeds=1)
    assert math.isnan(single.mean("all", 100).scatter)
    told = " ".join(transfer_sentences.describe(single))
    assert "against from scratch" not in told
    assert "nan" not in told


def test_where_strategies_have_different_numbers_of_runs_no_common_one_is_claimed(planted):
    assert "(3 runs each" in " ".join(transfer_sentences.describe(planted))
    points = tuple(
        point for point in planted.points if point.strategy != "head" or point.seed == planted.points[0].seed
    )
    fewer = replace(planted, judged=replace(planted.judged, points=points))
    assert "(1 to 3 runs each" in " ".join(transfer_sentences.describe(fewer))


def test_lines_have_a_point_for_each_number_and_the_level_of_the_network_as_it_is(planted):
    lines = transfer_lines.lines_against_labels(planted)
    assert [line.title for line in lines.lines] == [
        title_of(name) for name in ("scratch", "head", "last-1", "last-2", "all")
    ]
    assert all(len(line.means) == len(planted_move.LABELS) and len(line.runs) == 18 for line in lines.lines)
    level = lines.levels[0]
    assert (level.value, level.error) == pytest.approx((planted_move.AS_IS, 0.02), rel=0.2)
    assert [each.title for each in lines.levels] == ["as is", "CORAL", "DANN"]
    assert len({each.colour for each in (*lines.lines, *lines.levels)}) == 8, "no colour twice"
    blocks = transfer_lines.lines_against_blocks(planted)
    assert [text for _, text in blocks.ticks] == ["head only", "last 1", "last 2", "all", "from scratch"]
    assert [len(line.means) for line in blocks.lines if line.title] == [4] * len(planted_move.LABELS)
    forgotten = transfer_lines.lines_against_labels(planted, forgotten=True)
    assert "from scratch" not in [line.title for line in forgotten.lines]
    assert [level.value for level in forgotten.levels] == pytest.approx([0.93, 0.9, 0.9])
    assert "450 galaxies" in forgotten.about


def test_the_grid_holds_the_means_and_leaves_empty_what_was_not_tried(planted):
    grid = transfer_lines.make_grid(planted)
    assert grid.rows[:6] == ("as is", "from scratch", "features recycled", "last block", "last 2 blocks", "all layers")
    assert grid.rows[6:] == ("CORAL", "DANN")
    assert grid.columns == ("none", "10", "25", "50", "100", "200", "500")
    assert np.isnan(grid.means[0, 1:]).all()
    assert np.isnan(grid.means[1:6, 0]).all()
    assert grid.means[5, 4] == pytest.approx(planted.mean("all", 100).value)


@pytest.mark.parametrize("question", [pytest.param("labels", marks=pytest.mark.slow), "layers"])
def test_the_figure_is_drawn(question, tmp_path):
    transfer_figure.save(planted_move.plant(tmp_path, question=question), tmp_path / "study.png")
    assert imread(tmp_path / "study.png").ndim == 3


def test_a_table_that_was_written_is_read_again(planted, tmp_path):
    transfer_study.write_table(planted.judged, tmp_path / "study.csv")
    again = transfer_study.read_table(tmp_path / "study.csv", "validation", "balanced_accuracy")
    assert [point.key for point in again.points] == [point.key for point in planted.points]
    key = again.points[3].key
    assert again.samples[key] == pytest.approx(planted.judged.samples[key], abs=1e-5)


def test_strategies_are_found_by_name_and_shown_in_their_order():
    names = ["all", "last-*", "as is", "from:base:grey", "scratch", "head"]
    found = find_strategies(names, 4)
    assert [each.name for each in found][:4] == ["all", "last-1", "last-2", "last-3"]
    shown = ("as is", "scratch", "head", "last-1", "last-2", "last-3", "all", "from:base:grey")
    assert in_order([each.name for each in found]) == shown
    assert title_of("from:base:grey") == "from base:grey"
    assert [each.tuned for each in find_strategies(("scratch", "head", "last-2", "all"), 4)] == [None, 0, 2, 4]
