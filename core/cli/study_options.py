"""The options of ``tuningfork study``, a command for each question."""

from __future__ import annotations

import argparse
from pathlib import Path

from core.cli import study_jobs
from core.cli.shared_options import (
    add_band_option,
    add_class_option,
    add_settings_options,
    add_split_option,
    common_options,
)
from core.cli.suggest import add_suggestion_study_options
from core.nets import base_networks
from core.project import outputs

STUDY = ("study", "study:training_size", "Run a study of many trainings.")


def add_study_options(command: argparse.ArgumentParser) -> None:
    """Add the questions, each with its options."""
    questions = command.add_subparsers(title="questions", metavar="QUESTION", required=True)

    def question(name: str, place: str, about: str) -> argparse.ArgumentParser:
        added = questions.add_parser(
            name,
            help=about[0].lower() + about[1:].rstrip("."),
            description=about,
            parents=[common_options(default=argparse.SUPPRESS)],
        )
        added.set_defaults(command=place, question=name, writes={"output": outputs.FOLDER})
        return added

    _add_size_options(
        question("training-size", "study:training_size", "How the score grows with the number of labelled galaxies.")
    )
    for name, about in (
        ("transfer", "How many labels of another survey a network needs, by several strategies."),
        ("layers", "How many blocks of a network should be tuned on another survey."),
        ("sim-to-real", "How many real galaxies a network needs that was trained on simulations."),
    ):
        _add_transfer_options(question(name, "transfer_study:transfer", about))
    _add_suggestion_options(
        question(
            "suggestions", "suggest:study_suggestions", "What labelling the proposed galaxies gains over random ones."
        )
    )
    _add_matrix_options(
        question("matrix", "transfer_study:matrix", "How good networks of several surveys are on each of them.")
    )


def _add_size_options(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("data", type=Path, metavar="DATA.h5", help="the dataset")
    _add_common_options(command)
    _add_judge_option(command)
    add("--sizes", metavar="50,200,all", help="numbers or percentages of training galaxies; else 1%% to 100%%")
    add("--least-steps", type=int, metavar="N", help="train small sets for more epochs, to at least N steps; else 300")


def _add_suggestion_options(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("data", type=Path, metavar="DATA.h5", help="the dataset")
    _add_common_options(command)
    add("--least-steps", type=int, metavar="N", help="train small sets for more epochs, to at least N steps; else 300")
    add_suggestion_study_options(command)


def _add_transfer_options(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("data", type=Path, metavar="DATA.h5", help="the new survey")
    add("--start-from", type=Path, metavar="RUN", help=base_networks.offer("the network: a run, a weights file"))
    _add_common_options(command)
    _add_judge_option(command)
    add("--labels", metavar="0,50,all", help="numbers or percentages of its labelled galaxies; 0: the network as it is")
    add("--strategies", metavar="NAME,…", help="as is, scratch, head, last-1, last-*, all and others of the help")
    _add_run_options(command)
    add("--workers", type=int, metavar="W", help="number of processes on this machine; else 1")
    add("--worker", action="store_true", help=argparse.SUPPRESS)  # of a study that another process runs
    add("--leash", type=int, metavar="N", help=argparse.SUPPRESS)  # the worker's number; it ends with its stdin
    add("--source", type=Path, metavar="OLD.h5", help="the old survey, if its run does not know where it is")
    add_band_option(command)
    add_class_option(command)


def _add_matrix_options(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("data", nargs="+", type=Path, metavar="DATA.h5", help="the surveys, two or more")
    _add_common_options(command)
    _add_judge_option(command)
    add("--labels", metavar="0,50", help="numbers of labels of the survey judged on, a matrix each; 0: none")
    add("--strategy", metavar="NAME", help="how the networks are tuned: head, last-1, all …; else all")
    _add_run_options(command)
    add_class_option(command)


def _add_run_options(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("--draw", choices=("in proportion", "evenly"), help="how few labels are drawn from the classes")
    add("--epoch", choices=("last", "best on validation"), help="whose weights count; else last: nothing is chosen")
    about = "how many times as many epochs a training from scratch makes; else 3"
    add("--scratch-epochs", type=int, metavar="N", help=about)


def _add_judge_option(command: argparse.ArgumentParser) -> None:
    about = "finally evaluate on the test part too; only at the very end"
    command.add_argument("--judge-test", action="store_true", help=about)


def _add_common_options(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("-o", "--output", required=True, type=Path, metavar="STUDY", help=study_jobs.OUTPUT)
    add("--seeds", type=int, metavar="N", help="number of runs of each point; else 3")
    add("--metric", metavar="COLUMN", help="score to draw; else balanced accuracy, or R²")
    add("--format", choices=("png", "svg", "pdf"), default="png", help="of another figure beside study.png")
    add("--label", metavar="COLUMN", action="append", help="what to learn; else what the dataset declares")
    add_split_option(command)
    add_settings_options(command, "optimiser.epochs=20")
