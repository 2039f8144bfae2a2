"""Which galaxies are shown without labels: never one that a run is judged on."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from core.data.cutouts import Cutouts
from core.data.parts import KeptParts
from core.data.settings import DataSettings
from core.errors import NotPossible, UnreadableFile
from core.project.project import Project
from core.train import preparation
from core.train.unlabelled import galaxies


def test_of_the_runs_own_survey_those_without_a_label_and_those_that_a_limit_leaves_out(new_survey, wish):
    data = new_survey("own", labelled=60)
    settings = wish(data={"train_limit": 12}, method="fixmatch")
    with Cutouts.open(data) as cutouts:
        split = preparation.prepare(settings, cutouts).split
        found = galaxies.of_own_dataset(cutouts, split, settings)
    assert len(split.train) == 12
    assert set(found) == set(range(60, 90)) | set(split.beyond)
    used = np.concatenate([split.train, split.validation, split.test])
    assert sorted([*used, *found]) == list(range(90))


def test_another_image_of_an_object_of_the_validation_part_is_not_shown(new_survey, wish):
    objects = np.array([f"object {row % 60}" for row in range(90)])
    data = new_survey("own", labelled=60, object=objects)
    settings = wish(data={"group": "object"}, method="fixmatch")
    with Cutouts.open(data) as cutouts:
        split = preparation.prepare(settings, cutouts).split
        found = galaxies.of_own_dataset(cutouts, split, settings)
    held_out = set(objects[np.concatenate([split.validation, split.test])])
    assert set(objects[60:]) & held_out
    assert not set(objects[found]) & held_out


def test_of_another_survey_neither_its_validation_and_test_part_nor_those_of_this_run(new_survey, wish):
    data = new_survey("other", 120, labelled=90)
    settings = DataSettings(split_seed=4)
    with Cutouts.open(data) as cutouts:
        later = preparation.prepare(wish(data={"split_seed": 4}), cutouts).split
        mine = [cutouts.ids[row] for row in (100, 101, int(later.train[0]))]
        found, part = galaxies.of_other_dataset(cutouts, settings, 1, mine)
    assert part is not None
    assert part.rows.tolist() == later.validation.tolist()
    expected = set(range(120)) - {100, 101, int(later.train[0])} - set(later.validation) - set(later.test)
    assert set(found) == expected


def test_for_a_run_without_a_test_part_another_survey_has_one_all_the_same(new_survey, wish):
    with Cutouts.open(new_survey("other", 120, labelled=90)) as cutouts:
        later = preparation.prepare(wish(), cutouts).split
        found, part = galaxies.of_other_dataset(cutouts, DataSettings(test=0), 1)
    assert part is not None and len(later.test)
    assert part.rows.tolist() == later.validation.tolist()
    assert not set(found) & set(later.test)


def test_a_survey_without_labels_is_shown_whole(new_survey):
    with Cutouts.open(new_survey("other", labelled=0)) as cutouts:
        found, part = galaxies.of_other_dataset(cutouts, DataSettings(), 1)
    assert part is None
    assert len(found) == 90


def test_the_test_part_that_a_project_has_kept_is_not_shown_even_where_a_galaxy_has_lost_its_label(
    new_survey, tmp_path
):
    project = Project.create(tmp_path / "project", "project")
    data = new_survey("project/datasets/other", labelled=0)
    ids = [f"project/datasets/other {row:04d}" for row in range(90)]
    kept = KeptParts(7, {ids[3]: 2, ids[4]: 1, ids[5]: 0})
    (tmp_path / "project" / "splits").mkdir()
    kept.save(tmp_path / "project" / "splits" / "other.csv", "by hand")
    with Cutouts.open(data) as cutouts:
        found, _ = galaxies.of_other_dataset(cutouts, DataSettings(), 1)
    project.close()
    assert set(range(90)) - set(found) == {3, 4}


def test_a_list_of_them_is_read_again_and_refused_for_another_survey(new_survey, tmp_path):
    path = tmp_path / "list.csv"
    with Cutouts.open(new_survey("one")) as one, Cutouts.open(new_survey("two")) as two:
        galaxies.save(path, one, np.array([2, 5, 88]))
        assert galaxies.load(path, one).tolist() == [2, 5, 88]
        with pytest.raises(NotPossible, match=r"two\.h5 has changed"):
            galaxies.load(path, two)
        path.write_text("something else\n")
        with pytest.raises(UnreadableFile, match="names of its columns"):
            galaxies.load(path, one)


def test_a_labelled_part_is_of_the_survey_itself(new_survey):
    with Cutouts.open(new_survey("other")) as cutouts:
        _, part = galaxies.of_other_dataset(cutouts, DataSettings(), 1)
        assert part is not None
        assert dataclasses.replace(part).target.names == ("disk", "edge-on", "point")
