"""What runs in production: the image, the compose file and the systemd unit."""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name
from ruamel.yaml import YAML

from sync.config import NAMES

ROOT = Path(__file__).resolve().parents[2]
UNIT = ROOT / "deploy" / "systemd" / "lightspeed-sync.service"
DOCKERFILE = ROOT / "Dockerfile"
COMPOSE = ROOT / "compose.yaml"


def allowed_into_the_image() -> set[str]:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    return {line.removeprefix("!") for line in lines if line.startswith("!")}


def test_the_image_is_built_of_exactly_what_is_let_into_it() -> None:
    copies = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE.read_text(encoding="utf-8"), re.MULTILINE)

    assert {name for names in copies for name in names.split()} == allowed_into_the_image()


def test_the_image_runs_without_root_and_asks_after_its_health() -> None:
    text = DOCKERFILE.read_text(encoding="utf-8")

    assert "\nUSER 10001:10001\n" in text
    assert "/healthz" in text
    assert "syntax=" not in text  # would fetch a frontend, which an offline build cannot


@pytest.mark.parametrize("file", [DOCKERFILE, COMPOSE, UNIT], ids=lambda path: path.name)
def test_only_settings_that_exist_are_set(file: Path) -> None:
    known = {*NAMES, *(f"{name}_FILE" for name in NAMES)}
    words = set(re.findall(r"\b((?:[A-Z]+_)+[A-Z]+)(?==|: )", file.read_text(encoding="utf-8")))
    foreign = {"PYTHON_IMAGE", "PIP_DISABLE_PIP_VERSION_CHECK", "PIP_NO_CACHE_DIR", "PIP_NO_INPUT"}

    assert words - foreign - {"PIP_ROOT_USER_ACTION"} <= known
    assert words & known


def test_the_compose_service_may_write_only_its_state() -> None:
    service = YAML(typ="safe").load(COMPOSE)["services"]["lightspeed-sync"]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert [volume for volume in service["volumes"] if not volume.endswith(":ro")] == ["state:/var/lib/lightspeed-sync"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])


def test_a_wrong_setting_is_not_answered_with_restarts() -> None:
    assert "\nRestartPreventExitStatus=2\n" in UNIT.read_text(encoding="utf-8")


@pytest.mark.peer
def test_systemd_finds_the_unit_hardened() -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is missing (Debian's package systemd)")
    command = [analyze, "security", "--offline=true", "--no-pager", str(UNIT)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout

    score = re.search(r"Overall exposure level .*: ([0-9.]+)", printed)

    assert score is not None
    assert float(score[1]) <= 2.0


@pytest.mark.peer
def test_systemd_understands_every_line_of_the_unit(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is missing (Debian's package systemd)")
    unit = tmp_path / UNIT.name
    program = "/opt/lightspeed-sync/bin/lightspeed-sync"
    unit.write_text(UNIT.read_text(encoding="utf-8").replace(program, "/bin/true"), encoding="utf-8")

    result = subprocess.run([analyze, "verify", str(unit)], check=False, capture_output=True, text=True)

    assert [line for line in result.stderr.splitlines() if UNIT.name in line] == []


def test_the_functions_package_holds_what_it_loads() -> None:
    """What it does without where it is missing is no part of it."""
    script = (
        "import sys, importlib.metadata as m, sync.storefront.aws, psycopg, sqlalchemy.dialects.postgresql.psycopg\n"
        "found = m.packages_distributions()\n"
        "print(*{each for name in list(sys.modules) for each in found.get(name.partition('.')[0], [])})"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, text=True)
    package = (ROOT / "deploy" / "lambda" / "package.sh").read_text(encoding="utf-8")
    (needed,) = re.findall(r'^needed="([^"]+)"', package, re.MULTILINE)
    held = set(needed.replace("\\\n", " ").split())
    optional = {
        "attrs",
        "greenlet",
        "pygments",
        "rich",
        "setuptools",
        "editables",
        "lightspeed-sync",
        "coverage",
        "pytest",
    }

    assert {canonicalize_name(name) for name in done.stdout.split()} - optional <= held
    locked = set(re.findall(r"^([a-z0-9-]+)", (ROOT / "requirements-runtime.lock").read_text(), re.MULTILINE))
    assert held <= locked


@pytest.mark.slow
def test_the_installer_lays_out_a_service_and_keeps_what_somebody_wrote(tmp_path: Path) -> None:
    settings = tmp_path / "etc" / "lightspeed-sync"
    command = [str(ROOT / "deploy" / "install"), "--root", str(tmp_path)]

    subprocess.run(command, check=True, capture_output=True, text=True)
    first = (tmp_path / "opt/lightspeed-sync/bin").resolve()
    (settings / "environment").write_text("ENVIRONMENT=sandbox\n", encoding="utf-8")
    subprocess.run(command, check=True, capture_output=True, text=True)

    second = (tmp_path / "opt/lightspeed-sync/bin").resolve()
    assert first.is_dir()
    assert second != first
    assert (settings / "environment").read_text(encoding="utf-8") == "ENVIRONMENT=sandbox\n"
    assert stat.S_IMODE((settings / "credentials").stat().st_mode) == 0o750
    assert stat.S_IMODE((tmp_path / "var/lib/lightspeed-sync").stat().st_mode) == 0o700
    assert (tmp_path / "etc/systemd/system/lightspeed-sync.service").read_bytes() == UNIT.read_bytes()
    told = subprocess.run([second / "lightspeed-sync", "--version"], check=True, capture_output=True, text=True)
    assert told.stdout.startswith("lightspeed-sync ")


def test_the_installer_names_an_option_that_is_none() -> None:
    ended = subprocess.run([ROOT / "deploy" / "install", "--rot"], check=False, capture_output=True, text=True)

    assert (ended.returncode, "no option --rot; see --help" in ended.stderr) == (2, True)


def test_the_installed_command_takes_settings_as_they_stand(tmp_path: Path) -> None:
    """What a shell would carry out or expand is a value like any other."""
    told = {"SMTP_URL": "smtps://u:p&x;y@mail.example:465", "MAIL_FROM": "a b $(id) `id` $HOME", "SIZE": "1=2"}
    quoted = ["# a remark", "", "not a setting", f"SMTP_URL={told['SMTP_URL']}", f'MAIL_FROM="{told["MAIL_FROM"]}"']
    (tmp_path / "environment").write_text("\n".join([*quoted, "SIZE='1=2'"]), encoding="utf-8")
    program = tmp_path / "lightspeed-sync"
    program.write_text("#!/bin/sh\nenv\n", encoding="utf-8")
    program.chmod(0o755)
    text = (ROOT / "deploy" / "systemd" / "lightspeed-sync").read_text(encoding="utf-8")
    text = text.replace("/opt/lightspeed-sync/bin", str(tmp_path)).replace("/etc/lightspeed-sync", str(tmp_path))
    command = tmp_path / "command"
    command.write_text(text.replace('"$(id -u)" = 0', "nobody = root"), encoding="utf-8")

    ran = subprocess.run(["sh", command], check=True, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"})

    seen = dict(line.split("=", 1) for line in ran.stdout.splitlines() if "=" in line)
    assert {name: seen[name] for name in told} == told
    assert seen["STATE_DIR"] == "/var/lib/lightspeed-sync"
