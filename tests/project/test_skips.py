"""A skipped test is seen by people and fails CI."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).resolve().parents[1] / "conftest.py"
PASSING = "def test_it():\n    assert True\n"
SKIPPING = "import pytest\n\n\ndef test_other():\n    pytest.skip('no promtool here')\n"
SKIPPING_WHOLE = "import pytest\n\npytest.skip('no research folder here', allow_module_level=True)\n"


def run(folder: Path, *arguments: str, ci: str = "") -> subprocess.CompletedProcess[str]:
    shutil.copy(CONFTEST, folder / "conftest.py")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(folder), *arguments]
    return subprocess.run(
        command, cwd=folder, env=os.environ | {"CI": ci}, check=False, capture_output=True, text=True, timeout=60
    )


def test_skips_are_counted_by_reason(tmp_path: Path) -> None:
    (tmp_path / "test_one.py").write_text(PASSING + SKIPPING, encoding="utf-8")
    (tmp_path / "test_two.py").write_text(SKIPPING_WHOLE, encoding="utf-8")

    result = run(tmp_path)

    assert result.returncode == 0
    assert "NOT TESTED HERE" in result.stdout
    assert "1 skipped: no promtool here" in result.stdout
    assert "1 skipped: no research folder here" in result.stdout


@pytest.mark.parametrize("source", [SKIPPING, SKIPPING_WHOLE], ids=["one test", "a whole module"])
@pytest.mark.parametrize(("arguments", "ci"), [(["--no-skips"], ""), ([], "true")], ids=["--no-skips", "CI=true"])
def test_a_skip_fails_the_run_where_every_test_must_run(
    tmp_path: Path, source: str, arguments: list[str], ci: str
) -> None:
    (tmp_path / "test_one.py").write_text(PASSING, encoding="utf-8")
    (tmp_path / "test_two.py").write_text(source, encoding="utf-8")

    result = run(tmp_path, *arguments, ci=ci)

    assert result.returncode == 1
    assert "The run fails" in result.stdout
    assert "1 passed, 1 skipped" in result.stdout


def test_without_skips_nothing_is_said(tmp_path: Path) -> None:
    (tmp_path / "test_one.py").write_text(PASSING, encoding="utf-8")

    result = run(tmp_path, ci="true")

    assert result.returncode == 0
    assert "NOT TESTED HERE" not in result.stdout
