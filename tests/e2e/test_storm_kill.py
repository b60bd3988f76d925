"""A real process is killed again and again with SIGKILL while alerts come and go and every service fails in its way."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random

import pytest

from monitor.serving import bind_tcp, serving
from sandbox.clock import RealClock
from sandbox.faults import Fault, Faults
from sandbox.messages.certificate import make_certificate
from sandbox.messages.mail import PASSWORD, USER, Mailbox, mail_server
from sandbox.messages.slack import TOKEN, SlackWorkspace
from sandbox.messages.slack_app import slack_app
from sandbox.messages.sms import ACCOUNT_SID, AUTH_TOKEN, FROM, SmsInbox, sms_app
from tests.conftest import ROOT
from tests.monitor.storm import TROUBLES, Arrivals, alerts_file
from tests.monitor.test_storm import check

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

_COUNT, _SECONDS, _DOWN, _LIFE = 100, 120.0, (40.0, 70.0), 3.0
_PATIENCE = 240.0  # seconds after the storm in which everything must be told
_THRIFT = "    budget: {minute: 60, quarter: 900, hour: 3600}\n    pace: 1s\n"


class Storm(Arrivals):
    """The services on real sockets, the weather, and the process's lives."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = RealClock()
        self.rng = Random(11)
        self.faults = Faults()
        self.slack = SlackWorkspace(clock=self.clock)
        self.mail = Mailbox(self.faults, clock=self.clock)
        self.phones = SmsInbox(clock=self.clock)
        self.lives = 0

    async def run(self) -> None:
        (self.folder / "alerts.yaml").write_text(alerts_file(_COUNT) + _THRIFT)
        (self.folder / "level").write_text("0")
        async with AsyncExitStack() as stack:
            env = await self._serve(stack)
            async with asyncio.TaskGroup() as tasks:
                weather = tasks.create_task(self._weather())
                level = tasks.create_task(self._rise_and_fall())
                door = tasks.create_task(self._slack_opens_and_closes())
                while not level.done():
                    await self._live(env, level)
                await door
                weather.cancel()
                self.faults.clear()
                await self._last_life(env)
                self._closing.set()
                await self._again

    async def _serve(self, stack: AsyncExitStack) -> dict[str, str]:
        certificate = make_certificate(self.folder, now=self.clock.now())
        smtp = await stack.enter_async_context(mail_server(self.mail, certificate.server_context()))
        texts = bind_tcp("127.0.0.1", 0)
        sms_port = texts.getsockname()[1]
        await stack.enter_async_context(serving(sms_app(self.phones, self.faults, clock=self.clock), texts))
        self._slack_socket = bind_tcp("127.0.0.1", 0)
        self._slack_port = self._slack_socket.getsockname()[1]
        self._closing = asyncio.Event()
        return {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            "ENVIRONMENT": "sandbox",
            "PYTHONPATH": str(ROOT),
            "STATE_DIR": str(self.folder),
            "SLACK_API_URL": f"http://127.0.0.1:{self._slack_port}/api/",
            "SLACK_BOT_TOKEN": TOKEN,
            "SMTP_URL": f"smtp+starttls://{USER}:{PASSWORD}@127.0.0.1:{smtp}",
            "SMTP_CA_FILE": str(certificate.ca_file),
            "MAIL_FROM": "lightspeed-sync@wtfswag.com",
            "TWILIO_API_URL": f"http://127.0.0.1:{sms_port}",
            "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
            "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
            "TWILIO_FROM": FROM,
        }

    async def _slack_opens_and_closes(self) -> None:
        """Serve Slack, with nobody at its door for half a minute; the last serving ends with the storm."""
        app = slack_app(self.slack, self.faults, clock=self.clock)
        async with serving(app, self._slack_socket):
            await self.clock.sleep(_DOWN[0])
        await self.clock.sleep(_DOWN[1] - _DOWN[0])
        self._again = asyncio.create_task(self._serve_slack_on(app))

    async def _serve_slack_on(self, app: object) -> None:
        async with serving(app, bind_tcp("127.0.0.1", self._slack_port)):  # type: ignore[arg-type]
            await self._closing.wait()

    async def _weather(self) -> None:
        while True:
            for (service, operation), kinds in TROUBLES.items():
                self.faults.clear(service)
                if self.rng.random() < 0.5:
                    self.faults.add(service, operation, Fault(self.rng.choice(kinds), seconds=self.rng.randint(1, 4)))
            await self.clock.sleep(self.rng.uniform(0.2, 1.0))

    async def _rise_and_fall(self) -> None:
        steps = 60
        for step in range(steps):
            share = 1 - abs(2 * step / steps - 1)
            (self.folder / "level").write_text(str(round(_COUNT * min(1.0, 1.1 * share))))
            await self.clock.sleep(_SECONDS / steps)
        (self.folder / "level").write_text("0")

    async def _process(self, env: dict[str, str]) -> asyncio.subprocess.Process:
        self.lives += 1
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.e2e.storm_process", str(self.folder), env=env, cwd=ROOT,
            stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip

    async def _live(self, env: dict[str, str], level: asyncio.Task[None]) -> None:
        """Run the process for 3 seconds from its first judging on."""
        (self.folder / "runs").unlink(missing_ok=True)
        process = await self._process(env)
        try:
            while not (self.folder / "runs").exists() and not level.done():
                await self.clock.sleep(0.1)  # its note is all that we see of it
                assert process.returncode is None
            await self.clock.sleep(_LIFE)
        finally:
            process.kill()
            await process.wait()

    async def _last_life(self, env: dict[str, str]) -> None:
        (self.folder / "quiet").unlink(missing_ok=True)
        process = await self._process(env)
        try:
            async with asyncio.timeout(_PATIENCE):
                while not (self.folder / "quiet").exists():
                    await self.clock.sleep(0.5)
                    assert process.returncode is None
        finally:
            process.kill()
            await process.wait()


async def test_a_hundred_alerts_in_two_minutes_and_a_real_process_killed_every_three_seconds(tmp_path: Path) -> None:
    storm = Storm(tmp_path)
    await storm.run()
    await storm.read(storm.clock.now())
    noted = tmp_path / "in_doubt"
    in_doubt = Counter(noted.read_text().split() if noted.exists() else ())

    check(storm, _COUNT, in_doubt=in_doubt, lives=storm.lives)
    assert storm.lives > 10
