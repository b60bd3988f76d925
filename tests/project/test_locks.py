"""The locks: exact versions with hashes for everything that is declared, and no word about where from."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("requirements.lock", "requirements-runtime.lock")


def locked(name: str) -> dict[str, str]:
    """Return version by package; fails on a line that is neither a pin, a hash nor a comment."""
    versions: dict[str, str] = {}
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        pin = re.fullmatch(r"([a-z0-9-]+)(?:\[[a-z,]+\])?==([^ ;]+)(?: ; [^\\]+)? \\", line)
        if pin:
            versions[pin[1]] = pin[2]
        else:
            assert re.fullmatch(r" +--hash=sha256:[0-9a-f]{64}(?: \\)?|\s*#.*", line), line
    return versions


def declared() -> dict[str, list[Requirement]]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]
    own = project["name"]
    return {
        "requirements-runtime.lock": [Requirement(line) for line in project["dependencies"]],
        "requirements.lock": [
            Requirement(line) for line in project["dependencies"] + extras if not line.startswith(own)
        ],
    }


@pytest.mark.parametrize("lock", LOCKS)
def test_everything_declared_is_locked_to_a_version_that_fits(lock: str) -> None:
    versions = locked(lock)
    unfit = [
        str(requirement)
        for requirement in declared()[lock]
        if not requirement.specifier.contains(versions.get(canonicalize_name(requirement.name), "0"))
    ]

    assert unfit == [], "run `make lock`"


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_has_hashes(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    packages = re.split(r"^(?=[a-z])", text, flags=re.MULTILINE)[1:]

    assert len(packages) == len(locked(lock))
    assert all("--hash=sha256:" in package for package in packages)


@pytest.mark.parametrize("lock", LOCKS)
def test_no_address_of_an_index_stands_in_a_lock(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")

    assert re.findall(r"://|--(?:extra-)?index-url|--find-links|--trusted-host| @ ", text) == []


def test_the_container_gets_the_very_versions_that_were_tested() -> None:
    everything = locked("requirements.lock")
    runtime = locked("requirements-runtime.lock")

    assert runtime.items() <= everything.items()
    assert "pytest" in everything
    assert "pytest" not in runtime


def test_the_builder_of_the_project_is_locked_too() -> None:
    assert {"hatchling", "editables"} <= locked("requirements.lock").keys()
