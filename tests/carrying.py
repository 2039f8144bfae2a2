"""Work that is carried out event by event, and may be stopped on the way."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any


def carried_out(
    work: Any, stop: threading.Event | None = None, until: Callable[[Any], bool] = lambda _: False
) -> tuple[list[Any], Any]:
    """All events and the result; ``stop`` is set after the first event for which ``until`` is true."""
    events: list[Any] = []
    while True:
        try:
            events.append(next(work))
        except StopIteration as end:
            return events, end.value
        if stop is not None and until(events[-1]):
            stop.set()
