"""The repository itself: what was promised is there, and what it says about itself is true."""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("sync", "monitor", "sandbox")
LONGEST_FILE = 450
# A catalogue, looked up and not read; the rule of stock, read in one go.
LONGER = {"sync/codes.py": 700, "sync/stock.py": 480}
LONGEST_FUNCTION = 70

# Hosts of package registries (installs must not depend on one), places on one machine, and notes to self.
UNWANTED = re.compile(
    r"(?:pypi|pythonhosted|npmjs|deb\.debian|security\.debian|archive\.ubuntu)\.(?:org|com)|/work/(?:main|shared)"
    r"|\bTO" + r"DO\b|\bFIX" + r"ME\b"
)


def tracked() -> list[Path]:
    """Return every text file of the repository, committed or about to be."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize(
    "path",
    [
        "monitor/__init__.py",
        "sync/__init__.py",
        "sandbox/__init__.py",
        "tests/conftest.py",
        "alerts.yaml",
        "alerts.test.yaml",
        "Dockerfile",
        ".dockerignore",
        "compose.yaml",
        "pyproject.toml",
        "requirements.lock",
        "requirements-runtime.lock",
        "Makefile",
        ".ci/run",
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "LICENSE",
        "deploy/systemd/lightspeed-sync.service",
        "docs/configuration.md",
        "docs/why.md",
    ],
)
def test_what_was_promised_is_there(path: str) -> None:
    assert (ROOT / path).stat().st_size > 0


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", ".ci/run"])
def test_every_make_command_that_a_page_names_exists(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^|`)make((?: +[a-z-]+\b)+)", text, re.MULTILINE))
    words = {word for names in named for word in names.split()}

    assert {"demo", "test"} <= words
    assert words <= targets()


def test_make_alone_lists_every_target_and_does_nothing() -> None:
    printed = subprocess.run(["make"], cwd=ROOT, check=True, capture_output=True, text=True).stdout

    assert set(re.findall(r"^make ([a-z-]+) ", printed, re.MULTILINE)) == targets()


def test_generated_parts_of_the_documentation_are_current() -> None:
    spec = importlib.util.spec_from_file_location("write_docs", ROOT / "scripts" / "write_docs.py")
    assert spec is not None
    assert spec.loader is not None
    write_docs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(write_docs)
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")

    assert "| `LIGHTSPEED_ACCOUNT_ID` |" in page
    assert write_docs.rewritten(page) == page, "run `make docs`"


def test_no_file_names_a_registry_a_machine_or_unfinished_work() -> None:
    found = []
    for path in tracked():
        text = path.read_bytes().decode("utf-8", errors="replace")
        found += [f"{path.relative_to(ROOT)}: {match[0]}" for match in UNWANTED.finditer(text)]

    assert found == []


def sources() -> Iterator[Path]:
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


def test_files_fit_on_a_few_screens() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in sources()}

    assert {name: length for name, length in lengths.items() if length > LONGER.get(name, LONGEST_FILE)} == {}


def test_functions_are_small() -> None:
    long = []
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and "migrations" not in path.parts:
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                long += [f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"] if length > LONGEST_FUNCTION else []

    assert long == []


@pytest.mark.parametrize("package", PACKAGES)
def test_every_module_opens_with_one_sentence(package: str) -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / package).rglob("*.py"))
        if not (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").strip()
    ]

    assert silent == []
