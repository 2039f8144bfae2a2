"""The commands, as a script calls them: what they print, write and return."""

from __future__ import annotations

import csv
import json
import math
import shutil
import tomllib

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from PIL import Image

from core.cli import study_settings, training_settings
from core.cli.main import main, parser
from core.data.cutouts import Cutouts
from core.project.runs import RunFolder
from core.settings import toml
from core.train.settings import RunSettings

QUICK = ["--set", "network.depth=2", "--set", "network.channels=6", "--set", "optimiser.epochs=2"]
QUICK += ["--set", "optimiser.repeats=1"]


def run(*arguments):
    return main([str(argument) for argument in arguments])


def test_an_import_counts_what_became_of_every_file_and_row(own_survey, tmp_path, capsys):
    (own_survey.folder / "page.fits").write_text("<html>Not found</html>")
    (own_survey.folder / "empty.fits").touch()
    own_survey.folder.joinpath(f"{own_survey.ids[0]}.fits").unlink()
    lines = own_survey.catalogue.read_text().splitlines()
    own_survey.catalogue.write_text("\n".join(line for line in lines if own_survey.ids[1] not in line))
    data, report = tmp_path / "data.h5", tmp_path / "report.csv"
    status = run(
        *("import", own_survey.folder, "-o", data, "--catalogue", own_survey.catalogue),
        *("--id", "objid", "--label", "shape", "--report", report),
    )
    said = capsys.readouterr()
    assert status == 0
    assert "89 imported, 2 unusable, 1 without label, 1 without image." in said.out
    assert "page.fits" in said.err
    with report.open() as file:
        rows = list(csv.DictReader(file))
    assert {"page.fits", "empty.fits"} <= {row["file"] for row in rows}
    assert all(row["reason"] for row in rows)
    assert all(row["remedy"] for row in rows if row["file"]), "only a note on the whole import asks for nothing"
    with Cutouts.open(data) as cutouts:
        assert cutouts.ids[0] == own_survey.ids[1], "18 digits survive"
        assert cutouts.labels == ("shape",)


def test_an_import_of_nothing_usable_fails_and_its_report_tells_why(tmp_path, capsys):
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "page.fits").write_text("<html>")
    report = tmp_path / "report.csv"
    assert run("import", tmp_path / "bad", "-o", tmp_path / "data.h5", "--report", report) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("tuningfork: ")
    assert "page.fits" in report.read_text()
    assert not (tmp_path / "data.h5").exists()


def test_a_training_leaves_a_run_that_can_be_read(survey_dataset, tmp_path, capsys):
    folder = RunFolder(tmp_path / "run")
    assert run("train", survey_dataset, "-o", folder.path, "--seed", 7, *QUICK) == 0
    said = capsys.readouterr()
    assert "2 epochs (all epochs done)" in said.out
    assert said.err.count("epoch ") == 2
    settings = toml.load(RunSettings, folder.settings_file)
    assert (settings.seed, settings.network.depth, settings.optimiser.epochs) == (7, 2, 2)
    header, *rows = folder.history_file.read_text().splitlines()
    assert header == "epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds"
    assert len(rows) == 2
    assert json.loads(folder.metrics_file.read_text())["validation"]["accuracy"] >= 0
    assert folder.best.exists()


def test_settings_come_from_the_file_then_the_changes_then_the_options(survey_dataset, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text("seed = 3\n[optimiser]\nepochs = 1\nbatch_size = 16\n[network]\ndepth = 1\nchannels = 4\n")
    changes = ("--set", "optimiser.batch_size=8", "--set", "seed=4", "--seed", 5)
    assert run("train", survey_dataset, "-o", tmp_path / "run", "--settings", file, *changes, "--quiet") == 0
    settings = toml.load(RunSettings, tmp_path / "run" / "settings.toml")
    assert (settings.seed, settings.optimiser.batch_size, settings.network.channels) == (5, 8, 4)


def test_a_number_is_learned_where_its_column_is_named(survey_dataset, tmp_path, capsys):
    assert run("train", survey_dataset, "-o", tmp_path / "run", "--label", "width", *QUICK) == 0
    assert (tmp_path / "run" / "history.csv").read_text().startswith("epoch,loss,r2,val_loss,val_r2,")
    assert run("evaluate", tmp_path / "run") == 0
    assert "width" in capsys.readouterr().out
    assert run("predict", tmp_path / "run", survey_dataset, "-o", tmp_path / "widths.csv") == 0
    assert (tmp_path / "widths.csv").read_text().splitlines()[0] == "id,width,unlikeness,more_unlike_than,flags,problem"


def test_a_number_with_an_error_bar_gets_a_second_column_and_a_coverage(survey_dataset, tmp_path, capsys):
    gaussian = ("--set", "loss.quantities=gaussian")
    assert run("train", survey_dataset, "-o", tmp_path / "run", "--label", "width", *QUICK, *gaussian) == 0
    assert run("predict", tmp_path / "run", survey_dataset, "-o", tmp_path / "widths.fits") == 0
    table = Table.read(tmp_path / "widths.fits")
    assert table.colnames == ["id", "width", "width_error", "unlikeness", "more_unlike_than", "flags", "problem"]
    assert (table["width_error"] > 0).all()
    assert table["width_error"].unit == table["width"].unit
    capsys.readouterr()
    assert run("evaluate", tmp_path / "run", survey_dataset) == 0
    said = capsys.readouterr().out
    assert "within its error bar (68 %)" in said and "error bars" in said.splitlines()[-1]
    assert run("evaluate", tmp_path / "run", survey_dataset, "--json", "--quiet") == 0
    told = json.loads(capsys.readouterr().out)["error_bars"]
    assert told["quantities"]["width"]["galaxies"] > 0 and told["sentence"] in said


@pytest.mark.slow
def test_a_learning_rate_is_suggested_with_a_figure(survey_dataset, tmp_path, capsys):
    figure = tmp_path / "rates.png"
    quick = ("--set", "network.depth=2", "--set", "network.channels=8", "--set", "optimiser.batch_size=32")
    assert run("rate", survey_dataset, "-o", figure, *quick) == 0
    said = capsys.readouterr().out
    assert "--set optimiser.learning_rate=" in said
    assert figure.read_bytes().startswith(b"\x89PNG")
    assert run("rate", survey_dataset, "--json", "--quiet", *quick) == 0
    found = json.loads(capsys.readouterr().out)
    assert f"learning_rate={found['suggestion']:.1e}" in said
    assert 1e-5 < found["suggestion"] < 1
    assert sorted(tmp_path.iterdir()) == [figure]


def test_a_batch_size_is_suggested_with_a_figure(survey_dataset, tmp_path, capsys):
    figure = tmp_path / "sizes.png"
    quick = ("--set", "network.depth=1", "--set", "network.channels=4")
    assert run("batch", survey_dataset, "-o", figure, *quick) == 0
    said = capsys.readouterr().out
    assert "8 galaxies per step:" in said and "To use it: --set optimiser.batch_size=" in said
    assert figure.read_bytes().startswith(b"\x89PNG")
    assert run("batch", survey_dataset, "--json", "--quiet", *quick) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["suggestion"] in [each["size"] for each in found["tried"]]
    assert found["settings"]["optimiser.batch_size"] == found["suggestion"]
    assert all(each["galaxies_per_second"] > 0 and each["memory"] > 0 for each in found["tried"])


def test_a_training_ends_with_its_verdict(survey_dataset, tmp_path, capsys):
    assert run("train", survey_dataset, "-o", tmp_path / "run", *QUICK) == 0
    assert "verdict: No verdict on the convergence: the run ended after" in capsys.readouterr().out
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["verdict"]["kind"] == "too early"
    assert "No verdict on the convergence" in (tmp_path / "run" / "card.md").read_text()


def test_fine_tuning_starts_from_a_run_and_keeps_its_first_blocks(survey_dataset, survey_run, tmp_path, capsys):
    from core.nets.predictor import Predictor

    folder = tmp_path / "tuned"
    options = ("--start-from", survey_run, "--freeze-blocks", 1, "--set", "optimiser.epochs=1")
    assert run("train", survey_dataset, "-o", folder, *options) == 0
    assert "Before fine-tuning, the unadapted network: accuracy " in capsys.readouterr().out
    before, after = Predictor.load(survey_run).network, Predictor.load(folder).network
    blocks = [name for name in before.state_dict() if before.block_of(name) == 1]
    assert blocks
    for name in blocks:
        assert before.state_dict()[name].numpy().tobytes() == after.state_dict()[name].numpy().tobytes()


def test_a_broken_off_run_goes_on(survey_dataset, tmp_path, capsys):
    assert run("train", survey_dataset, "-o", tmp_path / "run", *QUICK, "--json") == 0
    assert json.loads(capsys.readouterr().out)["epochs"] == 2
    assert run("resume", tmp_path / "run") == 0
    assert len((tmp_path / "run" / "history.csv").read_text().splitlines()) == 3


def test_a_run_is_judged_on_the_part_that_was_asked_for(survey_run, survey_dataset, tmp_path, capsys):
    judged = shutil.copytree(survey_run, tmp_path / "run")  # numbers are written into it
    assert run("evaluate", judged, survey_dataset, "--split", "validation", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["part"] == "validation"
    assert found["galaxies"] == np.sum(found["confusion"])
    assert found["accuracy"] == pytest.approx(np.trace(found["confusion"]) / found["galaxies"])
    assert run("evaluate", judged, survey_dataset) == 0
    shown = capsys.readouterr().out
    assert "test part" in shown
    assert "spheroid" in shown
    assert "purity" in shown
    assert "probabilities: log loss" in shown and "calibration error" in shown
    galaxies = shown.splitlines()[0].split("test part, ")[1].split()[0]
    reliability = shown.split("probability of the likeliest class")[1].splitlines()[1:]
    assert sum(int(line.split()[-1]) for line in reliability) == int(galaxies), "each galaxy in one bin"


def test_a_run_finds_its_own_dataset_when_both_have_moved(survey_dataset, tmp_path, capsys):
    (tmp_path / "a" / "sets").mkdir(parents=True)
    shutil.copy(survey_dataset, tmp_path / "a" / "sets" / "mine.h5")
    assert run("train", tmp_path / "a" / "sets" / "mine.h5", "-o", tmp_path / "a" / "runs" / "run", *QUICK) == 0
    shutil.move(tmp_path / "a", tmp_path / "b")
    assert run("evaluate", tmp_path / "b" / "runs" / "run") == 0
    assert "mine.h5, test part" in capsys.readouterr().out


@pytest.mark.parametrize("ending", ["csv", "fits", "xml", "parquet", "h5"])
def test_predictions_are_tables_that_astronomers_read(ending, survey_run, survey_dataset, survey, tmp_path):
    path = tmp_path / f"table.{ending}"
    assert run("predict", survey_run, survey_dataset, "-o", path) == 0
    if ending == "csv":
        table = Table.read(path, format="ascii.csv", converters={"id": [str]})
    elif ending == "parquet":
        from pyarrow import parquet

        table = Table(parquet.read_table(path).to_pydict())
    else:
        table = Table.read(path)
    probabilities = ["p_disk", "p_edge-on", "p_spheroid"]
    more = ["entropy", "unlikeness", "more_unlike_than", "problem"]
    assert table.colnames == ["id", "predicted", *probabilities, *more]
    ids = [name.decode() if isinstance(name, bytes) else str(name) for name in table["id"]]
    assert sorted(ids) == sorted(survey.ids)
    total = np.sum([np.asarray(table[name], float) for name in probabilities], axis=0)
    np.testing.assert_allclose(total, 1, atol=1e-5)


def test_raw_files_are_predicted_as_their_dataset_is(survey_run, survey_dataset, survey, tmp_path, capsys):
    assert run("predict", survey_run, survey_dataset, "-o", tmp_path / "a.csv", "--no-unlikeness") == 0
    assert run("predict", survey_run, survey.folder, "-o", tmp_path / "b.csv", "--no-unlikeness") == 0
    assert sorted((tmp_path / "a.csv").read_text().splitlines()) == sorted(
        (tmp_path / "b.csv").read_text().splitlines()
    )
    assert "90 galaxies" in capsys.readouterr().out


def test_raw_files_that_cannot_be_predicted_are_named(survey_run, survey, tmp_path, capsys):
    (tmp_path / "page.fits").write_text("<html>404</html>")
    raw = survey.folder / f"{survey.ids[0]}.fits"
    assert run("predict", survey_run, raw, tmp_path / "page.fits", "-o", tmp_path / "a.csv", "--quiet") == 0
    assert "page.fits" in capsys.readouterr().err
    _, galaxy, page = (tmp_path / "a.csv").read_text().splitlines()
    assert galaxy.startswith(survey.ids[0]) and page.startswith("page.fits,,") and "web page" in page


def test_what_is_chosen_otherwise_than_in_training_is_said(survey_run, survey, tmp_path, capsys):
    raw = survey.folder / f"{survey.ids[0]}.fits"
    options = ("--stamps", "field=20", "--stamps", "fill=zero", "-o", tmp_path / "a.csv")
    assert run("predict", survey_run, raw, *options) == 0
    said = capsys.readouterr().err
    assert "Stamps are made as in training: central 24 px" in said
    assert "What you chose otherwise: field = 20.0, fill = zero." in said
    assert "These stamps were made otherwise (central 20 px, resampled to 24 px" in said
    assert "unless galaxies are as large on these stamps as on those, which Adapt tells" in said
    assert run("predict", survey_run, raw, "--stamps", "feild=20", "-o", tmp_path / "a.csv") == 1
    assert "Did you mean “field”?" in capsys.readouterr().err


@pytest.mark.parametrize(
    "method", ["occlusion", "integrated-gradients", pytest.param("deconvnet", marks=pytest.mark.slow)]
)
def test_each_galaxy_gets_a_map_on_the_sky_and_a_picture(method, survey_run, survey_dataset, survey, tmp_path):
    folder, ids = tmp_path / "maps", survey.ids[3:5]
    assert run("explain", survey_run, survey_dataset, "--id", *ids, "--method", method, "-o", folder) == 0
    with (folder / f"{method}.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == list(ids)
    for row in rows:
        with fits.open(folder / row["fits"]) as file:
            assert file[0].data.shape == (24, 24)
            assert file[0].header["CTYPE1"] == "RA---TAN"
            if method == "integrated-gradients":
                total = float(file[0].data.sum())
                assert math.isclose(
                    total, float(row["score"]) - float(row["baseline_score"]), rel_tol=0.05, abs_tol=0.01
                )
        assert (folder / row["png"]).read_bytes().startswith(b"\x89PNG")


def test_a_film_of_the_moving_square_is_written_on_demand(survey_run, survey_dataset, survey, tmp_path, capsys):
    asked = ("explain", survey_run, survey_dataset, "--id", survey.ids[3], "-o", tmp_path, "--film", "--method")
    assert run(*asked, "occlusion") == 0
    (path,) = tmp_path.glob("*.gif")
    assert path.with_suffix(".fits").exists()
    with Image.open(path) as film:
        assert film.n_frames == 81  # a square of 8 pixels in steps of 2 over 24
    assert run(*asked, "deconvnet") != 0
    assert "no film of “deconvnet”" in capsys.readouterr().err


def test_the_class_and_the_patch_can_be_chosen_for_raw_files_too(survey_run, survey, tmp_path):
    options = ("--output-name", "disk", "--set", "patch=6", "--id", survey.ids[0])
    assert run("explain", survey_run, survey.folder, *options, "--method", "occlusion", "-o", tmp_path) == 0
    (path,) = tmp_path.glob("*.fits")
    assert fits.getheader(path)["TARGET"] == "disk"
    assert fits.getheader(path)["PATCH"] == 6


def test_the_printed_settings_are_a_file_that_is_read_again(capsys, tmp_path):
    assert run("settings") == 0
    text = capsys.readouterr().out
    assert toml.loads(RunSettings, text) == RunSettings()
    for name in ("learning_rate", "patch", "seeing", "max_missing", "tolerance"):
        assert name in text
    words = " ".join(text.replace("#", " ").split())
    assert "one of adamw, adam, sgd" in words
    assert "only with decay = step or plateau" in words
    assert run("settings", "import") == 0
    assert "max_missing" in tomllib.loads(capsys.readouterr().out)


def test_one_section_of_the_settings_is_printed_as_a_file(capsys):
    assert run("settings", "network") == 0
    text = capsys.readouterr().out
    assert list(tomllib.loads(text)) == ["network"]
    assert toml.loads(RunSettings, text) == RunSettings()
    assert run("settings", "nets") == 1
    assert "sections data, augmentation, network" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train", "missing.h5", "-o", "run"], "missing.h5"),
        (["train", "DATA", "-o", "run", "--set", "optimiser.lerning_rate=1"], "Did you mean “learning_rate”?"),
        (["train", "DATA", "-o", "run", "--set", "epochs=3"], "Did you mean “optimiser.epochs”?"),
        (["train", "DATA", "-o", "run", "--set", "size=64"], "Known names: data,"),
        (["search", "DATA", "-o", "run", "--set", "network.depth=3"], "“network.depth” is searched"),
        (["train", "DATA", "-o", "run", "--set", "optimiser.epochs=0"], "greater than or equal to 1"),
        (["train", "DATA", "-o", "run", "--set", "optimiser.epochs"], "name=value"),
        (["train", "DATA", "-o", "run", "--freeze-blocks", "1"], "--start-from"),
        (["train", "DATA", "-o", "run", "--label", "colour"], "There is no column “colour”"),
        (["train", "DATA", "-o", "RUN"], "holds a run already"),
        (["evaluate", "missing"], "missing"),
        (["predict", "RUN", "DATA", "-o", "table.doc"], ".parquet"),
        (["explain", "RUN", "DATA", "--method", "occlusion", "-o", "x", "--id", "7"], "There is no galaxy “7”"),
        (["explain", "RUN", "DATA", "--method", "occlusion", "-o", "x", "--output-name", "ring"], "“ring”"),
    ],
)
def test_a_mistake_is_one_line_on_stderr(
    arguments, sentence, survey_dataset, survey_run, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    named = {"DATA": str(survey_dataset), "RUN": str(survey_run)}
    assert main([named.get(argument, argument) for argument in arguments]) == 1
    said = capsys.readouterr()
    assert sentence in said.err
    assert said.err.count("\n") == 1
    assert said.err.startswith("tuningfork: ")
    assert said.out == ""
    assert not (tmp_path / "run").exists(), "no empty folder is left"


@pytest.mark.parametrize("arguments", [["train"], ["fly"], ["explain", "a", "b", "-o", "c", "--method", "guess"], []])
def test_wrong_usage_ends_with_status_2(arguments, capsys):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert "usage: tuningfork" in capsys.readouterr().err


def test_debug_may_stand_before_or_after_the_command(tmp_path, capsys):
    for arguments in (["--debug", "evaluate", "missing"], ["evaluate", "missing", "--debug"]):
        assert main(arguments) == 1
        assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command",
    [["rate", "d.h5"], ["batch", "d.h5"], ["search", "d.h5", "-o", "s"], ["study", "training-size", "d.h5", "-o", "s"]],
)
def test_the_column_of_given_parts_can_be_named_wherever_networks_are_trained(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = parser().parse_args([*command, "--split-column", "fold"])
    is_training = command[0] in ("rate", "batch")
    read = training_settings.resolve_training_settings if is_training else study_settings.resolve_run_settings
    assert read(options).data.split_column == "fold"
