"""A SAMP hub and another program at it, such as TOPCAT, which keeps what it is told."""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlparse
from urllib.request import url2pathname

from pyvo import samp

TAKEN = ("table.load.votable", "image.load.fits", "table.highlight.row", "coord.pointAt.sky")


class Program:
    """``told`` holds type and parameters of each message."""

    def __init__(self, client: samp.SAMPIntegratedClient) -> None:
        self.client = client
        self.told: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue()
        self._waiting: list[tuple[str, dict[str, Any]]] = []

    def hear(self, _key: str, _sender: str, kind: str, values: dict[str, Any], _extra: object) -> None:
        self.told.put((kind, values))

    def next(self, kind: str) -> dict[str, Any]:
        """The parameters of the next message of a type; others, which may come before it, wait."""
        for place, (found, values) in enumerate(self._waiting):
            if found == kind:
                del self._waiting[place]
                return values
        while True:
            found, values = self.told.get(timeout=120)
            if found == kind:
                return values
            self._waiting.append((found, values))

    def say(self, kind: str, **values: Any) -> None:
        """Tell all others."""
        self.client.notify_all(
            {"samp.mtype": kind, "samp.params": {name.replace("_", "-"): each for name, each in values.items()}}
        )


@contextlib.contextmanager
def hub() -> Iterator[samp.SAMPHubServer]:
    with samp.conf.set_temp("use_internet", False):
        server = samp.SAMPHubServer(web_profile=False, addr="127.0.0.1")
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextlib.contextmanager
def program(server: samp.SAMPHubServer, takes: tuple[str, ...] = TAKEN, name: str = "TOPCAT") -> Iterator[Program]:
    with samp.conf.set_temp("use_internet", False):
        client = samp.SAMPIntegratedClient(name=name, addr="127.0.0.1")
        client.connect(server)
    found = Program(client)
    for kind in takes:
        client.bind_receive_notification(kind, found.hear)
    try:
        yield found
    finally:
        client.disconnect()


def path_of(values: dict[str, Any]) -> Path:
    """The file that a message names."""
    return Path(url2pathname(urlparse(values["url"]).path))
