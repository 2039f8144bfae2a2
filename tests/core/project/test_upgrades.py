"""What earlier formats held is told in today's words; see ``test_golden.py`` for whole projects."""

import shutil
import tomllib
from pathlib import Path

import pytest

from core.errors import SettingsProblem, WrongVersion
from core.nets.predictor import Predictor
from core.project import upgrades
from core.project.runs import RunFolder
from core.settings.toml import dumps, load, loads
from core.train import schedule
from core.train.settings import OptimiserSettings, RunSettings

GOLDEN = Path(__file__).parents[2] / "golden"
NEXT = RunSettings.file_format + 1


@pytest.mark.parametrize(("old", "new"), [("true", "batch"), ("false", "none")])
def test_batch_normalisation_yes_or_no_became_a_choice(old, new):
    assert loads(RunSettings, f"[network]\nbatch_norm = {old}").network.normalise == new


@pytest.mark.parametrize("method", ["adam", "Adam"])
def test_adam_of_the_first_releases_was_adamw(method):
    old = loads(RunSettings, f"[optimiser]\nmethod = '{method}'\n[network]\nbatch_norm = true")
    assert old.optimiser.method == "adamw"
    assert loads(RunSettings, "[optimiser]\nmethod = 'sgd'\n[network]\nbatch_norm = true").optimiser.method == "sgd"


def test_adam_of_today_stays_adam():
    adam = RunSettings(optimiser=OptimiserSettings(method="adam"))
    assert loads(RunSettings, dumps(adam)) == adam
    assert loads(RunSettings, "[optimiser]\nmethod = 'adam'").optimiser.method == "adam"


def test_a_file_that_tells_its_format_is_taken_at_its_word():
    old = "# Tuning Fork settings, format 1\n\n[optimiser]\nmethod = 'adam'"
    assert loads(RunSettings, old).optimiser.method == "adamw"
    with pytest.raises(SettingsProblem, match="batch_norm"):
        loads(RunSettings, old.replace("format 1", "format 2") + "\n[network]\nbatch_norm = true")


def test_settings_that_an_old_file_leaves_out_keep_their_old_default():
    old = loads(RunSettings, "# Tuning Fork settings, format 2\n\n[optimiser]\nepochs = 7")
    assert old.optimiser.class_weights
    assert not old.optimiser.survey_probabilities
    assert not loads(RunSettings, "[optimiser]\nepochs = 7").optimiser.class_weights
    assert (old.optimiser.decay, old.optimiser.weight_decay, old.optimiser.batch_size) == ("cosine", 1e-4, 64)
    assert (old.augmentation.zoom_min, old.augmentation.zoom_max, old.augmentation.width_shift) == (0.9, 1.1, 0.05)
    assert schedule.largest_rate(old) == 1e-3
    told = loads(RunSettings, "# Tuning Fork settings, format 2\n\n[optimiser]\nclass_weights = false")
    assert not told.optimiser.class_weights


@pytest.mark.parametrize("version", [1, 2, 3])
def test_before_format_4_galaxies_came_once_in_an_epoch_and_answers_were_no_averages(version):
    old = loads(RunSettings, f"# Tuning Fork settings, format {version}\n\n[optimiser]\nepochs = 7")
    assert (old.optimiser.repeats, old.augmentation.average_answers) == (1, False)
    new = loads(RunSettings, "[optimiser]\nepochs = 7")
    assert (new.optimiser.repeats, new.augmentation.average_answers) == (None, True)


@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_position_angles_of_an_old_file_stay_plain_numbers(version):
    old = loads(RunSettings, f"# Tuning Fork settings, format {version}\n\n[data]\nlabels = ['position_angle']")
    assert (old.data.angles, old.data.labels) == ("none", ("position_angle",))
    assert loads(RunSettings, "[data]\nlabels = ['position_angle']").data.angles == "auto"


@pytest.mark.parametrize("version", [1, 4, 5])
def test_sizes_of_an_old_file_stay_plain_numbers(version):
    old = loads(RunSettings, f"# Tuning Fork settings, format {version}\n\n[data]\nlabels = ['radius']")
    assert (old.data.logarithms, old.data.labels) == ("none", ("radius",))
    assert old.data.angles == ("auto" if version == 5 else "none")
    assert loads(RunSettings, "[data]\nlabels = ['radius']").data.logarithms == "auto"


@pytest.mark.parametrize("version", [1, 5, 6])
def test_what_an_old_file_fine_tunes_is_tuned_alike_from_the_first_epoch(version):
    text = f"# Tuning Fork settings, format {version}\n\n[transfer]\nstart_from = 'run'\nfreeze_blocks = 2"
    old = loads(RunSettings, text).transfer
    assert (old.start_from, old.freeze_blocks, old.cached_views) == ("run", 2, 0)
    assert (old.block_rate, old.unfreeze_every, old.batch_statistics, old.pull_to_start) == (1.0, 0, "adapted", 0.0)


def test_a_network_of_an_earlier_format_answers_for_the_galaxy_as_it_stands():
    for run in (GOLDEN / "first-light" / "runs", GOLDEN / "decision" / "runs"):
        assert Predictor.load(next(run.glob("*[dt]"))).views == ((False, 0),)


def test_one_cycle_of_an_old_file_keeps_its_largest_rate():
    start = "# Tuning Fork settings, format 2\n\n[optimiser]\ndecay = 'one-cycle'"
    assert schedule.largest_rate(loads(RunSettings, start)) == 1e-3
    assert schedule.largest_rate(loads(RunSettings, f"{start}\n[transfer]\nstart_from = 'run'")) == pytest.approx(1e-4)
    assert schedule.largest_rate(loads(RunSettings, f"{start}\nmethod = 'sgd'")) == 0.02
    assert schedule.largest_rate(loads(RunSettings, f"{start}\nlearning_rate = 0.3")) == 0.3


def test_settings_of_a_newer_format_are_refused_in_words(tmp_path):
    file = tmp_path / "settings.toml"
    file.write_text(dumps(RunSettings()).replace(f"format {NEXT - 1}", f"format {NEXT}"))
    with pytest.raises(WrongVersion, match="newer Tuning Fork") as told:
        load(RunSettings, file)
    assert told.value.where == str(file)


def test_what_is_no_table_is_told_as_a_mistake_in_the_settings():
    for text in ("network = 3", "optimiser = 'adam'\n[network]\nbatch_norm = true"):
        with pytest.raises(SettingsProblem, match="does not fit"):
            loads(RunSettings, text)


def test_upgrading_leaves_what_was_read_as_it_is():
    old = {"network": {"batch_norm": False}, "optimiser": {"method": "adam"}}
    upgraded = upgrades.upgrade_settings(old, 1)
    assert (upgraded["network"], upgraded["optimiser"]["method"]) == ({"normalise": "none"}, "adamw")
    assert old == {"network": {"batch_norm": False}, "optimiser": {"method": "adam"}}


def test_an_old_network_that_is_saved_anew_is_of_todays_format(tmp_path):
    run = next((GOLDEN / "first-light" / "runs").glob("* widths"))
    old = Predictor.load(run)
    old.save(tmp_path / "best.safetensors")
    again = Predictor.load(tmp_path)
    assert (again.target, again.network.settings) == (old.target, old.network.settings)
    assert f'\\"format\\": {upgrades.PREDICTOR}'.encode() in (tmp_path / "best.safetensors").read_bytes()


@pytest.fixture
def old_run(tmp_path: Path) -> RunFolder:
    """A run that has noted the name of its dataset only, in a project."""
    shutil.copytree(GOLDEN / "first-light", tmp_path / "project")
    return RunFolder(next((tmp_path / "project" / "runs").glob("* first")))


def test_an_old_run_finds_the_dataset_of_the_name_that_it_noted(old_run):
    assert old_run.data == (old_run.path.parent.parent / "datasets" / "survey.h5").resolve()


def test_an_old_run_without_its_dataset_says_that_it_is_not_known(old_run):
    (old_run.path.parent.parent / "datasets" / "survey.h5").rename(old_run.path.parent.parent / "datasets" / "other.h5")
    assert old_run.data is None
    old_run.metrics_file.write_text("{}")
    assert old_run.data is None
    old_run.metrics_file.unlink()
    assert old_run.data is None


def test_a_run_that_noted_another_place_does_not_take_a_dataset_of_the_same_name(old_run):
    old_run.data_file.write_text("../../elsewhere/survey.h5\n")
    assert old_run.data is None


def test_a_whole_file_without_a_number_is_of_the_format_whose_settings_it_has():
    whole = dumps(RunSettings()).splitlines()
    lines = [line for line in whole if not line.startswith("#")]
    assert toml_format(lines) == RunSettings.file_format
    old = [line for line in lines if not line.startswith(("survey_probabilities", "averaging"))]
    assert toml_format([*old, "[x]"]) == RunSettings.file_format, "no batch size was written: not a whole file"
    place = old.index("[optimiser]")
    assert toml_format([*old[: place + 1], "batch_size = 64", *old[place + 1 :]]) == 2


def toml_format(lines):
    return RunSettings.format_of(tomllib.loads("\n".join(lines)))
