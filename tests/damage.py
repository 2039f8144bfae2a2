"""Everything that may befall a file of ours: a table of damages, each done to one file in place."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

Damage = Callable[[Path], None]


def _rewrite(change: Callable[[bytes], bytes]) -> Damage:
    def damage(file: Path) -> None:
        file.write_bytes(change(file.read_bytes()))

    return damage


def _as_folder(file: Path) -> None:
    file.unlink()
    (file / "inside").mkdir(parents=True)


def _as_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def _as_link_to_itself(file: Path) -> None:
    file.unlink()
    file.symlink_to(file.name)


def _nested(file: Path) -> None:
    depth = 100_000
    start, end = ("x = " + "[" * depth, "]" * depth) if file.suffix == ".toml" else ("[" * depth, "]" * depth)
    file.write_text(start + end)


def _dated_beyond_every_calendar(file: Path) -> None:
    os.utime(file, (2**40, 2**40))
    if file.stat().st_mtime != 2**40:
        pytest.skip("this file system keeps no such date")


def date(monkeypatch: pytest.MonkeyPatch, file: Path, seconds: float) -> None:
    """Date all files of this name, as far as :meth:`pathlib.Path.stat` tells, which few file systems do."""
    stat = Path.stat

    def dated(path: Path, **options: Any) -> Any:
        found = stat(path, **options)
        if path.name != file.name:
            return found
        values = {name: getattr(found, name) for name in dir(found) if name.startswith("st_")}
        return SimpleNamespace(**values | {"st_mtime": seconds, "st_mtime_ns": int(seconds) * 10**9})

    monkeypatch.setattr(Path, "stat", dated)


DAMAGES: dict[str, Damage] = {
    "empty": _rewrite(lambda _content: b""),
    "cut in half": _rewrite(lambda content: content[: len(content) // 2]),
    "noise": _rewrite(lambda content: bytes((7919 * place * place + 13) % 256 for place in range(len(content)))),
    "not UTF-8": _rewrite(lambda content: content[:7] + b"\xff\xfe\x00" + content[7:]),
    "zeros": _rewrite(lambda content: bytes(len(content))),
    "nested deeply": _nested,
    "a folder": _as_folder,
    "a pipe": _as_pipe,
    "a link to itself": _as_link_to_itself,
    "dated beyond every calendar": _dated_beyond_every_calendar,
}

_ODD: tuple[Any, ...] = (1, -1, 1e999, "text", "\x1b[31m", True, None, [], [1], {}, {"a": 1}, 10**30)


def odd_values(content: str) -> list[str]:
    """The same JSON with the value of each name, on two levels, replaced by odd ones or left out."""
    values = json.loads(content)
    found: list[str] = ["1", "null", "[]", "{}", '"text"']
    for name in values:
        found.append(json.dumps({key: value for key, value in values.items() if key != name}))
        found += [json.dumps(values | {name: odd}) for odd in _ODD]
        if isinstance(values[name], dict):
            for inner in values[name]:
                found += [json.dumps(values | {name: values[name] | {inner: odd}}) for odd in _ODD]
    return found


def odd_lines(content: str) -> list[str]:
    """The same TOML with the value of each line replaced by odd ones."""
    odd = ("inf", "nan", "-1", "1", '"text"', "[]", "[[]]", "{}", "true", "1979-05-27", "9" * 30)
    lines = content.split("\n")
    places = [place for place, line in enumerate(lines) if re.match(r"\w+ = ", line)]
    return [
        "\n".join([*lines[:place], f"{lines[place].split(' = ')[0]} = {value}", *lines[place + 1 :]])
        for place in places
        for value in odd
    ] + [content.replace("\n[", "\nunheard_of = 1\n[", 1), f"unheard_of = 1\n{content}"]


def restore(file: Path, original: bytes) -> None:
    """Undo whatever was done to a file."""
    if file.is_dir() and not file.is_symlink():
        shutil.rmtree(file)
    file.unlink(missing_ok=True)
    file.write_bytes(original)
