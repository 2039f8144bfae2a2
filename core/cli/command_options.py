"""The options of the commands that have none of their own beside what they do."""

from __future__ import annotations

import argparse
from pathlib import Path

from core.cli import study_jobs
from core.cli.shared_options import (
    add_band_option,
    add_class_option,
    add_decision_option,
    add_force_option,
    add_reading_options,
    add_settings_options,
    add_split_option,
)
from core.cli.training_settings import add_training_options
from core.explain.methods import DREAMS, METHODS
from core.project import outputs

IMPORT = ("import", "commands:import_files", "Make a dataset of image files and a catalogue.")
TRAIN = ("train", "commands:train", "Train a network on a dataset, or fine-tune an earlier one.")
RESUME = ("resume", "commands:resume", "Resume a training that was interrupted, or train for more epochs.")
RUNS = ("runs", "runs:runs", "List the runs in a folder with their results.")
BATCH = ("batch", "commands:batch", "Suggest a batch size, by training steps with growing batches.")
RATE = ("rate", "commands:rate", "Suggest a learning rate, by a short training with growing rates.")
EVALUATE = ("evaluate", "evaluate:evaluate", "Evaluate a run's network on labelled galaxies.")
PREDICT = ("predict", "evaluate:predict", "Write a network's predictions as a table.")
MEASURE = ("measure", "measure:measure", "Measure galaxies: quantities with error bars and flags, as a table.")
EXPLAIN = ("explain", "explain:explain", "Show which pixels support a prediction: attribution maps and pictures.")
TOP = ("top", "top:top", "Show the nine galaxies that excite each filter of a layer most.")
BELIEVE = ("believe", "believe:believe", "Say whether the decisions rest on the galaxies or on their surroundings.")
SEARCH = ("search", "study:search", "Search for good settings, first coarsely and then finely.")
SIMULATE = ("simulate", "simulate:simulate", "Simulate galaxies whose true parameters are known, as a dataset.")
DEMO = ("demo", "demo:demo", "Simulate a survey, train, explain and fine-tune a network, without a window.")
SETTINGS = ("settings", "setting_options:print_settings", "Print every setting with default, range, unit and meaning.")
_SETTINGS = (
    "train",
    "pretrain",
    "import",
    "simulate",
    "refine",
    "fit",
    "demo",
    "search",
    "training-size",
    "transfer-study",
    "transfer-matrix",
    "suggest",
    "suggestions",
    "believe",
    *METHODS,
    *DREAMS,
)


def add_import_options(command: argparse.ArgumentParser) -> None:
    """Add the options of ``tuningfork import``."""
    add = command.add_argument
    add("sources", nargs="+", type=Path, metavar="SOURCE", help="a file or a folder, searched with its sub-folders")
    add("-o", "--output", required=True, type=Path, metavar="DATA.h5", help="the dataset to write")
    add("--catalogue", type=Path, metavar="FILE", help="table with labels: CSV, FITS, VOTable, Parquet, ECSV")
    add("--id", metavar="COLUMN", help="catalogue column with the file name or id; else it is recognised")
    add("--table", metavar="NAME", help="name or number of the table in a catalogue with several")
    add("--label", metavar="COLUMN", action="append", help="catalogue column with labels; may be repeated")
    add("--labels-from-folders", action="store_true", help="the name of a file's folder is its class")
    add("--split-column", metavar="COLUMN", help="catalogue column with train, validation, test; none: draw them")
    add("--size", type=int, metavar="N", help="side of every stamp in pixels; else the most frequent one")
    add(
        "--hdu",
        metavar="NAME",
        help="FITS extension; “A,B,C”: bands, “*”: one galaxy of each, planes: one of each plane",
    )
    add("--bands", metavar="PATTERN", help="plane names “i,r,g”, or “*_{band}.fits” for one file per band")
    add("--report", type=Path, metavar="REPORT.csv", help="write a line for each unusable file or row")
    add_settings_options(command, "max_missing=0.2")
    add_force_option(command, output=outputs.DATASET, report=outputs.TEXT_TABLE)


def add_train_options(command: argparse.ArgumentParser) -> None:
    """Add the options of ``tuningfork train``."""
    add = command.add_argument
    add("data", type=Path, metavar="DATA.h5", help="the dataset")
    add("-o", "--output", required=True, type=Path, metavar="RUN", help="folder for the run; new or empty")
    add_training_options(command, "optimiser.learning_rate=1e-3")
    add("--seeds", type=int, default=1, metavar="N", help="train N networks that answer together, as an ensemble")
    add(
        "--draw-again",
        action="store_true",
        help="draw the parts anew that the project keeps; spoils earlier test parts",
    )
    add("--json", action="store_true", help="print the result as JSON")
    command.set_defaults(writes={"output": outputs.FOLDER})


def add_resume_options(command: argparse.ArgumentParser) -> None:
    """Add the options of ``tuningfork resume``."""
    add = command.add_argument
    add("run", type=Path, metavar="RUN", help="folder of the run")
    add("data", type=Path, nargs="?", metavar="DATA.h5", help="the dataset, if it was moved")
    add("--epochs", type=int, metavar="N", help="total number of epochs; else as it was started with")
    add(
        "--patience",
        type=int,
        metavar="N",
        help="new patience of a run that stopped early, in epochs; 0: never stop early",
    )
    add("--json", action="store_true", help="print the result as JSON")


def add_runs_options(command: argparse.ArgumentParser) -> None:
    """Add the options of ``tuningfork runs``."""
    add = command.add_argument
    sorts = ("began", "name", "score", "loss", "epochs")
    add("folder", type=Path, metavar="FOLDER", help="searched with its sub-folders; that of a project, for example")
    add("--sort", choices=sorts, default="began", help="the best or the earliest first; %(default)s")
    add("--filter", default="", metavar="WORDS", help="only runs with these in their name, tags, notes or state")
    add("--json", action="store_true", help="print the table as JSON")


def add_rate_options(command: argparse.ArgumentParser) -> None:
    """Add the options of ``tuningfork rate``."""
    _add_finder_options(command, "draw the loss against the learning rate", "optimiser.method=sgd")


def add_batch_options(command: argparse.ArgumentParser) -> None:
    """Add the options of ``tuningfork batch``."""
    _add_finder_options(command, "draw speed and memory against the batch size", "network.channels=64")


def _add_finder_options(command: argparse.ArgumentParser, figure: str, example: str) -> None:
    """Add the options of a command that suggests a setting of the training that the others describe."""
    add = command.add_argument
    add("data", type=Path, metavar="DATA.h5", help="the dataset")
    add("-o", "--output", type=Path, metavar="FIGURE.png", help=figure)
    add_training_options(command, example)
    add("--json", action="store_true", help="print the curve and the result as JSON")
    add_force_option(command, output=outputs.PNG)


def add_evaluate_options(command: argparse.ArgumentParser) -> None:
    """Add the options of ``tuningfork evaluate``."""
    add = command.add_argument
    add("run", type=Path, metavar="RUN", help="folder of a run, or a weights file")
    add("data", type=Path, nargs="?", metavar="DATA.h5", help="dataset; else the one that the run was trained on")
    split = (
        "part of the run's own dataset, else test, with --calibrate validation; or of another dataset as that declares "
        "it, else all of it"
    )
    add("--split", choices=("test", "validation", "all"), help=split)
    add_decision_option(command)
    add("--keep", action="store_true", help="keep this decision with the run, for all its predictions from now on")
    add("--by", metavar="COLUMN", help="the figures of merit in bins of this column, too")
    add("--bins", type=int, default=6, metavar="N", help="how many bins at most, of equally many galaxies; else 6")
    add("--split-by", metavar="COLUMN", help="with --by: each class of this column by itself; environment: found here")
    add("--fits", type=Path, metavar="TABLE", help="with --by, of quantities: beside it what “tuningfork fit” found")
    add("--metric", action="append", metavar="NAME", help="with --by, of classes: which figure, such as purity:spiral")
    add("--top", metavar="K,…", help="of classes: AUC, and how pure the first K galaxies of each are, such as 100,1000")
    add("--frequency", type=float, metavar="F", help="with --top: the purity where a class has this share of a survey")
    add("--against", type=Path, metavar="RUN", help="compare with this run on the galaxies of both: paired tests")
    add("--mistakes", type=Path, metavar="TABLE", help="write surest mistakes; of quantities the largest deviations")
    add("--label-errors", type=Path, metavar="TABLE", help="write the labels that are probably wrong")
    shuffled = "how much worse the answers are when each catalogue column beside the image is shuffled"
    add("--side-importance", action="store_true", help=shuffled)
    add("--figures", type=Path, metavar="FOLDER", help="of classes: save all charts here, and their numbers as tables")
    add("--format", choices=("png", "svg", "pdf"), default="png", help="of the figures; %(default)s")
    scaling = command.add_mutually_exclusive_group()
    scaling.add_argument(
        "--calibrate",
        action="store_true",
        help="fit and keep the probabilities' temperature, on the validation part",
    )
    scaling.add_argument("--uncalibrate", action="store_true", help="remove that temperature again")
    add("--json", action="store_true", help="print the metrics as JSON")
    add_band_option(command)
    add_class_option(command)
    add_force_option(command, mistakes=outputs.TABLE, label_errors=outputs.TABLE, figures=outputs.FOLDER)


def add_predict_options(command: argparse.ArgumentParser) -> None:
    """Add the options of ``tuningfork predict``."""
    add = command.add_argument
    add("run", type=Path, metavar="RUN", help="folder of a run, or a weights file")
    add("source", type=Path, nargs="+", metavar="SOURCE", help="a dataset, or image files and folders")
    add("-o", "--output", required=True, type=Path, metavar="TABLE", help="ends in .csv, .fits, .xml, .parquet or .h5")
    add_decision_option(command)
    add("--no-unlikeness", action="store_true", help="do not tell how unlike the training galaxies each one is")
    add("--workers", type=int, metavar="N", help="processes that read raw files; 0: none; else by the machine")
    add_reading_options(command)
    add_band_option(command)
    add_force_option(command, output=outputs.TABLE)


def add_measure_options(command: argparse.ArgumentParser) -> None:
    """Add the options of ``tuningfork measure``."""
    add = command.add_argument
    add("run", type=Path, nargs="+", metavar="RUN", help="folder of a run, or a weights file; several answer together")
    add("source", type=Path, nargs=1, metavar="SOURCE", help="a dataset, or image files and folders")
    add("-o", "--output", required=True, type=Path, metavar="TABLE", help="ends in .csv, .fits, .xml, .parquet or .h5")
    add("--zero-point", metavar="Z", help="magnitude of one unit of the pixels; Z,Z,…: of each band")
    add_reading_options(command)
    add_band_option(command)
    add_force_option(command, output=outputs.TABLE)


def add_explain_options(command: argparse.ArgumentParser) -> None:
    """Add the options of ``tuningfork explain``."""
    add = command.add_argument
    add("run", type=Path, metavar="RUN", help="folder of a run, or a weights file")
    add("source", type=Path, nargs="+", metavar="SOURCE", help="a dataset, or image files and folders")
    add("--id", nargs="+", action="extend", metavar="ID", help="which galaxies; else all")
    add("--method", required=True, choices=(*METHODS, *DREAMS), help="attribution method")
    add("--output-name", metavar="CLASS", help="class or quantity to explain; else the predicted one")
    add("-o", "--output", required=True, type=Path, metavar="FOLDER", help="for a FITS map and a PNG per galaxy")
    add("--film", action="store_true", help="of occlusion: also an animated GIF of the moving square per galaxy")
    add_reading_options(command)
    add_settings_options(command, "patch=6")
    add_band_option(command)
    add_force_option(command, output=outputs.FOLDER)


def add_top_options(command: argparse.ArgumentParser) -> None:
    """Add the options of ``tuningfork top``."""
    add = command.add_argument
    add("run", type=Path, metavar="RUN", help="folder of a run, or a weights file")
    add("source", type=Path, nargs="+", metavar="SOURCE", help="a dataset, or image files and folders")
    add("--layer", required=True, metavar="LAYER", help="such as activation3")
    add("--filters", metavar="1,2,3", help="which to draw; else the most informative about the classes")
    add("--number", type=int, default=6, metavar="N", help="how many to draw without --filters; %(default)s")
    add(
        "--smooth",
        type=float,
        default=1.0,
        metavar="PIXELS",
        help="Gaussian smoothing of the patterns; %(default)s, 0: none",
    )
    add("--format", choices=("png", "svg", "pdf"), default="png", help="of the figure")
    add("-o", "--output", required=True, type=Path, metavar="FOLDER", help="for the figure and a table of all filters")
    add_band_option(command)
    add_reading_options(command)
    add_force_option(command, output=outputs.FOLDER)


def add_believe_options(command: argparse.ArgumentParser) -> None:
    """Add the options of ``tuningfork believe``."""
    add = command.add_argument
    parts = ("test", "validation", "train", "all")
    add("run", type=Path, metavar="RUN", help="folder of a run")
    whole = "a dataset, or image files and folders; what the run was not trained on is used whole"
    add("source", type=Path, nargs="+", metavar="SOURCE", help=whole)
    add("--split", choices=parts, default="validation", help="part of the run's own dataset; %(default)s")
    add("--method", choices=tuple(METHODS), help="of the maps; integrated-gradients")
    add(
        "-o",
        "--output",
        type=Path,
        default=Path("belief.csv"),
        metavar="TABLE.csv",
        help="%(default)s; one line a galaxy",
    )
    add_reading_options(command)
    add_settings_options(command, "segmentation.threshold=3")
    add_band_option(command)
    add_force_option(command, output=outputs.TEXT_TABLE)


def add_search_options(command: argparse.ArgumentParser) -> None:
    """Add the options of ``tuningfork search``."""
    add = command.add_argument
    add("data", type=Path, metavar="DATA.h5", help="the dataset")
    add("-o", "--output", required=True, type=Path, metavar="STUDY", help=study_jobs.OUTPUT)
    add(
        "--knob",
        action="append",
        metavar="NAME=LOW:HIGH",
        help="setting to search, as in network.depth=3:6; repeatable",
    )
    add("--space", type=Path, metavar="FILE.toml", help="search settings, as “tuningfork settings search” prints")
    add("--coarse", type=int, metavar="N", help="short trials over wide ranges; else 24")
    add("--fine", type=int, metavar="M", help="long trials around the best; else 12")
    add("--workers", type=int, metavar="W", help="number of processes on this machine; else 1")
    add("--worker", action="store_true", help="work on the search in that folder, on this or another machine")
    add("--leash", type=int, metavar="N", help=argparse.SUPPRESS)  # the worker's number; it ends with its stdin
    add("--hand-labels", type=Path, metavar="FILE", help=argparse.SUPPRESS)  # what the search's own process uses
    add("--format", choices=("png", "svg", "pdf"), default="png", help="of another figure beside search.png")
    add("--label", metavar="COLUMN", action="append", help="what to learn; else what the dataset declares")
    add_split_option(command)
    add_settings_options(command, "augmentation.noise=0.05")
    command.set_defaults(writes={"output": outputs.FOLDER})


def add_simulate_options(command: argparse.ArgumentParser) -> None:
    """Add the options of ``tuningfork simulate``."""
    add = command.add_argument
    add("-n", "--count", type=int, metavar="N", help="number of galaxies; else 20,000")
    add("-o", "--output", required=True, type=Path, metavar="DATA.h5", help="the dataset to write")
    add("--preset", metavar="NAME", help="where to begin: HST/WFC3 F160W, or what “tuningfork settings presets” lists")
    add("--seed", type=int, metavar="N", help="origin of all randomness")
    add("--workers", type=int, metavar="K", help="number of processes; else one for each processor core")
    add("--json", action="store_true", help="print the result as JSON")
    add_settings_options(command, "noise.kind=none")
    add_force_option(command, output=outputs.DATASET)


def add_demo_options(command: argparse.ArgumentParser) -> None:
    """Add the options of ``tuningfork demo``."""
    command.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FOLDER",
        help="new or empty; else “tuning-fork-demo” in the working folder",
    )
    command.add_argument(
        "--cutouts",
        type=Path,
        metavar="FOLDER",
        help="only write the survey's galaxies here: FITS cutouts and catalogue.csv, to try an import with",
    )
    command.set_defaults(writes={"output": outputs.FOLDER, "cutouts": outputs.FOLDER})


def add_settings_command_options(command: argparse.ArgumentParser) -> None:
    """Add the options of ``tuningfork settings``."""
    chapters = f"only these: of {', '.join(_SETTINGS)}, of a section of train, such as network, or of a preset of "
    chapters += (
        "simulate, of which “presets” is a list, as is “base-networks” of those to start from; else all, for train"
    )
    command.add_argument("chapter", nargs="?", metavar="CHAPTER", help=chapters)
