"""Cyclic garbage never dies on a worker's thread."""

from __future__ import annotations

import threading

from app.jobs.job import Job
from core.events import Progress


class Cycle:
    """Refers to itself, as panels and the functions that they connect to signals do."""

    def __init__(self, died_on: list[int]) -> None:
        self.itself = self
        self.died_on = died_on

    def __del__(self) -> None:
        self.died_on.append(threading.get_ident())


def test_what_nobody_refers_to_dies_on_the_windows_thread_while_others_allocate(qtbot):
    died_on: list[int] = []
    for _ in range(1000):
        Cycle(died_on)

    def allocate(stop: threading.Event):
        kept: list[list[int]] = []
        while not died_on and not stop.is_set():
            kept.extend([number] for number in range(20_000))
            yield Progress(len(kept), None, "lists")

    job = Job("Allocating", allocate)
    with qtbot.waitSignal(job.ended):
        job.start()
    assert len(died_on) == 1000
    assert set(died_on) == {threading.get_ident()}
