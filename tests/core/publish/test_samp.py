"""SAMP with a real hub: another program receives the table and the image, points at rows, and is pointed at."""

import queue
import threading
import time

import another_program
import numpy as np
import pytest
from another_program import path_of
from astropy.io import fits
from astropy.table import Table

from core.data.cutouts import Cutouts
from core.errors import NotPossible
from core.events import result_of
from core.publish import samp, sky_positions
from core.publish.samp import Connected, PointAt, Pointed, SendImage, SendStamp, SendTable, Sent, Unsent


@pytest.fixture
def hub():
    with another_program.hub() as server:
        yield server


@pytest.fixture
def topcat(hub):
    with another_program.program(hub) as found:
        yield found


class Connection:
    """Our side, on a thread as in the window."""

    def __init__(self, hub) -> None:
        self.outbox, self.stop, self.heard = queue.SimpleQueue(), threading.Event(), queue.Queue()
        self.problem = None
        self._thread = threading.Thread(target=self._run, args=(dict(hub.params),))
        self._thread.start()

    def _run(self, hub) -> None:
        try:
            for event in samp.run(self.outbox, self.stop, hub):
                self.heard.put(event)
        except NotPossible as problem:
            self.problem = problem

    def next(self, kind):
        """The next event of this kind."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if isinstance(event := self.heard.get(timeout=60), kind):
                return event
        raise AssertionError(f"no {kind}")

    def close(self) -> None:
        self.stop.set()
        self._thread.join()


@pytest.fixture
def ours(hub):
    connection = Connection(hub)
    yield connection
    connection.close()


def test_table_image_and_rows_go_to_another_program_and_come_back(topcat, ours, survey_dataset):
    assert ours.next(Connected).programs[-1] == "TOPCAT"
    with Cutouts.open(survey_dataset) as cutouts:
        columns = cutouts.columns | {"shape": np.array(["mérgér"] * len(cutouts))}
        ids, image, wcs = cutouts.ids, cutouts.images[7], cutouts.wcs(7)
        sky = wcs.celestial.wcs_pix2world(11.5, 11.5, 0)
    rows = np.array([4, 7, 2])
    ours.outbox.put(SendTable(survey_dataset, columns, rows))
    assert ours.next(Sent).sentence == "Sent 3 galaxies to TOPCAT."
    table = topcat.next("table.load.votable")
    read = Table.read(path_of(table), format="votable")
    assert [str(each) for each in read["id"]] == [ids[row] for row in rows]
    assert set(map(str, read["shape"])) == {"mérgér"}
    assert read["ra"][1] == pytest.approx(float(sky[0])) and str(read["dec"].unit) == "deg"

    ours.outbox.put(SendStamp(survey_dataset, 7))
    sent = topcat.next("image.load.fits")
    assert sent["name"] == ids[7]
    with fits.open(path_of(sent)) as file:
        assert np.array_equal(file[0].data, image[0])
        assert file[0].header["CRVAL1"] == pytest.approx(wcs.wcs.crval[0])

    topcat.say("table.highlight.row", table_id=table["table-id"], row="1")
    heard = ours.next(Pointed)
    assert (heard.data, heard.rows.tolist(), heard.by) == (survey_dataset, [7], "TOPCAT")
    topcat.client.ecall_all("tag", "table.select.rowList", **{"url": table["url"], "row-list": ["0", "2", "77"]})
    assert ours.next(Pointed).rows.tolist() == [4, 2]
    topcat.say("coord.pointAt.sky", ra=str(sky[0]), dec=str(sky[1] + 1 / 3600))
    assert ours.next(Pointed).rows.tolist() == [7]
    topcat.say("coord.pointAt.sky", ra="10", dec="10")  # no galaxy is there
    topcat.say("table.highlight.row", table_id="another's", row="1")
    topcat.say("table.highlight.row", table_id=table["table-id"], row="much")

    for row in (1, 7, 2):  # only the last of those that wait has to arrive, and 1 was not in the table
        ours.outbox.put(PointAt(survey_dataset, row))
    while topcat.next("table.highlight.row") != {"table-id": table["table-id"], "row": "2"}:
        pass
    assert topcat.next("coord.pointAt.sky")["ra"].startswith("150.0")
    assert not [event for event in list(ours.heard.queue) if isinstance(event, Pointed | Unsent)]


def test_what_nobody_takes_is_said_and_the_connection_goes_on(ours, survey_dataset):
    ours.outbox.put(SendStamp(survey_dataset, 0))
    assert "takes images, such as DS9 or Aladin" in ours.next(Unsent).problem.sentence
    ours.outbox.put(SendImage("map", lambda path: path.write_bytes(b"")))
    assert "No program" in ours.next(Unsent).problem.sentence


def test_a_hub_that_is_not_there_or_closes_is_said_with_what_to_do(hub, survey_dataset, monkeypatch, tmp_path):
    connection = Connection(hub)
    connection.next(Connected)
    hub.stop()
    connection._thread.join(60)
    assert "was closed" in connection.problem.sentence
    monkeypatch.setenv("SAMP_HUB", f"std-lockurl:{(tmp_path / 'none').as_uri()}")
    with pytest.raises(NotPossible, match=r"No SAMP hub is running.*Start TOPCAT"):
        next(samp.run(queue.SimpleQueue()))


def test_positions_are_those_of_the_catalogue_or_else_of_the_stamps(survey_dataset):
    with Cutouts.open(survey_dataset) as cutouts:
        found = result_of(sky_positions.read(cutouts, np.arange(2, 6)))
    assert found.columns is None and np.isnan(found.ra[1])
    assert found.nearest(found.ra[3], found.dec[3] + 2 / 3600) == (3, pytest.approx(2, abs=0.01))
    columns = {"RAJ2000": np.array([1.0, 359.9]), "DEJ2000": np.array([-5.0, 2.0]), "decision": np.array([1.0, 2.0])}
    assert sky_positions.find_columns(columns) == ("RAJ2000", "DEJ2000")
    assert sky_positions.find_columns({"ra": np.array(["10h"]), "dec": np.array([1.0])}) is None
