"""The terminal: progress, results and problems each in their place."""

from __future__ import annotations

import errno
import json
import os
import signal

import pytest

from core.cli.console import Console, describe_error, run_guarded
from core.cli.main import main
from core.errors import NotPossible, Stopped, UnreadableFile
from core.events import BatchEnded, EpochEnded, Preview, Progress, Scores, Skipped


def epoch(number, best):
    scores = Scores(0.5, {"accuracy": 0.75})
    return EpochEnded(number, 2, scores, scores, 1e-3, 1.5, best, number - best)


def test_work_is_driven_to_its_result(capsys):
    def work(stop):
        yield Progress(1, 2, "files")
        yield BatchEnded(1, 1, 4, 0.7, 1e-3, 100.0)
        yield Preview(object())
        yield epoch(1, 1)
        yield epoch(2, 1)
        return "result"

    assert Console().drive("Working", work) == "result"
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        "epoch 1/2  training loss 0.500 accuracy 0.750  validation loss 0.500 accuracy 0.750  1.5 s  best",
        "epoch 2/2  training loss 0.500 accuracy 0.750  validation loss 0.500 accuracy 0.750  1.5 s",
    ]


def test_the_first_problems_are_told_and_the_others_counted(capsys):
    def work(stop):
        for number in range(12):
            yield Skipped(UnreadableFile("It is empty.", "Leave it out.", f"{number}.fits"))

    console = Console()
    console.drive("Importing", work)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "note: 0.fits: It is empty. Leave it out."
    assert lines[5] == "note: and 7 more like these."
    assert len(lines) == 6
    assert len(console.skipped) == 12


def test_quiet_leaves_out_the_progress_and_no_warning(capsys):
    def work(stop):
        yield epoch(1, 1)
        yield Skipped(UnreadableFile("It is empty."))

    Console(quiet=True).drive("Working", work)
    assert capsys.readouterr().err == "note: It is empty.\n"


def test_on_a_terminal_a_bar_moves_and_goes_away(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")

    def work(stop):
        for done in range(3):
            yield Progress(done, 3, "files")
        yield Progress(0, 9, "galaxies")
        yield BatchEnded(1, 1, 4, 0.7, 1e-3, 100.0)
        yield epoch(1, 1)
        return 7

    assert Console().drive("Importing", work) == 7
    assert "epoch 1/2  training" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no such signal to one process")
def test_the_first_interrupt_asks_and_the_second_breaks_off(capsys):
    closed = []

    def obedient(stop):
        yield Progress(0, None)
        os.kill(os.getpid(), signal.SIGINT)
        yield Progress(1, None)
        return stop.is_set()

    def deaf(stop):
        try:
            for done in range(1000):
                os.kill(os.getpid(), signal.SIGINT)
                yield Progress(done, None)
        finally:
            closed.append(True)

    before = signal.getsignal(signal.SIGINT)
    assert Console().drive("Working", obedient) is True
    with pytest.raises(KeyboardInterrupt):
        Console().drive("Working", deaf)
    assert closed
    assert signal.getsignal(signal.SIGINT) is before
    assert "once more to break off" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("raised", "status", "said"),
    [
        (
            NotPossible("It is\ntoo deep.", "Use 3 blocks.", "network.depth"),
            1,
            "network.depth: It is too deep. Use 3 blocks.",
        ),
        (Stopped(), 130, "stopped; nothing was written."),
        (KeyboardInterrupt(), 130, "broken off; what was not finished is lost."),
        (OSError(errno.ENOSPC, "No space left on device", "a.h5"), 1, "a.h5: No space left on device."),
        (MemoryError(), 1, "there is too little memory for this."),
        (KeyError("x"), 1, "this is a defect of the program (KeyError: 'x'); with --debug it says where."),
    ],
)
def test_whatever_is_raised_is_one_line_and_a_status(raised, status, said, capsys):
    def command():
        raise raised

    assert run_guarded(command, debug=False) == status
    assert capsys.readouterr().err == f"tuningfork: {said}\n"


def test_debug_shows_where_it_arose(capsys):
    def command():
        raise NotPossible("No.")

    assert run_guarded(command, debug=True) == 1
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert err.endswith("tuningfork: No.\n")


def test_an_error_of_the_disk_without_a_file_is_told_too():
    assert describe_error(OSError(errno.EIO, "Input/output error")) == "the disk: Input/output error."


def test_columns_are_aligned(capsys):
    Console().table(("class", "n"), [("disk", "7"), ("edge-on", "1,000")])
    assert capsys.readouterr().out == "class        n\ndisk         7\nedge-on  1,000\n"


_FORGED = "a\nnote: all is well\x1b[2K\x1b[31m\x9b\u202e\u2028\udcff.fits"
_SHOWN = r"a\nnote: all is well\x1b[2K\x1b[31m\x9b\u202e\u2028\udcff.fits"


def test_a_name_with_control_characters_forges_no_line_and_steers_no_terminal(capsys):
    def work(stop):
        yield Skipped(UnreadableFile("It is empty.", "Leave it out.", _FORGED))

    def command():
        console = Console()
        console.say(_FORGED)
        console.note(_FORGED)
        console.table(("class", "galaxies"), [(_FORGED, "3"), ("spiral", "4")])
        console.say_lines("first\nsecond\x1b[2K")
        console.drive("Importing", work)
        raise RuntimeError(_FORGED)

    assert run_guarded(command, debug=True) == 1
    said = capsys.readouterr()
    assert not {letter for letter in said.out + said.err if not letter.isprintable()} - {"\n"}
    assert said.out.splitlines()[:1] == [_SHOWN]
    assert said.out.splitlines()[1:4] == [
        f"{'class'.ljust(len(_SHOWN))}  galaxies",
        f"{_SHOWN}         3",
        f"{'spiral'.ljust(len(_SHOWN))}         4",
    ]
    assert said.out.splitlines()[4:] == ["first", r"second\x1b[2K"]
    assert f"note: {_SHOWN}: It is empty. Leave it out." in said.err.splitlines()
    assert f"tuningfork: {_SHOWN}" in said.err.splitlines()


def test_json_keeps_such_a_name_as_it_is(capsys):
    Console().say_json({"name": _FORGED})
    said = capsys.readouterr().out
    assert json.loads(said) == {"name": _FORGED}
    assert all(letter.isprintable() or letter == "\n" for letter in said)


def test_beside_json_for_a_script_what_is_for_people_goes_to_stderr(capsys):
    console = Console(for_script=True)
    console.say("two tables were written")
    console.say_lines("a\nb")
    console.table(("class", "n"), [("disk", "7")])
    console.say_json({"accuracy": 0.5})
    said = capsys.readouterr()
    assert json.loads(said.out) == {"accuracy": 0.5}
    assert said.err.split() == ["two", "tables", "were", "written", "a", "b", "class", "n", "disk", "7"]


def test_a_wrong_argument_is_told_on_one_line(capsys):
    with pytest.raises(SystemExit):
        main(["runs", ".", "--\x1b[2Ka\nb"])
    assert capsys.readouterr().err.splitlines()[-1].endswith(r"unrecognized arguments: --\x1b[2Ka\nb")
