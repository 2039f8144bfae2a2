"""The process that simulates blocks of galaxies; :mod:`core.simulate.crew` starts and ends it.

It reads lines from its standard input: first the task (as JSON), then numbers of blocks. It answers with lines:
``{"remarks": [sentences]}`` on the files of the settings; ``{"block": …, "columns": …}`` for each block, when it has
written it to its place; or ``{"problem": [class, sentence, remedy, where]}``. It ends at once when its input does,
whatever it is doing.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from io import RawIOBase
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import Problem
from core.project.files import report_disk_problems
from core.simulate.settings import SimulationSettings
from core.simulate.unfinished import Blocks, Column

_TEXT = "S32"  # of a true value that is a word


def serve() -> int:
    """Simulate blocks until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the program that waits
    answers = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    os.dup2(2, 1)  # what a library prints goes to the log
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(lines,), daemon=True).start()
    try:
        _work(json.loads(lines.get()), lines, answers.write)
    except Problem as problem:
        said = [type(problem).__name__, problem.sentence, problem.remedy, problem.where]
        answers.write(json.dumps({"problem": said}) + "\n")
    except MemoryError:
        said = ["OutOfMemory", "There is too little memory.", "Use fewer workers, or smaller stamps.", ""]
        answers.write(json.dumps({"problem": said}) + "\n")
    except Exception:  # noqa: BLE001 - the program that waits tells of the last line of the log
        traceback.print_exc()
        return 1
    return 0


def _listen(lines: queue.SimpleQueue[str]) -> None:
    for line in open(0, encoding="utf-8", closefd=False):  # noqa: SIM115 - a windowed program has no sys.stdin
        lines.put(line)
    os._exit(0)  # the program that waits is gone, or has no more to do


def _work(task: dict[str, Any], lines: queue.SimpleQueue[str], answer: Callable[[str], object]) -> None:
    import torch

    from core.simulate.blocks import BlockMaker

    torch.set_num_threads(1)
    blocks = Blocks(tuple(task["shape"]))
    maker = BlockMaker(SimulationSettings.model_validate_json(task["settings"]))
    answer(json.dumps({"remarks": maker.remarks}) + "\n")
    path = Path(task["images"])
    with (
        report_disk_problems(path),
        path.open("r+b", buffering=0) as images,
        Path(task["truth"]).open("r+b", buffering=0) as truth,
    ):
        while True:
            block = int(lines.get())
            rows, start = blocks.rows(block), block * blocks.length
            made = maker.make(range(start, start + blocks.length))  # whole, also the last one: the same bits
            images.seek(task["offset"] + rows.start * blocks.stamp_bytes)
            _write(images, np.ascontiguousarray(made.images[: len(rows)], dtype="<f4").data)
            columns, records = to_records(
                {name: values[: len(rows)] for name, values in made.truth.items()}, made.units
            )
            truth.seek(rows.start * records.dtype.itemsize)
            _write(truth, memoryview(records.tobytes()))
            answer(json.dumps({"block": block, "columns": columns}) + "\n")


def _write(file: RawIOBase, values: memoryview) -> None:
    left = values.cast("B")
    while left:
        left = left[file.write(left) :]


def to_records(truth: dict[str, NDArray[Any]], units: dict[str, str]) -> tuple[tuple[Column, ...], NDArray[Any]]:
    """True values as records whose type is the same for every block."""
    kinds = {name: _TEXT if values.dtype.kind in "UO" else values.dtype.str for name, values in truth.items()}
    columns = tuple((name, kind, units.get(name, "")) for name, kind in kinds.items())
    count = len(next(iter(truth.values())))
    records = np.zeros(count, dtype=[(name, kind) for name, kind, _ in columns])
    for name, values in truth.items():
        records[name] = np.char.encode(values.astype(str), "utf-8") if kinds[name] == _TEXT else values
    return columns, records


if __name__ == "__main__":
    sys.exit(serve())
