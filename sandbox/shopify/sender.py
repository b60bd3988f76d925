"""Sends the store's webhooks: late, twice, out of order or not at all, as Shopify does, and drops who never answers."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

import httpx

from sandbox.shopify.access import CLIENT_SECRET
from sandbox.shopify.model import Event
from sandbox.shopify.state import ShopifyStore
from sandbox.shopify.webhook_bodies import body_of
from sandbox.shopify.webhooks import Subscription

RETRY_MINUTES = (1, 2, 5, 10, 20, 40, 60, 90)
"""Waits before the eight retries; within four hours in all."""
ANSWER_SECONDS, CONNECT_SECONDS = 5.0, 1.0

PRETEND_ADDRESS = "https://shop-hooks.example"
"""A public address that nobody has, for daemons on loopback."""

Post = Callable[[str, Mapping[str, str], bytes], Awaitable[int]]
"""Sends a delivery to an address and returns the status; raises httpx.TransportError where nobody answers in time."""


@dataclass(slots=True)
class Habits:
    """How unreliable the sender is: shares of deliveries, and the longest delay in seconds."""

    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    delay: float = 0.0


@dataclass(slots=True, eq=False)
class Delivery:
    """One webhook on its way; body, id and address are those of the moment it was triggered."""

    subscription: Subscription
    headers: Mapping[str, str]
    body: bytes
    due_at: datetime
    attempts: int = 0
    statuses: list[int] = field(default_factory=list)  # 0: no answer


class WebhookSender:
    """Listens to one store and sends what its subscriptions ask for, whenever `deliver` is called.

    Shopify takes only public https addresses. `hosts` says where such a pretend one really is: from
    `https://shop-hooks.example` to `http://127.0.0.1:8080`. Retries wait `time_scale` times their real waits.
    """

    def __init__(self, store: ShopifyStore, *, seed: int = 1, post: Post | None = None) -> None:
        self.habits = Habits()
        self.hosts: dict[str, str] = {}
        self.secret = CLIENT_SECRET
        self.time_scale = 1.0
        self.sent: list[Delivery] = []  # answered with 2xx, in that order
        self.given_up: list[Delivery] = []
        self.waiting: list[Delivery] = []
        self._store = store
        self._random = random.Random(seed)
        self._post = post or _post
        store.events.append(self._hear)

    def _hear(self, event: Event) -> None:
        topic = event.topic.upper().replace("/", "_")
        told = [row for row in self._store.subscriptions.rows.values() if row.topic == topic]
        event_id = str(UUID(int=self._random.getrandbits(128), version=4))
        for subscription in told:
            if self._random.random() < self.habits.loss:
                continue
            delivery = self._delivery(event, subscription, event_id)
            self.waiting.append(delivery)
            if self._random.random() < self.habits.duplicate:
                self.waiting.append(replace(delivery, statuses=[]))
        if self.waiting and self._random.random() < self.habits.reorder:
            self._random.shuffle(self.waiting)

    def _delivery(self, event: Event, subscription: Subscription, event_id: str) -> Delivery:
        body = json.dumps(body_of(self._store, event, subscription.include_fields), separators=(",", ":")).encode()
        signature = base64.b64encode(hmac.new(self.secret.encode(), body, hashlib.sha256).digest()).decode()
        headers = {
            "Content-Type": "application/json",
            "X-Shopify-Topic": event.topic,
            "X-Shopify-Hmac-Sha256": signature,
            "X-Shopify-Shop-Domain": self._store.domain,
            "X-Shopify-API-Version": subscription.api_version_handle,
            "X-Shopify-Webhook-Id": str(UUID(int=self._random.getrandbits(128), version=4)),
            "X-Shopify-Event-Id": event_id,
            "X-Shopify-Triggered-At": f"{event.at:%Y-%m-%dT%H:%M:%S.%f}Z",
        }
        late = timedelta(seconds=self._random.random() * self.habits.delay)
        return Delivery(subscription, headers, body, self._store.clock.now() + late)

    async def deliver(self) -> int:
        """Send what is due by now, one after the other; return how many attempts that were."""
        now = self._store.clock.now()
        due = [each for each in self.waiting if each.due_at <= now]
        self.waiting = [
            each for each in self.waiting if each.due_at > now
        ]  # whoever delivers beside us leaves ours alone
        for each in due:
            await self._attempt(each)
        return len(due)

    async def run(self, every: float = 0.1) -> None:
        """Send for ever, looking every `every` seconds."""
        while True:
            await self.deliver()
            await self._store.clock.sleep(every)

    async def _attempt(self, delivery: Delivery) -> None:
        status = await self._status(delivery)
        delivery.statuses.append(status)
        if 200 <= status < 300:
            self.sent.append(delivery)
            return
        if delivery.attempts == len(RETRY_MINUTES):
            self.given_up.append(delivery)
            self._store.subscriptions.remove(delivery.subscription.id)
            return
        wait = timedelta(minutes=RETRY_MINUTES[delivery.attempts]) * self.time_scale
        delivery.attempts += 1
        delivery.due_at = self._store.clock.now() + wait
        self.waiting.append(delivery)

    async def _status(self, delivery: Delivery) -> int:
        address = httpx.URL(delivery.subscription.uri)
        public = f"{address.scheme}://{address.host}"
        if public not in self.hosts:
            return 0  # a name that leads nowhere
        url = self.hosts[public] + address.raw_path.decode("ascii")
        try:
            return await self._post(url, {**delivery.headers, "Host": address.host}, delivery.body)
        except httpx.TransportError:
            return 0


async def _post(url: str, headers: Mapping[str, str], body: bytes) -> int:
    timeout = httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)
    async with httpx.AsyncClient(timeout=timeout, trust_env=False) as client:
        return (await client.post(url, headers=dict(headers), content=body)).status_code
