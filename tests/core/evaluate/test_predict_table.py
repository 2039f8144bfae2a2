from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from tolerances import through

from core.data import import_pieces
from core.data.cutouts import Cutouts
from core.errors import NotANumber, Stopped
from core.evaluate import predict, predict_table, unusual
from core.evaluate.predict_table import Wish
from core.events import Progress, Skipped, result_of
from core.nets.predictor import Predictor
from core.project.runs import RunFolder

ALONE = Wish(workers=0)


@pytest.fixture(autouse=True)
def in_small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predict_table, "_ROWS", 40)
    monkeypatch.setattr(import_pieces, "_MOST", 40)


def rows_of(table: Path) -> list[dict[str, str]]:
    with table.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_table_of_a_dataset_holds_what_the_network_answers_galaxy_by_galaxy(
    survey_run, survey_dataset, tmp_path
) -> None:
    events = list(predict_table.run(survey_run, survey_dataset, tmp_path / "t.fits"))
    expected = result_of(predict.run(survey_run, survey_dataset))
    found = Table.read(tmp_path / "t.fits")
    assert [str(name) for name in found["id"]] == list(expected.ids)
    assert [str(name) for name in found["predicted"]] == expected.predicted
    exact = through(Predictor.load(survey_run).network)
    for place, name in enumerate(expected.names):
        np.testing.assert_allclose(found[f"p_{name}"], expected.scores[:, place], atol=exact)
    shares = np.clip(expected.scores.astype(float), 1e-300, 1)
    np.testing.assert_allclose(found["entropy"], -(shares * np.log(shares)).sum(axis=1) / np.log(3), atol=1e-5)
    progress = [event for event in events if isinstance(event, Progress) and event.unit == "galaxies"]
    assert progress[-1].done == progress[-1].total == 90
    assert not list(tmp_path.glob("*.unfinished"))


def test_it_says_how_unlike_the_training_galaxies_each_one_is_as_the_ranking_does(
    survey_run, survey_dataset, tmp_path
) -> None:
    result_of(predict_table.run(survey_run, survey_dataset, tmp_path / "t.h5"))
    ranked = result_of(unusual.run(survey_run, survey_dataset))
    found = Table.read(tmp_path / "t.h5")
    np.testing.assert_allclose(found["unlikeness"], ranked.distances, rtol=1e-3)
    np.testing.assert_allclose(found["more_unlike_than"], ranked.more_than, atol=0.05)
    assert found.meta["UNLIKE"].startswith("compared with")


def test_it_names_the_network_by_digests_that_anybody_can_compute(survey_run, survey_dataset, tmp_path) -> None:
    result_of(predict_table.run(survey_run, survey_dataset, tmp_path / "t.fits", wish=Wish(unlikeness=False)))
    about = Table.read(tmp_path / "t.fits").meta
    folder = RunFolder(survey_run)
    for keyword, path in (("WEIGHTS", folder.best), ("SETTINGS", folder.settings_file)):
        printed = subprocess.run(["sha256sum", path], capture_output=True, text=True, check=True).stdout
        assert about[keyword] == f"sha256:{printed.split()[0]}"
    assert about["RUN"] == "first" and about["PROGRAM"].startswith("Tuning Fork")
    assert "unlikeness" not in Table.read(tmp_path / "t.fits").colnames


def test_files_are_answered_as_the_dataset_made_of_them_and_what_cannot_be_read_has_a_row(
    survey, survey_run, survey_dataset, tmp_path
) -> None:
    shutil.copytree(survey.folder, tmp_path / "cutouts")
    (tmp_path / "cutouts" / "écrit.fits").write_text("<html>404</html>")
    fits.writeto(tmp_path / "cutouts" / "flat.fits", np.ones((24, 24), np.float32))
    table = tmp_path / "t.csv"
    written = result_of(predict_table.run(survey_run, tmp_path / "cutouts", table, wish=ALONE))
    result_of(predict_table.run(survey_run, survey_dataset, tmp_path / "whole.csv"))
    assert (written.galaxies, written.unread) == (90, 2)
    rows = {row["id"]: row for row in rows_of(table)}
    for row in rows_of(tmp_path / "whole.csv"):
        mine = rows[row["id"]]
        assert mine["predicted"] == row["predicted"] and mine["problem"] == ""
        assert float(mine["p_disk"]) == pytest.approx(float(row["p_disk"]), abs=1e-5)
        assert float(mine["unlikeness"]) > 0
    for name, reason in (("écrit.fits", "web page"), ("flat.fits", "same value")):
        assert reason in rows[name]["problem"] and rows[name]["p_disk"] == rows[name]["predicted"] == ""
    about = json.loads((tmp_path / "t.csv-metadata.json").read_text(encoding="utf-8"))
    assert about["notes"][0]["UNREAD"] == "2 of 92" and about["tableSchema"]["columns"][0]["ucd"] == "meta.id;meta.main"
    assert not list(tmp_path.glob("*.unfinished"))


def test_what_was_stopped_goes_on_where_it_stood_and_gives_the_same_table(
    survey, survey_run, tmp_path, monkeypatch
) -> None:
    folder = Path(shutil.copytree(survey.folder, tmp_path / "cutouts"))
    wish = Wish(workers=0, unlikeness=False)
    whole, table = tmp_path / "whole.csv", tmp_path / "t.csv"
    result_of(predict_table.run(survey_run, folder, whole, wish=wish))
    stop = threading.Event()
    with pytest.raises(Stopped):
        for event in predict_table.run(survey_run, folder, table, stop, wish=wish):
            if isinstance(event, Progress) and event.unit == "galaxies" and event.done >= 40:
                stop.set()
    assert not table.exists() and (tmp_path / "t.csv.unfinished").is_dir()
    asked = count_answers(monkeypatch)
    events = list(predict_table.run(survey_run, folder, table, wish=wish))
    said = [event.problem.sentence for event in events if isinstance(event, Skipped)]
    assert any("goes on" in sentence and "40 galaxies" in sentence for sentence in said)
    assert sum(asked) == 50
    assert table.read_bytes() == whole.read_bytes()
    assert not list(tmp_path.glob("*.unfinished"))


def count_answers(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many galaxies the network is asked for from now on, batch by batch."""
    asked: list[int] = []
    answered = Predictor.scores_and_error_bars

    def ask(self, images, *beside):
        asked.append(len(images))
        return answered(self, images, *beside)

    monkeypatch.setattr(Predictor, "scores_and_error_bars", ask)
    return asked


def test_a_file_that_has_changed_meanwhile_is_answered_again(survey, survey_run, tmp_path, monkeypatch) -> None:
    folder = Path(shutil.copytree(survey.folder, tmp_path / "cutouts"))
    wish, table, stop = Wish(workers=0, unlikeness=False), tmp_path / "t.csv", threading.Event()
    with pytest.raises(Stopped):
        for event in predict_table.run(survey_run, folder, table, stop, wish=wish):
            if isinstance(event, Progress) and event.unit == "galaxies" and event.done > 85:
                stop.set()
    changed = sorted(folder.iterdir())[45]
    shutil.copy(min(folder.iterdir()), changed)
    asked = count_answers(monkeypatch)
    result_of(predict_table.run(survey_run, folder, table, wish=wish))
    assert sum(asked) == 50
    rows = {row["id"]: row for row in rows_of(table)}
    assert rows[changed.stem]["p_disk"] == rows[min(rows)]["p_disk"]


def test_another_network_begins_anew(survey_run, survey_dataset, tmp_path, monkeypatch) -> None:
    table, stop = tmp_path / "t.csv", threading.Event()
    with pytest.raises(Stopped):
        for event in predict_table.run(survey_run, survey_dataset, table, stop, wish=Wish(unlikeness=False)):
            if isinstance(event, Progress) and event.unit == "galaxies" and event.done >= 40:
                stop.set()
    other = Predictor.load(survey_run)
    other.network.head.output.bias.data += 1e-3
    other.save(tmp_path / "other.safetensors")
    asked = count_answers(monkeypatch)
    result_of(predict_table.run(tmp_path / "other.safetensors", survey_dataset, table, wish=Wish(unlikeness=False)))
    assert sum(asked) == 90


def test_a_galaxy_whose_answer_is_no_number_does_not_end_the_others(survey_run, survey_dataset, tmp_path) -> None:
    from galaxies import write_dataset

    with Cutouts.open(survey_dataset) as cutouts:
        images = cutouts.images[:5]
    images[3] = np.nan
    data = write_dataset(tmp_path / "odd.h5", images, {}, [], "r", ids=list("abcde"))
    written = result_of(predict_table.run(survey_run, data, tmp_path / "t.csv"))
    assert (written.galaxies, written.unread) == (4, 1)
    odd = rows_of(tmp_path / "t.csv")[3]
    assert odd["id"] == "d" and "finite" in odd["problem"] and odd["unlikeness"] == odd["p_disk"] == ""
    broken = Predictor.load(survey_run)
    broken.network.head.output.bias.data.fill_(float("nan"))
    broken.save(tmp_path / "broken.safetensors")
    with pytest.raises(NotANumber, match="not finite for 5 of 5"):
        result_of(predict_table.run(tmp_path / "broken.safetensors", data, tmp_path / "t.csv"))
    assert not list(tmp_path.glob("*.unfinished"))


def test_a_network_without_its_training_galaxies_says_why_nothing_is_compared(
    survey_run, survey_dataset, tmp_path
) -> None:
    weights = Path(shutil.copy(RunFolder(survey_run).best, tmp_path / "alone.safetensors"))
    events = list(predict_table.run(weights, survey_dataset, tmp_path / "t.csv"))
    said = [event.problem.sentence for event in events if isinstance(event, Skipped)]
    assert any("unlike the training galaxies" in sentence for sentence in said)
    assert "unlikeness" not in rows_of(tmp_path / "t.csv")[0]


SCRIPT = """
import sys
from pathlib import Path
from core.data import import_pieces
from core.evaluate import predict_table
from core.events import Progress
import_pieces._MOST = 40
if __name__ == "__main__":
    run, folder, table = map(Path, sys.argv[1:])
    import core.data.piece_pool as pool
    pool._FEW = 0
    for event in predict_table.run(run, folder, table, wish=predict_table.Wish(unlikeness=False, workers=1)):
        if isinstance(event, Progress) and event.unit == "galaxies" and event.done > 40:
            print("now", flush=True)
            input()
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no such signal")
def test_a_killed_prediction_leaves_no_process_and_is_taken_up_again(survey, survey_run, tmp_path) -> None:
    import psutil

    script, table = tmp_path / "predict.py", tmp_path / "t.csv"
    script.write_text(SCRIPT, encoding="utf-8")
    folder = Path(shutil.copytree(survey.folder, tmp_path / "cutouts"))
    process = subprocess.Popen(
        [sys.executable, str(script), str(survey_run), str(folder), str(table)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(predict_table.__file__).parents[2])},
    )
    assert process.stdout is not None and process.stdout.readline() == "now\n"
    readers = psutil.Process(process.pid).children(recursive=True)
    assert readers
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        pipe.close()
    psutil.wait_procs(readers, 20)
    assert not any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in readers)
    events = list(predict_table.run(survey_run, folder, table, wish=Wish(unlikeness=False, workers=0)))
    assert any("goes on" in event.problem.sentence for event in events if isinstance(event, Skipped))
    assert len(rows_of(table)) == 90
    assert not list(tmp_path.glob("*.unfinished"))
