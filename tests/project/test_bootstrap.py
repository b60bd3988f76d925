"""`make` on a fresh machine: what is missing is named, what can be made is made."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OLD_PYTHON = '#!/bin/sh\ncase "$1" in -V) echo "Python 3.9.2" ;; *) exit 1 ;; esac\n'
WITHOUT_VENV = '#!/bin/sh\ncase "$2" in *ensurepip*) exit 1 ;; *) exit 0 ;; esac\n'


def bare(folder: Path, python: str | None) -> subprocess.CompletedProcess[str]:
    """Run scripts/bootstrap where nothing is on the PATH but the shell's helpers and perhaps `python`."""
    (folder / "scripts").mkdir()
    (folder / "bin").mkdir()
    shutil.copy(ROOT / "scripts" / "bootstrap", folder / "scripts")
    (folder / "bin" / "dirname").symlink_to(shutil.which("dirname") or "/usr/bin/dirname")
    if python is not None:
        (folder / "bin" / "python3").write_text(python, encoding="utf-8")
        (folder / "bin" / "python3").chmod(0o755)
    command = ["/bin/sh", str(folder / "scripts" / "bootstrap")]
    return subprocess.run(
        command, env={"PATH": str(folder / "bin")}, check=False, capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize(
    ("python", "sentence"),
    [
        pytest.param(None, "missing: install Debian's packages python3 and python3-venv.", id="no Python"),
        pytest.param(OLD_PYTHON, "Python 3.11 or newer is needed and this is Python 3.9.2", id="old Python"),
        pytest.param(WITHOUT_VENV, "venv module is missing: install Debian's package python3-venv", id="no venv"),
    ],
)
def test_what_is_missing_is_named_with_its_debian_package(tmp_path: Path, python: str | None, sentence: str) -> None:
    result = bare(tmp_path, python)

    assert result.returncode == 2
    assert sentence in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.slow
def test_a_fresh_clone_sets_itself_up(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True, timeout=60)
    environ = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    environ["PYTHON"] = sys.executable
    make = ["make", "--no-print-directory", ".venv/.installed"]

    first = subprocess.run(make, cwd=clone, env=environ, check=False, capture_output=True, text=True, timeout=600)
    again = subprocess.run(make, cwd=clone, env=environ, check=False, capture_output=True, text=True, timeout=60)
    where = subprocess.run(
        [clone / ".venv" / "bin" / "python", "-c", "import sync; print(sync.__file__)"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()

    assert first.returncode == 0, first.stderr
    assert "is up to date" in again.stdout
    assert where == str(clone / "sync" / "__init__.py")
    assert (clone / ".venv" / "bin" / "lightspeed-sync").exists()
