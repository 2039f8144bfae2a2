"""Reading of the program's own files, whatever has befallen them."""

from __future__ import annotations

from pathlib import Path

import pytest
from damage import date

from core.reading import modified


@pytest.mark.parametrize("seconds", [3e11, 2.0**40, 1e30])
def test_a_date_beyond_every_calendar_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    file = tmp_path / "settings.toml"
    assert modified(file) is None
    file.write_text("")
    assert modified(file) is not None
    date(monkeypatch, file, seconds)
    assert modified(file) is None
