"""Every command line of the shop's runbook has its row in docs/runbook.md, and every command named there parses."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from monitor.cli.commands import app

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "runbook.md"
SHARED = ROOT.parent / "shared" / "runbook.md"
_OURS = re.compile(r"`lightspeed-sync ([^`\n]+)`")
_SCRIPT = re.compile(r"^ *(?:node scripts/([\w-]+\.js)|npm run ([\w:-]+))", re.MULTILINE)


def named() -> list[str]:
    """Return the words of every command that the page names."""
    return list(dict.fromkeys(_OURS.findall(PAGE.read_text(encoding="utf-8"))))


def parse(words: str) -> None:
    """Parse a command line as the program would, without carrying it out; raises what the parser raises."""
    command: Any = get_command(app)
    rest, context = shlex.split(words), None
    while hasattr(command, "commands"):
        name, *rest = rest
        command = command.commands[name]
    context = command.make_context(name, rest, parent=context)
    context.close()


@pytest.mark.parametrize("words", named())
def test_every_command_of_the_page_parses(words: str) -> None:
    parse(words)


@pytest.mark.parametrize("words", ["validate --generate-report", "restore", "sync --products", "sku map ONE"])
def test_a_command_line_that_is_wrong_would_be_seen(words: str) -> None:
    with pytest.raises(Exception, match=r"(?i)no such option|missing|requires an argument"):
        parse(words)


@pytest.mark.shared
def test_every_script_of_the_runbook_has_a_row() -> None:
    if not SHARED.exists():
        pytest.skip("the shop's runbook is not there")
    scripts = {one or other for one, other in _SCRIPT.findall(SHARED.read_text(encoding="utf-8"))}
    page = PAGE.read_text(encoding="utf-8")
    assert len(scripts) == 11
    assert {name for name in scripts if name not in page} == set()
