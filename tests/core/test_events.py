"""Work yields events and returns its result."""

import dataclasses

import pytest

from core.events import EpochEnded, Progress, Scores, Work, result_of


def test_the_result_of_work_is_what_it_returns():
    seen: list[int] = []

    def work() -> Work[str]:
        for number in range(3):
            seen.append(number)
            yield Progress(number, 3, "galaxies")
        return "done"

    assert result_of(work()) == "done"
    assert seen == [0, 1, 2]


def test_an_error_in_work_is_passed_on():
    def work() -> Work[None]:
        yield Progress(0, None)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        result_of(work())


def test_events_cannot_be_changed_by_those_who_read_them():
    scores = Scores(0.5, {"accuracy": 0.9})
    for event, name in ((Progress(0, 1), "done"), (EpochEnded(1, 2, scores, scores, 0.1, 1.0, 1, 0), "epoch")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(event, name, 7)
