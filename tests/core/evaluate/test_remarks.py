"""Sentences about what an evaluation holds for."""

from core.evaluate import remarks
from core.metrics import part_notes


def test_of_many_unknown_classes_only_the_most_frequent_are_named():
    sentence = remarks.on_unknown_classes({f"{number}": number for number in range(1, 12)}).sentence
    assert "11 “11”, 10 “10”" in sentence
    assert "“4”" in sentence
    assert "“3”" not in sentence
    assert "6 galaxies of 3 other classes" in sentence


def test_few_unknown_classes_are_all_named():
    assert remarks.on_unknown_classes({"ring": 2, "merger": 3}).sentence.endswith("3 “merger”, 2 “ring”.")


def test_averaged_answers_are_said_since_the_curves_show_one_view():
    assert part_notes.note_part("test", 1) == "locked away during training and every choice"
    assert "averaged over 8 views" in part_notes.note_part("test", 8)
