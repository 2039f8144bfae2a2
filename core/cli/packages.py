"""``tuningfork pack``, ``unpack`` and ``job``: a project or a training as one file, and back."""

from __future__ import annotations

import argparse
from pathlib import Path

from core.cli.console import Console
from core.cli.shared_options import add_force_option, common_options
from core.cli.training_settings import add_training_options, resolve_training_settings
from core.errors import FolderInUse, SettingsProblem
from core.project import outputs
from core.project.packages import folder_name, read_contents
from core.project.packing import describe, pack_project, size_of
from core.project.project import is_project, require_not_open
from core.wording import count_of

PACK = ("pack", "packages:pack", "Pack a project as one file to send.")
UNPACK = ("unpack", "packages:unpack", "Make a project of a packed one.")
JOB = (
    "job",
    "packages:pack_job",
    "Work on another machine: pack a training, run it or a study there, collect the results.",
)


def add_pack_options(command: argparse.ArgumentParser) -> None:
    """Add the options of ``pack``."""
    add = command.add_argument
    add("project", type=Path, metavar="PROJECT", help="the folder of the project")
    add("-o", "--output", required=True, type=Path, metavar="FILE.zip", help="the package to write")
    add("--without-images", action="store_true", help="leave the datasets out; runs, labels and studies are packed")
    add_force_option(command, output=outputs.PACKAGE)


def add_unpack_options(command: argparse.ArgumentParser) -> None:
    """Add the options of ``unpack``."""
    add = command.add_argument
    add("package", type=Path, metavar="FILE.zip", help="a packed project")
    add("-o", "--output", type=Path, metavar="FOLDER", help="a new folder; else one of the package's name, beside it")
    command.set_defaults(writes={"output": outputs.FOLDER})


def add_job_options(command: argparse.ArgumentParser) -> None:
    """Add the three steps of a job, each with its options."""
    steps = command.add_subparsers(title="steps", metavar="STEP", required=True)

    def step(name: str, place: str, about: str) -> argparse.ArgumentParser:
        help_text = about[0].lower() + about[1:].rstrip(".")
        shared = [common_options(default=argparse.SUPPRESS)]
        added = steps.add_parser(name, help=help_text, description=about, parents=shared)
        added.set_defaults(command=f"packages:{place}")
        return added

    packing = step("pack", "pack_job", "Pack a training with all that it needs.")
    add = packing.add_argument
    add("data", type=Path, metavar="DATA.h5", help="the dataset; of a project, its labels and parts go with it")
    add("-o", "--output", required=True, type=Path, metavar="JOB.zip", help="the package to write")
    add("--title", default="", metavar="NAME", help="of the run; else that of the package")
    add_training_options(packing, "optimiser.epochs=100")
    add_force_option(packing, output=outputs.PACKAGE)

    running = step("run", "run_job", "Run a job, or go on with one that was interrupted.")
    add = running.add_argument
    add("package", type=Path, metavar="JOB.zip", help="the job")
    add("-o", "--output", type=Path, metavar="FOLDER", help="where it is done; else in a folder of its name, beside it")
    add("--device", choices=("auto", "cpu", "cuda", "mps"), help="in place of the one that was chosen")

    collecting = step("collect", "collect_results", "Take the results of a job into its project.")
    add = collecting.add_argument
    add("package", type=Path, metavar="RESULTS.zip", help="the results")
    add("project", type=Path, metavar="PROJECT", help="the folder of the project")


def pack(options: argparse.Namespace, console: Console) -> int:
    """``tuningfork pack``."""
    require_not_open(options.project / "project.toml")
    with_images = not options.without_images
    contents = console.drive(
        "Packing", lambda stop: pack_project(options.project, options.output, stop, with_images=with_images)
    )
    console.say(describe(contents, options.output))
    for each in contents.left_out:
        console.say(f"  left out: {each.name} ({size_of(each.size)})")
    return console.status


def unpack(options: argparse.Namespace, console: Console) -> int:
    """``tuningfork unpack``."""
    from core.project.unpacking import unpack as unpacked

    folder: Path = options.output or options.package.with_name(folder_name(options.package))
    if folder == options.package:
        raise FolderInUse("The folder would have the name of the package.", "Choose one with -o.", str(folder))
    contents = console.drive("Unpacking", lambda stop: unpacked(options.package, folder, stop))
    console.say(f"“{contents.title}” of {contents.made[:10]}: {count_of(len(contents.files), 'file')}.")
    for each in contents.left_out:
        console.say(f"  to be added: {folder / each.name} ({size_of(each.size)}), which was not packed")
    console.say(f"Project: {folder}")
    return console.status


def pack_job(options: argparse.Namespace, console: Console) -> int:
    """``tuningfork job pack``."""
    from core.train import job_package

    settings = resolve_training_settings(options)
    title = options.title or options.output.stem
    contents = console.drive(
        "Packing", lambda stop: job_package.pack(settings, options.data, options.output, stop, title=title)
    )
    console.say(describe(contents, options.output))
    console.say(f"On the other machine: tuningfork job run {options.output.name}")
    return console.status


def run_job(options: argparse.Namespace, console: Console) -> int:
    """``tuningfork job run``."""
    from core.train import job_package
    from core.train.settings import RunSettings

    study = read_contents(options.package, ("job",)).study
    device: str | None = options.device

    def change(settings: RunSettings) -> RunSettings:
        return settings if device is None else settings.model_copy(update={"device": device})

    if study:
        from core.studies import study_package

        studied = console.drive(
            "Studying", lambda stop: study_package.run(options.package, options.output, stop, change)
        )
        console.say(f"Study: {studied.folder}; results: {studied.package}")
        if studied.missing:
            console.say(f"{studied.missing} of its runs are still to be done: the same command goes on.")
        console.say(f"At home: tuningfork job collect “{studied.package.name}” PROJECT")
        return console.status
    done = console.drive("Training", lambda stop: job_package.run(options.package, options.output, stop, change))
    why = {"finished": "all epochs done", "early": "no more improvement", "stopped": "stopped by you"}
    console.say(f"{count_of(done.result.epochs, 'epoch')} ({why[done.result.reason]}); results: {done.package}")
    console.say(f"At home: tuningfork job collect “{done.package.name}” PROJECT")
    return 130 if done.result.reason == "stopped" else console.status


def collect_results(options: argparse.Namespace, console: Console) -> int:
    """``tuningfork job collect``."""
    from core.train import job_package

    if not is_project(options.project):
        raise SettingsProblem("There is no project in this folder.", "Name its folder.", str(options.project))
    require_not_open(options.project / "project.toml")
    if read_contents(options.package, ("results",)).study:
        from core.studies import study_package

        place = console.drive("Unpacking", lambda stop: study_package.collect(options.package, options.project, stop))
        console.say(f"Study: {place}")
        return console.status
    run = console.drive("Unpacking", lambda stop: job_package.collect(options.package, options.project, stop))
    console.say(f"Run: {run.path}")
    return console.status
