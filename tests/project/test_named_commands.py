"""Whatever names a command of ours, in remedies, help, texts and service files, names one that exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from monitor.cli.commands import app
from sync.errors import Code

ROOT = Path(__file__).resolve().parents[2]
_IN_CODE = re.compile(r"`lightspeed-sync((?: [^`\n]*)?)`")
_AFTER = re.compile(r"(?:Example: |[Ww]ith: |bin/|number:   |stand:   )lightspeed-sync((?: [^\n]*)?)$", re.MULTILINE)
_PROMPT = re.compile(r"^(?:\$ )?lightspeed-sync((?: [^\n]*)?)$", re.MULTILINE)
_TEXTS = ("README.md", "ARCHITECTURE.md", "CHANGELOG.md", "docs/*.md", "alerts.yaml", "compose.yaml", "deploy/**/*")
_BEING_BUILT: set[str] = set()  # named already; whoever adds the command takes its name out of here
_TABLE_ROW = re.compile(r"^\| (`.*?`) \|", re.MULTILINE)


def named() -> Iterator[tuple[str, str]]:
    """Yield where a command is named, and its words."""
    for code in Code:
        for text in (code.sentence, code.remedy):
            yield from ((code.name, words) for words in _IN_CODE.findall(text))
    sources = [*ROOT.glob("sync/**/*.py"), *ROOT.glob("monitor/**/*.py"), *ROOT.glob("monitor/templates/*")]
    texts = [path for pattern in _TEXTS for path in ROOT.glob(pattern) if path.is_file()]
    for path in sorted([*sources, *texts]):
        text = path.read_text(encoding="utf-8")
        found = [*_IN_CODE.findall(text), *_AFTER.findall(text), *_PROMPT.findall(text)]
        yield from ((str(path.relative_to(ROOT)), words) for words in found)


def mistake(words: str) -> str:
    """Return what is wrong with a command line that is named somewhere, "" if nothing is."""
    command: Any = get_command(app)
    rest = re.sub(r"\{[^}]*\}|[\"'].*", "", words).split()
    while rest and (group := getattr(command, "commands", {})) and not rest[0].startswith("-"):
        name = rest.pop(0)
        if name not in group:
            return f"there is no command {name!r}"
        command = group[name]
    flags = {flag for parameter in command.params for flag in parameter.opts} | {"--help"}
    strange = [word for word in rest if word.startswith("-") and word.partition("=")[0] not in flags]
    return f"{command.name} has no {', '.join(strange)}" if strange else ""


def test_every_command_that_is_named_exists() -> None:
    found = list(named())
    assert len(found) > 40, "the search still finds what is written"
    known = [(place, words) for place, words in found if words.split()[:1] not in [[name] for name in _BEING_BUILT]]
    assert {f"{place}: lightspeed-sync{words}: {wrong}" for place, words in known if (wrong := mistake(words))} == set()


def test_a_command_that_exists_is_being_built_no_more() -> None:
    assert {name for name in _BEING_BUILT if not mistake(f" {name}")} == set()


def test_every_command_stands_in_the_table_of_commands_and_no_other() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = readme[readme.index("\n## Commands") : readme.index("\nExit codes:")]
    told = [line for row in _TABLE_ROW.findall(table) for line in re.findall(r"`([^`]+)`", row)]
    assert {line: wrong for line in told if (wrong := mistake(line.partition("[")[0]))} == {}
    first = {line.split()[0] for line in told}
    assert first == set(vars(get_command(app))["commands"])


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (" conflicts list", ""),
        (" sync --full --dry-run", ""),
        (' pause --reason "x --y"', ""),
        (" rewind --backup-file FILE", "there is no command 'rewind'"),
        (" sync --everything", "sync has no --everything"),
        (" conflicts guess", "there is no command 'guess'"),
    ],
)
def test_a_command_that_does_not_exist_would_be_found(words: str, wrong: str) -> None:
    assert mistake(words) == wrong
