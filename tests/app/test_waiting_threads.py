"""What libraries read from the environment: how threads wait for each other, and where caches are kept."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.command import keep_cache, wait_briefly


@pytest.mark.skipif(sys.platform != "linux", reason="the library whose threads these are is not used here")
def test_threads_that_have_done_their_part_sleep_soon():
    """As the library itself reports it once it is loaded."""
    asked = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}
    code = "import os; from app.command import wait_briefly; wait_briefly(os.environ); import torch"
    environment = asked | {"OMP_DISPLAY_ENV": "verbose", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    if "GOMP_SPINCOUNT" not in done.stderr:
        pytest.skip("torch was built with another library")
    assert "GOMP_SPINCOUNT = '10000'" in done.stderr


@pytest.mark.parametrize("chosen", [{"GOMP_SPINCOUNT": "7"}, {"OMP_WAIT_POLICY": "active"}])
def test_what_the_user_has_chosen_stays(chosen):
    environment = dict(chosen)
    wait_briefly(environment)
    assert environment == chosen


def test_torch_leaves_nothing_among_the_temporary_files(tmp_path: Path):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    asked = {name: value for name, value in os.environ.items() if name != "TORCHINDUCTOR_CACHE_DIR"}
    asked |= {"PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(temporary), "TUNINGFORK_CACHE": str(tmp_path)}
    code = "import os; from app.command import keep_cache; keep_cache(os.environ); import torch._dynamo"
    subprocess.run([sys.executable, "-c", code], env=asked, check=True)
    assert not list(temporary.glob("torchinductor*"))
    mine = {"TORCHINDUCTOR_CACHE_DIR": "mine"}
    keep_cache(mine)
    assert mine == {"TORCHINDUCTOR_CACHE_DIR": "mine"}


@pytest.mark.skipif(sys.platform != "linux", reason="matplotlib keeps its folders elsewhere")
@pytest.mark.parametrize("installed", [True, False])
def test_an_installed_program_leaves_no_folders_of_matplotlib(tmp_path: Path, installed: bool):
    """Where Python is, matplotlib is the user's, with settings of his own."""
    drop = {"MPLCONFIGDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "TUNINGFORK_CACHE"}
    asked = {name: value for name, value in os.environ.items() if name not in drop}
    asked |= {"PYTHONPATH": os.pathsep.join(sys.path), "HOME": str(tmp_path)}
    begin = "import os, sys; sys.frozen = True; " if installed else "import os; "
    code = "from app.command import keep_cache; keep_cache(os.environ); import matplotlib as m; m.get_cachedir()"
    subprocess.run([sys.executable, "-c", f"{begin}{code}; m.get_configdir()"], env=asked, check=True)
    cache, config = tmp_path / ".cache", tmp_path / ".config"
    kept = {cache / "tuning-fork" / "matplotlib"} if installed else {cache / "matplotlib", config / "matplotlib"}
    assert set(tmp_path.rglob("matplotlib")) == kept
