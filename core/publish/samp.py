"""SAMP: tables, images and galaxies that are pointed at, exchanged with TOPCAT, Aladin, DS9 and others on the desktop.

All these programs talk through a *hub*, a small server on the same machine that most of them start. A connection is
one generator: it sends what is put into its outbox, and yields what the others point at. Nothing leaves the machine.

References
----------
Taylor, Boch & Taylor 2015, Astron. Comput. 11, 81; SAMP 1.3, https://www.ivoa.net/documents/SAMP/.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import uuid
import xmlrpc.client
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pyvo import samp

from core.data.cutouts import Cutouts
from core.errors import NotPossible, Problem
from core.events import NEVER
from core.project.temporary import temporary_folder
from core.publish import samp_files, sky_positions
from core.publish.sky_positions import SkyPositions
from core.version import VERSION
from core.wording import count_of

_TABLE, _IMAGE = "table.load.votable", "image.load.fits"
_ROW, _ROWS, _SKY = "table.highlight.row", "table.select.rowList", "coord.pointAt.sky"
_CLOSED = "samp.hub.event.shutdown"
_WAIT = 0.05  # seconds between two looks at outbox and inbox
_NEAR = 5.0  # arcsec: a position that is this far from a galaxy, or within its stamp, is one of its own
_TAKERS = {_TABLE: "tables, such as TOPCAT or Aladin", _IMAGE: "images, such as DS9 or Aladin"}
_HUB_PROBLEMS = (OSError, xmlrpc.client.Error, samp.SAMPHubError, samp.SAMPClientError)


# -- what is sent ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class SendTable:
    """Galaxies of a dataset, with the catalogue (N,) each as it is now; rows that others highlight are then known."""

    data: Path
    columns: Mapping[str, NDArray[Any]]
    rows: NDArray[np.int64]


@dataclass(frozen=True)
class SendStamp:
    """The image of a galaxy."""

    data: Path
    row: int


@dataclass(frozen=True)
class SendImage:
    """Another image in FITS, such as a map of the evidence; ``write`` is called with its path."""

    title: str
    write: Callable[[Path], object]


@dataclass(frozen=True)
class PointAt:
    """The galaxy that is looked at: its row in the tables that were sent, and its place on the sky."""

    data: Path
    row: int


Outgoing: TypeAlias = SendTable | SendStamp | SendImage | PointAt


# -- what is heard -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Connected:
    """The hub is there; the names of the programs at it."""

    programs: tuple[str, ...]


@dataclass(frozen=True)
class Sent:
    """What was sent to whom, in words."""

    sentence: str


@dataclass(frozen=True)
class Unsent:
    """What was not sent, and why."""

    problem: Problem


@dataclass(frozen=True, eq=False)
class Pointed:
    """Another program points at galaxies: one is looked at, several are selected."""

    data: Path
    rows: NDArray[np.int64]
    by: str


Heard: TypeAlias = Connected | Sent | Unsent | Pointed


@dataclass
class _State:
    """What was sent, by the id of the table; these ids by the tables' addresses; where a dataset's galaxies are."""

    tables: dict[str, SendTable] = field(default_factory=dict[str, SendTable])
    ids: dict[str, str] = field(default_factory=dict[str, str])
    positions: dict[Path, SkyPositions] = field(default_factory=dict[Path, SkyPositions])


def run(
    outbox: queue.SimpleQueue[Outgoing], stop: threading.Event = NEVER, hub: Mapping[str, str] | None = None
) -> Generator[Heard, None, None]:
    """Stay connected to the hub until ``stop`` is set, send what is in the outbox, and yield what is heard.

    Parameters
    ----------
    outbox
        May be filled from another thread; of several galaxies that are pointed at only the last is sent.
    stop
        Ends the connection.
    hub
        Where it is, as its lock file says; None: it is looked for as the standard has it (``SAMP_HUB``, ``~/.samp``).

    Raises
    ------
    NotPossible
        There is no hub, or it was closed.
    """
    inbox: queue.SimpleQueue[tuple[str, str, dict[str, Any]]] = queue.SimpleQueue()
    with _connect(hub, inbox) as client, temporary_folder() as folder:
        state = _State()
        yield Connected(tuple(_name_of(client, each) for each in client.get_registered_clients()))
        while not stop.wait(_WAIT):
            for message in _newest(outbox):
                yield from _send(client, message, state, folder, stop)
            while not inbox.empty():
                kind, sender, values = inbox.get()
                if kind == _CLOSED:
                    raise NotPossible(
                        "The SAMP hub was closed, and with it the connection to the other programs.",
                        "Start TOPCAT or Aladin again, and send the galaxies anew.",
                    )
                yield from _understand(kind, values, state, _name_of(client, sender))


@contextlib.contextmanager
def _connect(
    hub: Mapping[str, str] | None, inbox: queue.SimpleQueue[tuple[str, str, dict[str, Any]]]
) -> Iterator[samp.SAMPIntegratedClient]:
    about = {"samp.name": "Tuning Fork", "samp.description.text": "Networks on galaxy cutouts", "version": VERSION}
    client = samp.SAMPIntegratedClient(metadata=about, addr="127.0.0.1")

    def receive(_key: str, sender: str, kind: str, values: dict[str, Any], _extra: object) -> None:
        inbox.put((kind, sender, values))

    def receive_call(key: str, sender: str, message_id: str, kind: str, values: dict[str, Any], extra: object) -> None:
        receive(key, sender, kind, values, extra)
        client.ereply(message_id, samp.SAMP_STATUS_OK, result={})

    try:
        with samp.conf.set_temp("use_internet", False):  # else it asks a server far away for the name of this machine
            client.connect(hub_params=None if hub is None else dict(hub))
    except (*_HUB_PROBLEMS, KeyError) as error:
        raise NotPossible(
            "No SAMP hub is running, through which programs on this machine find each other.",
            "Start TOPCAT or Aladin, which bring one, or Jsamp; in DS9 choose File ▸ SAMP ▸ Connect. Then send again.",
            detail=str(error),
        ) from error
    try:
        for kind in (_ROW, _ROWS, _SKY):
            client.bind_receive_notification(kind, receive)
            client.bind_receive_call(kind, receive_call)
        client.bind_receive_notification(_CLOSED, receive)
        yield client
    finally:
        with contextlib.suppress(*_HUB_PROBLEMS):  # the hub may be gone
            client.disconnect()


def _newest(outbox: queue.SimpleQueue[Outgoing]) -> list[Outgoing]:
    """What waits, without galaxies that were pointed at before the last one."""
    found: list[Outgoing] = []
    with contextlib.suppress(queue.Empty):
        while True:
            message = outbox.get_nowait()
            if isinstance(message, PointAt):
                found = [each for each in found if not isinstance(each, PointAt)]
            found.append(message)
    return found


# -- sending -----------------------------------------------------------------------------------------------------------


def _send(
    client: samp.SAMPIntegratedClient, message: Outgoing, state: _State, folder: Path, stop: threading.Event
) -> Iterator[Heard]:
    try:
        match message:
            case PointAt():
                _point(client, message, state)
            case SendTable():
                yield from _send_table(client, message, state, folder, stop)
            case SendStamp() | SendImage():
                yield _send_image(client, message, folder)
    except Problem as problem:
        yield Unsent(problem)
    except _HUB_PROBLEMS as error:
        yield Unsent(Problem("The SAMP hub does not answer.", "Start TOPCAT or Aladin again.", detail=str(error)))


def _send_table(
    client: samp.SAMPIntegratedClient, message: SendTable, state: _State, folder: Path, stop: threading.Event
) -> Iterator[Heard]:
    takers = _require_takers(client, _TABLE)
    name = f"tuning-fork-{uuid.uuid4().hex}"
    path = folder / f"{name}.xml"
    with Cutouts.open(message.data) as cutouts:
        positions = yield from _silently(sky_positions.read(cutouts, message.rows, stop))
        samp_files.write_table(cutouts, message.columns, message.rows, positions, path)
    state.tables[name], state.positions[message.data] = message, positions
    state.ids[path.as_uri()] = name
    values = {"url": path.as_uri(), "table-id": name, "name": message.data.stem}
    sentence = _notify(client, takers, _TABLE, values, count_of(len(message.rows), "galaxy"))
    if not np.isfinite(positions.ra[message.rows]).any():
        sentence += " They are without positions: the catalogue has none" + (
            f", and those of stamps are read for at most {sky_positions.MOST_STAMPS:,}."
            if len(message.rows) > sky_positions.MOST_STAMPS
            else ", nor have the stamps."
        )
    yield Sent(sentence)


def _send_image(client: samp.SAMPIntegratedClient, message: SendStamp | SendImage, folder: Path) -> Sent:
    takers = _require_takers(client, _IMAGE)
    path = folder / f"tuning-fork-{uuid.uuid4().hex}.fits"
    if isinstance(message, SendImage):
        message.write(path)
        title = message.title
    else:
        with Cutouts.open(message.data) as cutouts:
            samp_files.write_stamp(cutouts, message.row, path)
            title = cutouts.ids[message.row]
    values = {"url": path.as_uri(), "image-id": path.stem, "name": title}
    return Sent(_notify(client, takers, _IMAGE, values, f"“{title}”"))


def _point(client: samp.SAMPIntegratedClient, message: PointAt, state: _State) -> None:
    """Tell those who want to know; to no one in particular, so that it is no problem where nobody does."""
    for name, table in state.tables.items():
        if table.data == message.data and len(place := np.flatnonzero(table.rows == message.row)):
            client.enotify_all(_ROW, **{"table-id": name, "row": str(place[0])})
    known = state.positions.get(message.data)
    if known is not None and np.isfinite(known.ra[message.row]):
        client.enotify_all(_SKY, ra=f"{known.ra[message.row]:.8f}", dec=f"{known.dec[message.row]:.8f}")


def _require_takers(client: samp.SAMPIntegratedClient, kind: str) -> list[str]:
    """The programs at the hub that take such a message.

    Raises
    ------
    NotPossible
        None does.
    """
    if takers := list(client.get_subscribed_clients(kind)):
        return takers
    raise NotPossible(
        f"No program at the SAMP hub takes {_TAKERS[kind]}.", "Start one, let it connect to the hub, and send again."
    )


def _notify(
    client: samp.SAMPIntegratedClient, takers: list[str], kind: str, values: Mapping[str, str], what: str
) -> str:
    for taker in takers:
        client.enotify(taker, kind, **values)
    return f"Sent {what} to {', '.join(_name_of(client, taker) for taker in takers)}."


def _name_of(client: samp.SAMPIntegratedClient, program: str) -> str:
    try:
        return str(client.get_metadata(program).get("samp.name") or program)
    except _HUB_PROBLEMS:  # it has left meanwhile
        return program


def _silently(work: Generator[Any, None, SkyPositions]) -> Generator[Heard, None, SkyPositions]:
    """Do work whose progress nobody is told."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value
        yield from ()


# -- hearing -----------------------------------------------------------------------------------------------------------


def _understand(kind: str, values: Mapping[str, Any], state: _State, by: str) -> Iterator[Heard]:
    """What a message of another program means; nothing where it is about other tables, or is not understood."""
    with contextlib.suppress(KeyError, ValueError, TypeError):
        if kind == _SKY:
            yield from _find_on_sky(float(values["ra"]), float(values["dec"]), state, by)
            return
        table = state.tables[values.get("table-id") or state.ids[values["url"]]]
        asked = values["row-list"] if kind == _ROWS else [values["row"]]
        places = np.array([int(row) for row in asked], dtype=np.int64)
        places = places[(places >= 0) & (places < len(table.rows))]
        if len(places):
            yield Pointed(table.data, table.rows[places], by)


def _find_on_sky(ra: float, dec: float, state: _State, by: str) -> Iterator[Heard]:
    """The galaxy at a position."""
    nearest = partial(SkyPositions.nearest, ra=ra, dec=dec)
    found = [(distance, data, row) for data, known in state.positions.items() for row, distance in [nearest(known)]]
    if found and min(found)[0] <= _NEAR:
        _, data, row = min(found)
        yield Pointed(data, np.array([row], dtype=np.int64), by)
