"""The man page, made from the help that the commands themselves print, so that the two cannot disagree."""

from __future__ import annotations

import argparse
import gzip
import re
from collections.abc import Iterator

_ACTIONS = argparse._SubParsersAction  # what argparse keeps the commands of a command in
_ENVIRONMENT = (
    ("TUNINGFORK_HOME", "The folder for new projects, in place of “Tuning Fork” among the documents, and for the log."),
    ("TUNINGFORK_CACHE", "The folder for what can be made again, such as the demonstration survey."),
    ("DISPLAY, WAYLAND_DISPLAY", "Where neither is set there is no screen, and only commands work."),
)
_FILES = (
    ("project.toml", "In a folder: it is a project. Opening this file opens the project."),
    ("~/.config/Tuning Fork", "Preferences of the window."),
)
_WINDOW = (
    ("PATH", "Open a project folder, a dataset (.h5) or a packed project (.zip) in the window."),
    ("--demo", "Open the demonstration survey. Without a screen it is trained on without a window."),
    ("--no-reopen", "Do not open the last project again."),
)


def man_page(parser: argparse.ArgumentParser, version: str, date: str) -> str:
    """Compose the page.

    Parameters
    ----------
    parser
        Of the program, with all its commands.
    version
        Of the program.
    date
        Such as 2026-11-28.
    """
    return "\n".join(_lines(parser, version, date)) + "\n"


def packed(text: str) -> bytes:
    """Pack a text as Debian wants its documents, without name and time of a file."""
    return gzip.compress(text.encode(), 9, mtime=0)


def _lines(parser: argparse.ArgumentParser, version: str, date: str) -> Iterator[str]:
    yield f'.TH TUNINGFORK 1 "{date}" "Tuning Fork {version}" "User Commands"'
    yield ".SH NAME"
    yield "tuningfork \\- train, fine\\-tune and interrogate networks on galaxy cutouts"
    yield ".SH SYNOPSIS"
    for form in ("[\\fIPATH\\fR]", "\\fB\\-\\-demo\\fR", "\\fICOMMAND\\fR [\\fIOPTION\\fR ...]"):
        yield from (".B tuningfork", form, ".br")
    yield ".SH DESCRIPTION"
    yield _escape(parser.description or "")
    yield _escape(parser.epilog or "")
    yield ".SH THE WINDOW"
    yield from _tagged(_WINDOW)
    yield ".SH OPTIONS"
    yield from _options(parser)
    yield ".SH COMMANDS"
    for name, command in commands_of(parser):
        yield f".SS {_escape(name)}"
        yield _escape(command.description or "")
        yield ".PP"
        yield f"\\fB{_escape(_usage(command))}\\fR"
        yield from _options(command)
    yield ".SH ENVIRONMENT"
    yield from _tagged(_ENVIRONMENT)
    yield ".SH FILES"
    yield from _tagged(_FILES)
    yield ".SH EXIT STATUS"
    yield from _tagged((("0", "Done."), ("1", "A problem."), ("2", "Wrong usage."), ("130", "Stopped by the user.")))


def commands_of(parser: argparse.ArgumentParser, before: str = "") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Go through the commands of a parser and theirs, in the order in which its help lists them."""
    for action in parser._actions:
        if isinstance(action, _ACTIONS):
            for name, command in action.choices.items():
                yield before + name, command
                yield from commands_of(command, f"{before}{name} ")


def _usage(parser: argparse.ArgumentParser) -> str:
    return " ".join(parser.format_usage().split()).removeprefix("usage: ")


def _options(parser: argparse.ArgumentParser) -> Iterator[str]:
    formatter = parser._get_formatter()
    for action in parser._actions:
        if isinstance(action, _ACTIONS) or action.help == argparse.SUPPRESS:
            continue
        text = formatter._expand_help(action) if action.help else ""
        yield from _tagged([(formatter._format_action_invocation(action), text)])


def _tagged(pairs: Iterator[tuple[str, str]] | list[tuple[str, str]] | tuple[tuple[str, str], ...]) -> Iterator[str]:
    for tag, text in pairs:
        yield from (".TP", f"\\fB{_escape(tag)}\\fR", _escape(" ".join(text.split())))


def _escape(text: str) -> str:
    """Write text as roff does: a hyphen that is typed, and no line that begins as a request."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("\n", " ")
    text = re.sub(r"[^\x00-\x7f]", lambda letter: f"\\[u{ord(letter[0]):04X}]", text)
    return f"\\&{text}" if text.startswith(".") else text
