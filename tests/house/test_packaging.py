"""What the installers are made of, as far as it can be tested without building them."""

from __future__ import annotations

import configparser
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree as ET

import pytest

from core.cli.main import parser

ROOT = Path(__file__).parents[2]
PACKAGING = ROOT / "packaging"
DESKTOP = ROOT / "resources" / "desktop"
MIME = "{http://www.freedesktop.org/standards/shared-mime-info}"


def load(file: Path) -> ModuleType:
    specification = importlib.util.spec_from_file_location(file.stem, file)
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def page() -> str:
    """The man page."""
    return load(PACKAGING / "linux" / "manpage.py").man_page(parser(), "1.2", "2026-11-28")


def test_the_man_page_tells_every_command_and_each_of_its_options(page: str):
    manpage = load(PACKAGING / "linux" / "manpage.py")
    sections = dict(zip(re.findall(r"^\.SS (.*)$", page, re.MULTILINE), page.split(".SS ")[1:], strict=True))
    commands = dict(manpage.commands_of(parser()))
    assert [name.replace("-", "\\-") for name in commands] == list(sections)
    assert {"import", "train", "job run", "study transfer"} <= commands.keys()
    for name, command in commands.items():
        for action in command._actions:
            if action.help != "==SUPPRESS==":
                for option in action.option_strings:
                    assert option.replace("-", "\\-") in sections[name.replace("-", "\\-")], (name, option)


def test_the_man_page_is_plain_roff(page: str):
    assert page.isascii()
    assert page.startswith(".TH TUNINGFORK 1")
    requests = {line.split()[0] for line in page.splitlines() if line.startswith((".", "'"))}
    assert requests == {".TH", ".SH", ".SS", ".TP", ".B", ".br", ".PP"}


def test_the_desktop_entry_names_types_that_are_declared_and_an_icon_that_is_there():
    entry = configparser.ConfigParser(interpolation=None)
    entry.optionxform = str  # type: ignore[assignment, method-assign]
    entry.read(DESKTOP / "tuning-fork.desktop", encoding="utf-8")
    main = entry["Desktop Entry"]
    assert main["Exec"] == "tuningfork %f"
    assert (ROOT / "resources" / "icons" / f"{main['Icon']}.svg").exists()
    for action in filter(None, main["Actions"].split(";")):
        assert entry[f"Desktop Action {action}"]["Exec"].startswith("tuningfork ")
    declared = {each.get("type") for each in ET.parse(DESKTOP / "tuning-fork.xml").iter(f"{MIME}mime-type")}
    assert {kind for kind in main["MimeType"].split(";") if "tuning-fork" in kind} <= declared


def test_the_file_types_are_told_by_what_the_program_writes(tmp_path: Path):
    from core.project.packages import SUFFIX
    from core.project.project import Project

    types = {each.get("type"): each for each in ET.parse(DESKTOP / "tuning-fork.xml").iter(f"{MIME}mime-type")}
    project = types["application/x-tuning-fork-project"]
    Project.create(tmp_path / "mine", "mine").close()
    (first,) = [match.get("value") for match in project.iter(f"{MIME}match")]
    assert first is not None
    assert (tmp_path / "mine" / "project.toml").read_text("utf-8").startswith(first)
    globs = [glob.get("pattern") for glob in types["application/x-tuning-fork-package"].iter(f"{MIME}glob")]
    assert globs == [f"*{SUFFIX}"]


def test_nothing_that_the_program_reads_is_left_out_of_the_frozen_one():
    collection = load(PACKAGING / "pyinstaller" / "collection.py")
    files = [path for path in (ROOT / "resources").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    left_out = [path for path in files if not collection.is_needed(path.relative_to(ROOT).as_posix())]
    assert not left_out
    assert 'collect_data_files("resources"' in (PACKAGING / "pyinstaller" / "tuningfork.spec").read_text("utf-8")
    assert all((ROOT / "resources" / name).is_dir() for name in ("help", "presets", "models", "templates", "themes"))
    assert not collection.is_needed("torch/test/x") and collection.is_needed("nvidia/cudnn/lib/libcudnn.so.9")


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder for everybody."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


@pytest.fixture
def archive(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qapp: object) -> Path:
    """The archive for a program that is a few lines of shell."""
    monkeypatch.syspath_prepend(str(PACKAGING / "linux"))
    program = tmp_path / "frozen" / "tuningfork"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho "galaxies: $*"\nexit 7\n')
    program.chmod(0o755)
    (tmp_path / "work").mkdir()
    return load(PACKAGING / "linux" / "archive.py").pack(program.parent, tmp_path / "work", place)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the archive is for Linux")
def test_the_archive_installs_runs_and_removes_itself_without_leaving_a_file(archive: Path, place: Path):
    nobody = 65534 if os.getuid() == 0 else None  # the administrator installs for everybody: not here
    home = place / "home"
    home.mkdir()
    home.chmod(0o777)
    variables = {"HOME": str(home), "PATH": "/usr/bin:/bin", "TMPDIR": str(place)}
    before = sorted(place.rglob("*"))

    def shell(*words: object, status: int = 0) -> str:
        command = [str(word) for word in words]
        done = subprocess.run(
            command, env=variables, cwd=home, capture_output=True, text=True, check=False, user=nobody, umask=0o022
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    assert "galaxies: train it" in shell("sh", archive, "--run", "train", "it", status=7)
    assert "is whole" in shell("sh", archive, "--check")
    folder = home / "my programs" / "fork"
    shell("sh", archive, "--extract", home / "only unpacked")
    assert "galaxies: " in shell(home / "only unpacked" / "program" / "tuningfork", status=7)
    shutil.rmtree(home / "only unpacked")
    shell("sh", archive, "--to", folder)
    entry = (home / ".local/share/applications/tuning-fork.desktop").read_text()
    assert f'Exec="{folder}/program/tuningfork" %f' in entry
    assert (home / ".local/share/man/man1/tuningfork.1.gz").exists()
    assert "galaxies: " in shell(home / ".local" / "bin" / "tuningfork", status=7)
    assert "installed there already" in shell("sh", archive, "--to", folder, status=1)
    shell(folder / "uninstall")
    assert sorted(place.rglob("*")) == before


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the archive is for Linux")
def test_an_archive_that_has_not_arrived_whole_says_so(archive: Path):
    whole = archive.read_bytes()
    archive.write_bytes(whole[:-10])
    done = subprocess.run(["sh", archive, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "not whole" in done.stderr


def test_nothing_is_frozen_where_torchvision_does_not_fit_torch(tmp_path: Path) -> None:
    freeze = load(PACKAGING / "pyinstaller" / "freeze.py")
    wrong, right = tmp_path / "wrong", tmp_path / "right"
    for place, content in ((wrong, "raise RuntimeError('operator torchvision::nms does not exist')"), (right, "")):
        place.mkdir()
        (place / "torchvision.py").write_text(content)
        (place / "timm.py").write_text("import torchvision")
    environment = {**os.environ, "PYTHONPATH": str(wrong)}
    script = [sys.executable, str(PACKAGING / "pyinstaller" / "freeze.py")]
    done = subprocess.run(script, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Nothing was frozen" in done.stderr and "operator torchvision::nms does not exist" in done.stderr
    assert "--without-backbones" in done.stderr and "Traceback" not in done.stderr
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{right}" exec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    assert freeze.why_no_backbones(str(python)) == ""


def test_a_program_without_backbones_leaves_nothing_of_them_behind() -> None:
    collection = load(PACKAGING / "pyinstaller" / "collection.py")
    freeze = load(PACKAGING / "pyinstaller" / "freeze.py")
    assert "timm" not in {*collection.BY_NAME, *collection.RECORDS, *collection.UNUSED_MODULES}
    assert {"timm", "torchvision"} <= set(collection.UNUSED_WITHOUT_BACKBONES)
    assert "timm" in freeze.required_packages() and "timm" not in freeze.required_packages(("onnx", "tensorboard"))
