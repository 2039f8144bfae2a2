"""The numbers of a run as others find them in its folder."""

import json

import pytest

from core.errors import UnreadableFile
from core.metrics.part_notes import describe_part
from core.metrics.uncertainty import find_error
from core.project.metrics_file import read_metrics, write_metrics


@pytest.mark.parametrize(
    "part",
    [
        {"validation": {"accuracy": 0.9, "intervals": {"macro_f1": 3}}},
        {"validation": {"accuracy": 0.9, "views": "eight"}},
        {"baseline": {"afterwards": "better"}},
        {"data": {"classes": {"validation": ["spiral"]}}},
    ],
)
def test_what_is_of_another_kind_is_refused_before_it_is_shown(tmp_path, part):
    file = tmp_path / "metrics.json"
    file.write_text(json.dumps(part))
    with pytest.raises(UnreadableFile):
        read_metrics(file)


def test_what_is_no_number_is_unknown_when_it_is_written_and_when_it_is_read(tmp_path):
    file = tmp_path / "metrics.json"
    values = {"validation": {"loss": float("nan"), "accuracy": 0.5, "intervals": {"accuracy": (0.4, float("inf"))}}}
    unknown = {"validation": {"loss": None, "accuracy": 0.5, "intervals": {"accuracy": [0.4, None]}}}
    write_metrics(file, values)
    assert json.loads(file.read_text()) == unknown == read_metrics(file)
    assert (
        find_error({**unknown["validation"], "macro_f1": 0.5, "intervals": {"macro_f1": [0.4, None]}}, "macro_f1")
        is None
    )
    file.write_text('{"validation": {"loss": NaN, "accuracy": 0.5}}')  # of an earlier version
    assert read_metrics(file) == {"validation": {"loss": None, "accuracy": 0.5}}


def test_numbers_of_every_version_are_described_with_what_is_known_of_them():
    earlier = {"validation": {"loss": 0.5, "accuracy": 0.8, "galaxies": 100}}
    assert "100 galaxies, one view of each" in describe_part(earlier)
    assert "accuracy 0.8 ± 0.04" in describe_part(earlier)
    scores = {"macro_f1": 0.7, "log_loss": 0.4, "log_loss_error": 0.02, "intervals": {"macro_f1": [0.66, 0.72]}}
    assert find_error(scores, "macro_f1") == pytest.approx(0.03)
    assert find_error(scores, "log_loss") == 0.02
    assert find_error(scores, "balanced_accuracy") is None
