"""Work yields events and returns its result."""

import ast
import dataclasses
from collections.abc import Iterator

import pytest
from program import ROOT

from core.events import NEVER, EpochEnded, Event, Progress, Scores, Work, map_events, result_of


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


def test_the_event_that_stands_for_never_cannot_be_set():
    with pytest.raises(TypeError, match="of your own"):
        NEVER.set()
    assert not NEVER.is_set()


def test_all_long_work_may_be_started_without_a_way_to_stop_it():
    required = []
    for path in sorted((ROOT / "core").rglob("*.py")):
        if "cli" in path.parts:
            continue  # a terminal always has Ctrl-C
        for function in ast.parse(path.read_text(encoding="utf-8")).body:
            if not isinstance(function, ast.FunctionDef) or function.name.startswith("_"):
                continue
            arguments = function.args
            positional = [*arguments.posonlyargs, *arguments.args]
            without = positional[: len(positional) - len(arguments.defaults)]
            without += [
                one for one, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if not value
            ]
            if any(argument.arg == "stop" for argument in without):
                required.append(f"{path.relative_to(ROOT)}: {function.name}")
    assert not required


def count_to_three(seen: list[str]) -> Work[str]:
    try:
        for number in range(3):
            yield Progress(number, 3, "galaxies")
    finally:
        seen.append("closed")
    return "done"


def test_events_are_told_in_other_words_and_the_result_is_kept():
    def tell(event: Event) -> Iterator[Event]:
        if isinstance(event, Progress) and event.done != 1:
            yield Progress(10 + event.done, 20, "steps")
            yield Progress(11 + event.done, 20, "steps")

    results: list[str] = []

    def outer() -> Work[None]:
        results.append((yield from map_events(count_to_three([]), tell)))

    told = [event.done for event in outer() if isinstance(event, Progress)]
    assert told == [10, 11, 12, 13]
    assert results == ["done"]


def test_whoever_closes_the_outer_work_closes_the_inner_one():
    seen: list[str] = []
    work = map_events(count_to_three(seen), lambda event: [event])
    next(work)
    work.close()
    assert seen == ["closed"]
