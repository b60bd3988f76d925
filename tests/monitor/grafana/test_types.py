"""The dashboards against Grafana's own types: what its TypeScript compiler says of them, word by word."""

from __future__ import annotations

import copy
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.monitor.grafana.boards import BOARDS, Json

pytestmark = pytest.mark.peer

PLACE = ROOT / ".peers" / "grafana-types" / "node_modules"
TYPES = Path(__file__).parent / "dashboard.d.ts"
OPTIONS = {
    "compilerOptions": {
        "strict": True,
        "noEmit": True,
        "module": "nodenext",
        "target": "es2022",
        "skipLibCheck": True,
        "types": [],
    },
    "include": ["*.ts"],
}


@pytest.fixture
def tsc(tmp_path: Path) -> Path:
    if not (PLACE / ".bin" / "tsc").exists() or shutil.which("node") is None:
        pytest.skip("Grafana's types are not here (`make peers` fetches them)")
    (tmp_path / "node_modules").symlink_to(PLACE)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "tsconfig.json").write_text(json.dumps(OPTIONS))
    shutil.copy(TYPES, tmp_path)
    return tmp_path


def said(folder: Path, boards: dict[str, Json]) -> list[str]:
    """Return what the compiler has to say of some dashboards, each in a file of its name."""
    for name, board in boards.items():
        text = json.dumps(board, indent=1)
        (folder / f"{name}.ts").write_text(
            f'import type {{ Board }} from "./dashboard.js";\nexport const board: Board = {text};\n'
        )
    command = [str(PLACE / ".bin" / "tsc"), "--project", "."]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode in (0, 2), done.stdout + done.stderr
    return [line for line in done.stdout.splitlines() if re.match(r"\S+\.ts\(", line)]


def changed(*path: Any, to: Any) -> Json:
    board = copy.deepcopy(BOARDS["overview"])
    inner: Any = board
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = to
    return board


def place_of(kind: str) -> tuple[str, int]:
    return "panels", next(n for n, panel in enumerate(BOARDS["overview"]["panels"]) if panel["type"] == kind)


def test_grafanas_compiler_takes_every_dashboard_and_finds_every_mistake(tsc: Path) -> None:
    wrong = {
        "wrong_enum": changed(*place_of("timeseries"), "options", "legend", "placement", to="left"),
        "wrong_number": changed(*place_of("stat"), "gridPos", "w", to="4"),
        "wrong_property": changed(*place_of("timeseries"), "fieldConfig", "defaults", "custom", "lineWeight", to=1),
        "wrong_mode": changed(*place_of("stat"), "options", "colorMode", to="loud"),
        "wrong_variable": changed("templating", "list", 0, "type", to="guess"),
        "wrong_kind": changed(*place_of("stat"), "type", to="singlestat"),
    }

    complaints = said(tsc, {**BOARDS, **wrong})

    assert {line.partition(".ts(")[0] for line in complaints} == set(wrong), "\n".join(complaints)
