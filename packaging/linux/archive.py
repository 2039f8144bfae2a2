"""The archive that installs itself: a shell script with the program packed behind it.

It needs a shell, tar and gzip, which every distribution has, no administrator and no network.
"""

from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
from pathlib import Path

import share

_HERE = Path(__file__).parent
_SCRIPT, _UNINSTALLER = "install.sh", "uninstall.sh"
_CHUNK = 1 << 20


def pack(frozen: Path, work: Path, dist: Path) -> Path:
    """Pack the program and the desktop's files behind the script.

    Parameters
    ----------
    frozen
        The frozen program.
    work
        A folder for what is packed, which is removed again.
    dist
        Where the archive goes.
    """
    tree = work / "archive"
    shutil.rmtree(tree, ignore_errors=True)
    shutil.copytree(frozen, tree / "program", symlinks=True)
    share.lay_out(tree / "share")
    shutil.copy(_HERE / _UNINSTALLER, tree / "uninstall")
    (tree / "uninstall").chmod(0o755)
    packed = work / "archive.tar.gz"
    with packed.open("wb") as target:
        owner = ["--owner=0", "--group=0", "--numeric-owner", "--sort=name"]
        with subprocess.Popen(["tar", *owner, "-C", str(tree), "-c", "."], stdout=subprocess.PIPE) as tar:
            subprocess.run(["gzip", "-n", "-6"], stdin=tar.stdout, stdout=target, check=True)
        if tar.returncode:
            raise subprocess.CalledProcessError(tar.returncode, "tar")
    megabytes = sum(path.stat().st_size for path in tree.rglob("*") if not path.is_symlink()) // 10**6
    shutil.rmtree(tree)
    archive = dist / f"tuning-fork-{share.version()}-{platform.machine()}.run"
    values = {"VERSION": share.version(), "MEGABYTES": str(megabytes), "SHA256": _digest(packed)}
    script = (_HERE / _SCRIPT).read_text(encoding="utf-8")
    for name, value in values.items():
        script = script.replace(f"@{name}@", value)
    script = script.replace("@LINES@", str(script.count("\n")))
    with archive.open("wb") as target, packed.open("rb") as source:
        target.write(script.encode())
        shutil.copyfileobj(source, target, _CHUNK)
    archive.chmod(0o755)
    packed.unlink()
    return archive


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
