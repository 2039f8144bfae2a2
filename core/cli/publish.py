"""The commands that write a run for others: as a folder to hand on, and as a report in one file."""

from __future__ import annotations

import argparse
from pathlib import Path

from core.cli.console import Console
from core.cli.shared_options import add_force_option
from core.project import outputs
from core.project.runs import RunFolder
from core.wording import count_of

EXPORT = (
    "export",
    "publish:export",
    "Write a network for others: ONNX file with a stand-alone script, weights, model card, methods and BibTeX.",
)
REPORT = ("report", "publish:report", "Write a run as a report in one HTML file, with its plots.")


def add_export_options(command: argparse.ArgumentParser) -> None:
    """Add the options of ``tuningfork export``."""
    add = command.add_argument
    add("run", type=Path, metavar="RUN", help="folder of a run, or a weights file")
    add("-o", "--output", required=True, type=Path, metavar="FOLDER", help="for the files")
    add("--no-onnx", action="store_true", help="without ONNX file and script, for which more libraries are needed")
    add_force_option(command, output=outputs.FOLDER)


def add_report_options(command: argparse.ArgumentParser) -> None:
    """Add the options of ``tuningfork report``."""
    add = command.add_argument
    add("run", type=Path, metavar="RUN", help="folder of a run")
    add("-o", "--output", required=True, type=Path, metavar="REPORT.html", help="the report")
    add_force_option(command, output=outputs.HTML)


def export(options: argparse.Namespace, console: Console) -> int:
    """``tuningfork export``."""
    from core.publish import export as exporting

    done = console.drive(
        "Exporting", lambda stop: exporting.run(options.run, options.output, stop, with_onnx=not options.no_onnx)
    )
    if done.agreement is not None:
        console.note(done.agreement.sentence)
    console.say(f"{count_of(len(done.files), 'file')} in {done.folder}: {', '.join(done.files)}")
    return console.status


def report(options: argparse.Namespace, console: Console) -> int:
    """``tuningfork report``."""
    from core.publish import html_report

    console.drive("Writing the report", lambda stop: html_report.write(RunFolder(options.run), options.output, stop))
    console.say(f"Report: {options.output}")
    return 0
