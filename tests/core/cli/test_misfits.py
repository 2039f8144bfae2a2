"""Every command with a network and a dataset that do not fit: one sentence, and nothing is written."""

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from misfits import DATASETS, HARD, NETWORKS, write_data, write_network

from core.cli.main import main

COMMANDS = {
    "evaluate": ("evaluate", "RUN", "DATA"),
    "predict": ("predict", "RUN", "DATA", "-o", "OUT/table.csv"),
    "maps": ("explain", "RUN", "DATA", "--method", "occlusion", "-o", "OUT"),
    "dreams": (
        "explain",
        "RUN",
        "DATA",
        "--method",
        "dream",
        "--output-name",
        "spiral",
        "--set",
        "steps=2",
        "-o",
        "OUT",
    ),
    "top": ("top", "RUN", "DATA", "--layer", "activation1", "-o", "OUT"),
    "believe": ("believe", "RUN", "DATA", "-o", "OUT/belief.csv"),
    "train": ("train", "DATA", "--start-from", "RUN", "-o", "OUT"),
    "rate": ("rate", "DATA", "--start-from", "RUN", "-o", "OUT/rate.png"),
    "batch": ("batch", "DATA", "--start-from", "RUN", "-o", "OUT/batch.png"),
}
LABELS = [("votes", "other classes"), ("radius", "other classes"), ("flat", "magnitudes"), ("flat", "other classes")]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("misfits")
    for name in NETWORKS:
        write_network(place / name, name)
    for name in DATASETS:
        write_data(place / f"{name}.h5", name)
    return place


def call(files: Path, command: str, network: str, data: str, out: Path, *more: str) -> int:
    words = {"RUN": str(files / network), "DATA": str(files / f"{data}.h5")}
    return main([words.get(word, word.replace("OUT", str(out))) for word in COMMANDS[command]] + list(more))


@pytest.mark.parametrize(
    ("network", "data", "command"),
    [(*HARD[0], command) for command in COMMANDS]
    + [(*pair, command) for pair in HARD[1:] for command in ("predict", "train")],
)
def test_images_that_do_not_fit_are_one_sentence(files, tmp_path, capsys, network, data, command):
    assert call(files, command, network, data, tmp_path / "out", "--quiet") == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "defect" not in said
    assert "was trained on" in said
    assert not any((tmp_path / "out").rglob("*"))


@pytest.mark.parametrize(
    "command",
    [pytest.param(name, marks=pytest.mark.slow) if name in ("rate", "batch", "dreams") else name for name in COMMANDS],
)
def test_chosen_bands_lead_out_of_it(files, tmp_path, capsys, command):
    extra = {"train": ("--set", "optimiser.epochs=1"), "maps": ("--id", "galaxy 0001"), "top": ("--number", "1")}
    bands = ("--band-map", "mean(u,g),r,r")
    try:
        status = call(files, command, "three bands", "four bands", tmp_path / "out", *bands, *extra.get(command, ()))
        assert status == 0, capsys.readouterr().err
        assert ("mean(u,g),r,r" in capsys.readouterr().err) or command in ("train", "rate", "batch")
    finally:
        (files / "three bands" / "bands.json").unlink(missing_ok=True)


@pytest.mark.parametrize("command", ["predict", "top", pytest.param("believe", marks=pytest.mark.slow)])
def test_raw_files_with_more_bands_are_one_sentence_and_chosen_bands_lead_out_of_it(files, tmp_path, capsys, command):
    cubes = tmp_path / "cubes"
    cubes.mkdir()
    for number in range(4):
        cube = np.random.default_rng(number).normal(0, 1, (4, 16, 16)).astype(np.float32)
        fits.writeto(cubes / f"g{number}.fits", cube, fits.Header({"BANDS": "ugri"}))
    words = {"RUN": str(files / "three bands"), "DATA": str(cubes)}
    line = [words.get(word, word.replace("OUT", str(tmp_path / "out"))) for word in COMMANDS[command]]
    assert main([*line, "--quiet"]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "trained on 3 bands (g, r, i), and these stamps have 4 (u, g, r, i)" in said
    assert not (tmp_path / "out").exists() or not any((tmp_path / "out").rglob("*"))
    (tmp_path / "out").mkdir(exist_ok=True)
    try:
        extra = ("--number", "1") if command == "top" else ()
        assert main([*line, "--band-map", "g,mean(r,i),i", *extra]) == 0, capsys.readouterr().err
        assert "fed g,mean(r,i),i" in capsys.readouterr().err
        assert any((tmp_path / "out").rglob("*.csv"))
    finally:
        (files / "three bands" / "bands.json").unlink(missing_ok=True)


@pytest.mark.parametrize(
    "study",
    [
        ("study", "training-size", "DATA", "-o", "OUT", "--sizes", "6,12", "--seeds", "1", "--least-steps", "0"),
        pytest.param(
            ("search", "DATA", "-o", "OUT", "--knob", "optimiser.learning_rate=1e-3:1e-1"), marks=pytest.mark.slow
        ),
    ],
    ids=lambda line: line[0],
)
def test_a_study_of_a_network_that_does_not_fit_is_one_sentence(files, tmp_path, capsys, study):
    words = {"DATA": str(files / "four bands.h5"), "OUT": str(tmp_path / "out")}
    start = ("--set", f"transfer.start_from={files / 'three bands'}", "--set", "optimiser.epochs=1", "--quiet")
    assert main([*(words.get(word, word) for word in study), *start]) == 1
    said = capsys.readouterr().err
    assert "defect" not in said and "was trained on 3 bands" in said.splitlines()[-1]


@pytest.mark.parametrize(("network", "data"), LABELS)
def test_labels_that_do_not_fit_are_one_sentence(files, tmp_path, capsys, network, data):
    assert call(files, "evaluate", network, data, tmp_path, "--quiet") == 1
    *notes, said = capsys.readouterr().err.splitlines()
    assert all(note.startswith("note: ") for note in notes) and "defect" not in said
    assert call(files, "train", network, data, tmp_path / "run", "--set", "optimiser.epochs=1") == 0
    told = capsys.readouterr()
    assert "has no score here" in told.out and "defect" not in told.err
