"""The unadapted network on another survey, against its own answers counted one by one."""

import numpy as np
import pytest

from core.adapt import surveys, zero_shot
from core.data.cutouts import Cutouts
from core.evaluate import predict
from core.events import result_of
from core.metrics.report import ClassReport

MAP = {"featured": "disk", "smooth": "spheroid"}
NAMES = ("featured", "edge_on", "smooth")


def judged(run, data, **options):
    return result_of(zero_shot.run(run, data, **options))


def test_it_is_what_the_network_answers_on_labelled_galaxies_outside_the_test_part(survey_run, other):
    data = other(names=NAMES, unlabelled=9)
    found = judged(survey_run, data, class_map=MAP)
    own = {"featured": "disk", "edge_on": "edge-on", "smooth": "spheroid"}
    with Cutouts.open(data) as cutouts:
        rows = surveys.read_target_labels(cutouts).labelled
        true = [own[str(text)] for text in cutouts.columns["form"][rows]]
    answers = result_of(predict.run(survey_run, data, rows)).predicted
    assert isinstance(found.report, ClassReport) and answers is not None
    assert found.report.galaxies == len(rows)
    assert found.report.accuracy.hits == sum(one == two for one, two in zip(true, answers, strict=True))
    disks = [answer for label, answer in zip(true, answers, strict=True) if label == "disk"]
    assert found.report.completeness["disk"].value == pytest.approx(np.mean([name == "disk" for name in disks]))
    assert found.counted_as == own
    assert "“featured” as “disk”" in found.sentence and "test galaxies" in found.sentence
    assert found.called.sum() == len(rows)


def test_classes_that_it_does_not_know_are_left_out_by_name_but_it_is_shown_what_they_are_called(survey_run, other):
    found = judged(survey_run, other(names=("featured", "edge_on", "smooth")), class_map={"smooth": "spheroid"})
    assert found.report is not None
    assert set(found.left_out) == {"featured"} and "“featured”" in found.sentence
    row = found.called[found.own_names.index("featured")]
    assert row.sum() == found.left_out["featured"] and row[found.names.index("disk")] > row.sum() / 2


def test_where_a_score_would_mean_nothing_there_is_a_sentence(survey_run, other):
    found = judged(survey_run, other(names=("a", "b", "c")))
    assert found.report is None and "none of its classes occurs here" in found.sentence
    assert found.called.shape == (3, 3) and found.called.sum() > 0
    without = judged(survey_run, other(unlabelled=90))
    assert without.report is None and "no labels to compare with" in without.sentence


@pytest.mark.slow
def test_an_input_scaling_fitted_to_the_new_values_undoes_another_unit(survey_run, other):
    plain = judged(survey_run, other(), scaling="refitted")
    data = other(dimmer=30)
    kept, refitted = judged(survey_run, data), judged(survey_run, data, scaling="refitted")
    assert (refitted.called == plain.called).all()
    assert isinstance(kept.report, ClassReport) and isinstance(refitted.report, ClassReport)
    assert kept.report.accuracy.hits < refitted.report.accuracy.hits
    assert "fitted to these galaxies, without their labels" in refitted.sentence
