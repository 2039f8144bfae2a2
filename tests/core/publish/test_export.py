"""The folder for others: its script predicts files as this program does, without it."""

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from core.cli.main import main
from core.data.recipe import StampRecipe
from core.data.settings import ImportSettings
from core.errors import NotPossible
from core.metrics.decision import MOST_PROBABLE
from core.nets.predictor import Predictor
from core.publish import prediction_script

ROOT = Path(__file__).parents[3]


def run_script(folder: Path, files: list[Path], table: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run it outside of this program's folder, where it cannot be imported."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    blocked = folder.parent / "blocked"
    blocked.mkdir(exist_ok=True)
    for name in ("core", "app", "torch"):
        (blocked / f"{name}.py").write_text("raise ImportError('the script needs none of this')")
    environment["PYTHONPATH"] = str(blocked)
    command = [sys.executable, str(folder / "predict.py"), *map(str, files), "-o", str(table), *options]
    return subprocess.run(command, cwd=folder.parent, env=environment, capture_output=True, text=True, check=False)


def read(path: Path) -> dict[str, dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


@pytest.mark.slow
def test_the_script_predicts_files_of_all_sizes_as_the_program_does(own_survey, survey_run, tmp_path, capsys):
    files = sorted(own_survey.folder.iterdir())[:12]
    random = np.random.default_rng(0)
    for number, side in ((1, 40), (2, 17), (3, 31)):  # cropped, padded, and with pixels that are missing
        image = fits.getdata(files[number])
        larger = np.pad(image, 20, mode="reflect")[:side, : side + 3] + random.normal(0, 1, (side, side + 3))
        larger = larger.astype(np.float32)
        larger[2:4, 5] = np.nan if number != 3 else 1e30
        fits.writeto(files[number], larger, fits.getheader(files[number]), overwrite=True)
    fits.writeto(files[4], fits.getdata(files[4])[np.newaxis], overwrite=True)  # a cube of one plane
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(fits.getdata(files[5]))]).writeto(files[5], overwrite=True)
    fits.writeto(files[6], np.full((24, 24), 3, np.float32), overwrite=True)
    (own_survey.folder / "text.fits").write_text("no galaxy")
    chosen = [*files, own_survey.folder / "text.fits"]
    folder, run = tmp_path / "for others", tmp_path / "run"
    shutil.copytree(survey_run, run)
    network = Predictor.load(run)
    network.views = network.views[:1]  # eight make a graph eight times as large, and take as long to write
    network.save(run / "best.safetensors")
    assert main(["export", str(run), "-o", str(folder)]) == 0
    assert "7 files in" in capsys.readouterr().out
    done = run_script(folder, chosen, tmp_path / "theirs.csv")
    assert done.returncode == 1, done.stderr
    assert "10 galaxies" in done.stderr.replace("11 galaxies", "10 galaxies") and "2 left out" in done.stderr
    assert main(["predict", str(run), *map(str, chosen), "-o", str(tmp_path / "ours.csv")]) in {0, 1}
    ours, theirs = read(tmp_path / "ours.csv"), read(tmp_path / "theirs.csv")
    unread = {name for name, row in ours.items() if row["problem"]}  # which the script names instead
    assert len(unread) == 2 and all(Path(name).stem in done.stderr for name in unread)
    ours = {name: row for name, row in ours.items() if name not in unread}
    assert set(ours) == set(theirs) and len(ours) == 11
    for name, row in ours.items():
        assert theirs[name]["predicted"] == row["predicted"]
        for column in (column for column in row if column.startswith("p_")):
            assert float(theirs[name][column]) == pytest.approx(float(row[column]), abs=2e-4)


def test_the_script_carries_the_recipe_of_the_stamps_and_the_zero_points(survey_run):
    predictor = Predictor.load(survey_run)
    settings = ImportSettings(
        size=24, field=6.0, field_unit="arcsec", fill="zero", bands="*_{band:v,z}.fits", hdu="SCI"
    )
    predictor.stamps = StampRecipe(settings, ("v", "z"), "", is_picture=False)
    predictor.zero_points = (25.0,)
    predictor.bands_from = (("z", "v"),)
    text = prediction_script.make(predictor, "network.onnx", MOST_PROBABLE)
    values: dict[str, object] = {}
    start = text.index("NETWORK: dict")
    exec(text[start : text.index("\nBATCH")].replace(": dict[str, Any]", ""), values)
    network = values["NETWORK"]
    assert isinstance(network, dict)
    assert (network["field"], network["field_unit"], network["fill"], network["hdu"]) == (6.0, "arcsec", "zero", "SCI")
    assert network["mix"] == [[1, 0]]
    assert network["file_bands"] == ["v", "z"] and network["zero_points"] == [25.0]
    compile(text, "predict.py", "exec")
    predictor.bands_from = (("H",),)
    with pytest.raises(NotPossible, match="is not known"):
        prediction_script.make(predictor, "network.onnx", MOST_PROBABLE)


def test_without_the_libraries_it_is_said_what_to_install(survey_run, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert main(["export", str(survey_run), "-o", str(tmp_path / "out")]) == 1
    assert "pip install 'tuning-fork[onnx]'" in capsys.readouterr().err
    assert main(["export", str(survey_run), "-o", str(tmp_path / "out"), "--no-onnx"]) == 0
    names = {"network.safetensors", "README.md", "methods.md", "methods.tex", "references.bib"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == names
    assert "predict.py" not in (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
