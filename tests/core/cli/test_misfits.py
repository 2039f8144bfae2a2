"""Every command with a network and a dataset that do not fit: one sentence, and nothing is written."""

from pathlib import Path

import pytest
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


@pytest.mark.parametrize("command", COMMANDS)
def test_chosen_bands_lead_out_of_it(files, tmp_path, capsys, command):
    extra = {"train": ("--set", "optimiser.epochs=1"), "maps": ("--id", "galaxy 0001"), "top": ("--number", "1")}
    bands = ("--band-map", "mean(u,g),r,r")
    try:
        status = call(files, command, "three bands", "four bands", tmp_path / "out", *bands, *extra.get(command, ()))
        assert status == 0, capsys.readouterr().err
        assert ("mean(u,g),r,r" in capsys.readouterr().err) or command in ("train", "rate")
    finally:
        (files / "three bands" / "bands.json").unlink(missing_ok=True)


@pytest.mark.parametrize(("network", "data"), LABELS)
def test_labels_that_do_not_fit_are_one_sentence(files, tmp_path, capsys, network, data):
    assert call(files, "evaluate", network, data, tmp_path, "--quiet") == 1
    *notes, said = capsys.readouterr().err.splitlines()
    assert all(note.startswith("note: ") for note in notes) and "defect" not in said
    assert call(files, "train", network, data, tmp_path / "run", "--set", "optimiser.epochs=1") == 0
    told = capsys.readouterr()
    assert "has no score here" in told.out and "defect" not in told.err
