"""Shopify's webhooks on virtual time: sent by the pretend store late, twice, out of order or not at all.

They come in at the product's own public listener, as far as that is Python: host, signature, body, the inbox. Only
the socket is missing. A process that has ended answers nothing, and Shopify sends again, for hours.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import httpx

from sandbox.clock import Clock
from sandbox.shopify.model import Event
from sandbox.shopify.sender import ANSWER_SECONDS, Habits, WebhookSender
from sandbox.transport import InProcessTransport
from sandbox.world import World
from tests.simulation.ledger_checks import Record
from tests.simulation.life import in_the_world
from tests.simulation.loop import VirtualLoop
from tests.simulation.process import Machine
from tests.simulation.stock_checks import Accuse
from tests.simulation.trace import Trace

_AWAY = 0.1  # seconds that a delivery travels


class Door:
    """The product's public address, as Shopify sees it: whatever process is up answers."""

    def __init__(self, machine: Machine, *, loop: VirtualLoop, clock: Clock, trace: Trace) -> None:
        self._machine = machine
        self._loop = loop
        self._clock = clock
        self._trace = trace

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """Hand a delivery to the process and return its status; raises httpx.TransportError where none answers."""
        await self._clock.sleep(_AWAY)
        life, app = self._machine.life, self._machine.public
        if life is None or app is None or not life.alive:
            raise httpx.ConnectError("nobody listens")
        request = httpx.Request("POST", url, headers=dict(headers), content=body)
        answering = InProcessTransport(app, clock=self._clock).handle_async_request(request)
        answer = self._loop.create_task(answering, context=life.context)
        over = in_the_world(self._loop, life.over.wait())
        done, _ = await asyncio.wait({answer, over}, timeout=ANSWER_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        over.cancel()
        self._trace.note("webhook", headers["X-Shopify-Topic"], answer in done)
        if answer not in done:
            raise httpx.ReadError("no answer")
        return answer.result().status_code


class Post:
    """Has the store's webhooks sent whenever one is due, and checks that what was answered with 200 was kept."""

    def __init__(
        self, world: World, door: Door, habits: Habits, *, loop: VirtualLoop, record: Record, accuse: Accuse
    ) -> None:
        self._world = world
        self._loop = loop
        self._record = record
        self._accuse = accuse
        self._timer: asyncio.TimerHandle | None = None
        self._checked = 0
        self.sender.habits = habits
        self.sender._post = door.post
        world.shopify.events.append(self._hear)

    @property
    def sender(self) -> WebhookSender:
        """Return who sends them."""
        return self._world.webhooks

    def _hear(self, _: Event) -> None:
        self._plan()

    def _plan(self) -> None:
        """Set the timer to the next moment at which one is due."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.sender.waiting:
            due = min(each.due_at for each in self.sender.waiting)
            seconds = (due - self._world.clock.now()).total_seconds()
            self._timer = self._loop.call_later(max(0.0, seconds), self._send)

    def _send(self) -> None:
        self._timer = None
        in_the_world(self._loop, self.sender.deliver()).add_done_callback(lambda _: self._plan())

    def look(self) -> None:
        """Invariant 11: each delivery that was acknowledged is on record."""
        known = {webhook_id for (webhook_id,) in self._record.rows("SELECT webhook_id FROM webhooks")}
        for each in self.sender.sent[self._checked :]:
            if each.headers["X-Shopify-Webhook-Id"] not in known:
                self._accuse(
                    "11 what was acknowledged is kept", f"a webhook {each.headers['X-Shopify-Topic']} was answered 200"
                )
        self._checked = len(self.sender.sent)
