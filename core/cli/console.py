"""The terminal: progress on stderr, results on stdout, a problem in one line, Ctrl-C as a request to stop.

Whatever is printed goes through here, where names with control characters are made safe.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, TextIO, TypeVar

from core.cli import distributed
from core.errors import Problem, Stopped
from core.events import BatchEnded, EpochEnded, Event, Preview, Progress, Scores, Skipped, Work
from core.printable import in_json, on_lines, on_one_line, shorten_sentence
from core.wording import singular

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

R = TypeVar("R")
_MAX_NOTES = 5  # problems in full; the rest are counted


def run_guarded(command: Callable[[], int], *, debug: bool) -> int:
    """Run a command; whatever it raises becomes one line on stderr and an exit status."""
    for stream in (sys.stdout, sys.stderr):  # letters that the terminal cannot show become question marks
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        status = command()
        sys.stdout.flush()
    except Stopped as stopped:
        say_problem(f"stopped; {stopped.kept or 'nothing was written.'}")
        return 130
    except KeyboardInterrupt:
        say_problem("broken off; what was not finished is lost.")
        return 130
    except BrokenPipeError:  # the reader, such as “head”, has ended
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:  # noqa: BLE001 - the one place where the command line catches what work raises
        if debug:
            print(on_lines(traceback.format_exc()), file=sys.stderr, end="")
        say_problem(describe_error(error))
        return 1
    return status


def describe_error(error: Exception) -> str:
    """Describe an exception for the user, in one line."""
    match error:
        case Problem():
            return " ".join(str(error).split())
        case OSError(strerror=str(reason)):
            return f"{error.filename or 'the disk'}: {reason}."
        case MemoryError():
            return "there is too little memory for this."
    message = shorten_sentence(" ".join(str(error).split()))
    return f"this is a defect of the program ({type(error).__name__}: {message}); with --debug it says where."


def say_problem(sentence: str) -> None:
    """Print one line on stderr."""
    print(f"tuningfork: {on_one_line(distributed.with_process_number(sentence))}", file=sys.stderr, flush=True)


class Console:
    """The terminal as a command uses it.

    Parameters
    ----------
    quiet
        No progress, only warnings.
    for_script
        Standard output holds one JSON value and nothing else: lines and tables for people go to stderr.

    Attributes
    ----------
    skipped
        What the work has left out or warned of so far.
    failures
        How much of what was asked for is missing from the results so far.
    """

    def __init__(self, *, quiet: bool = False, for_script: bool = False) -> None:
        self.quiet = quiet
        self._for_script = for_script
        self.skipped: list[Problem] = []
        self.failures = 0

    @property
    def status(self) -> int:
        """The exit status of a command that has come to its end: 1 if something that was asked for is missing."""
        return 1 if self.failures else 0

    @property
    def _for_people(self) -> TextIO:
        return sys.stderr if self._for_script else sys.stdout

    def say(self, text: str = "") -> None:
        """Print a line of the result."""
        print(on_one_line(text), file=self._for_people, flush=True)

    def say_lines(self, text: str) -> None:
        """Print lines of our own making, such as a file of settings."""
        print(on_lines(text), file=self._for_people, flush=True)

    def note(self, text: str) -> None:
        """What is good to know and no result, on stderr."""
        if not self.quiet:
            say_problem(text)

    def say_json(self, values: Mapping[str, Any]) -> None:
        """Print the result for a script on stdout."""
        print(in_json(json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False)), flush=True)

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print aligned columns, the first one left-aligned, the others right-aligned."""
        lines = [[on_one_line(cell) for cell in line] for line in (head, *rows)]
        widths = [max(len(line[place]) for line in lines) for place in range(len(head))]
        for first, *rest in lines:
            cells = [first.ljust(widths[0])]
            cells += [cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)]
            self.say("  ".join(cells).rstrip())

    def drive(self, title: str, verb: Callable[[threading.Event], Work[R]]) -> R:
        """Run a piece of work to its end, and return its result.

        Ctrl-C asks it to stop: a training then keeps its best weights and returns its result, other work raises
        :class:`~core.errors.Stopped`. A second Ctrl-C aborts it.
        """
        stop = threading.Event()
        before = len(self.skipped)
        with _catch_interrupts(stop), _Display(title, quiet=self.quiet) as display:
            work = verb(stop)
            try:
                while True:
                    event = next(work)
                    if isinstance(event, Skipped):
                        self.skipped.append(event.problem)
                        self.failures += event.is_failure
                        if len(self.skipped) - before <= _MAX_NOTES:
                            display.warn(f"note: {event.problem}")
                    else:
                        display.show(event)
            except StopIteration as end:
                return end.value
            finally:
                work.close()
                if (more := len(self.skipped) - before - _MAX_NOTES) > 0:
                    display.warn(f"note: and {more:,} more like these.")


@contextlib.contextmanager
def _catch_interrupts(stop: threading.Event) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():  # only it can catch signals
        yield
        return

    def ask(*_: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        say_problem("stopping; once more to break off.")

    earlier = signal.signal(signal.SIGINT, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, earlier)


class _Display:
    """A progress bar on a terminal; only whole lines where stderr is a file."""

    def __init__(self, title: str, *, quiet: bool) -> None:
        self._title = title
        self._quiet = quiet
        self._bars: Bars | None = None
        self._task: TaskID | None = None
        self._unit = ""
        self._epochs: int | None = None  # how many there will be at most

    def __enter__(self) -> Self:
        if not self._quiet and sys.stderr.isatty():
            from rich.console import Console as Terminal
            from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bars

            count = TextColumn("{task.fields[count]}", markup=False)
            columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), count, TimeRemainingColumn())
            terminal = Terminal(stderr=True, highlight=False, soft_wrap=True)
            self._bars = Bars(*columns, console=terminal, transient=True)
            self._task = self._bars.add_task(self._title, total=None, count="")
            self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bars is not None:
            self._bars.stop()

    def line(self, text: str) -> None:
        """Print a line of progress that stays."""
        if not self._quiet:
            self._print(text)

    def warn(self, text: str) -> None:
        """Print what may change the meaning of the result, also where progress is not shown."""
        if distributed.NUMBER == 0:
            self._print(text)

    def _print(self, text: str) -> None:
        text = on_one_line(text)
        if self._bars is not None:
            self._bars.console.print(text, markup=False)
        else:
            print(text, file=sys.stderr, flush=True)

    def show(self, event: Event) -> None:
        """Move the bar, or print a line."""
        match event:
            case Progress(done, total, unit):
                of_all = f"{done:,}/{total:,}" if total else f"{done:,}"
                counted = singular(unit) if (total or done) == 1 else unit
                self._move_bar(unit, done, total, f"{of_all} {counted}".strip())
            case BatchEnded():
                place = event.epoch - 1 + event.batch / event.batches
                count = f"epoch {event.epoch} · loss {event.loss:.3f} · {event.images_per_second:,.0f} images/s"
                self._move_bar("epochs", place, self._epochs, count)
            case EpochEnded():
                self._epochs = event.epochs
                self._move_bar("epochs", event.epoch, event.epochs, f"epoch {event.epoch}/{event.epochs}")
                self.line(format_epoch(event))
            case Preview(what) if isinstance(sentence := getattr(what, "sentence", None), str) and sentence:
                self.line(sentence)
            case _:
                pass

    def _move_bar(self, unit: str, done: float, total: int | None, count: str) -> None:
        if self._bars is None or self._task is None:
            return
        if unit != self._unit:  # another stage, with another speed
            self._unit = unit
            self._bars.reset(self._task, total=total, count=count)
        self._bars.update(self._task, completed=done, total=total, count=count)


def format_epoch(event: EpochEnded) -> str:
    """An epoch as a line."""
    width = len(str(event.epochs))
    best = "  best" if event.is_best else ""
    return (
        f"epoch {event.epoch:{width}}/{event.epochs}  training {format_scores(event.train)}  "
        f"validation {format_scores(event.validation)}  {event.seconds:.1f} s{best}"
    )


def format_scores(scores: Scores) -> str:
    """The loss and the main score as text."""
    known = [name for name in ("accuracy", "r2") if name in scores.values]
    named = [("loss", scores.loss), *((name, scores.values[name]) for name in known)]
    return " ".join(f"{name} {value:.3f}" for name, value in named)
