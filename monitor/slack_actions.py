"""The door for Slack's buttons: proves that Slack sent it, does what was pressed, and shows who did it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
from collections.abc import Awaitable, Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import parse_qs

import httpx
import structlog

from monitor.asked import Acknowledged, AcknowledgeOrder, SilenceOrder
from monitor.channels.slack_blocks import ACKNOWLEDGE, SILENCE, escape
from monitor.channels.wording import clean
from sync.clock import Clock
from sync.errors import Permanent, SyncError
from sync.storefront.app import Delivery

log = structlog.get_logger()

PATH = "/slack/actions"
SILENCED_FOR = timedelta(hours=1)
_SKEW = timedelta(minutes=5)  # a request that was signed longer ago is not taken
_PATIENCE = 2.0  # seconds; Slack wants its answer within 3
_SECONDS = 10.0
_SLACK = "https://hooks.slack.com/"
_NUMBER = re.compile("[0-9]{1,18}")  # of an incident
_OLD = "This message is too old for its buttons; in a terminal `lightspeed-sync alerts ack {}` does the same."
_OVER = "{} does not fire any more: what this message told of is over."


class Desk(Protocol):
    """Takes people's words about alerts; raises Permanent for what cannot be done."""

    def acknowledge(self, order: AcknowledgeOrder) -> Awaitable[Mapping[str, Acknowledged]]: ...  # noqa: D102 - told by its type

    def silence(self, order: SilenceOrder) -> Awaitable[object]: ...  # noqa: D102


def signed(body: bytes, timestamp: str, given: str, secret: str, now: datetime) -> bool:
    """Tell whether Slack signed these bytes with `secret`, and lately."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= len("9999999999")):
        return False
    if abs(now.timestamp() - int(timestamp)) > _SKEW.total_seconds():
        return False
    made = hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(f"v0={made}".encode(), given.encode())


class SlackDoor:
    """Takes presses of buttons. `api_url` is where Slack's API is: answers go there or to Slack's own address only."""

    def __init__(
        self,
        desk: Desk,
        *,
        secret: str,
        api_url: str,
        clock: Clock,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._desk = desk
        self._secret = secret
        self._homes = (_SLACK, str(httpx.URL(api_url).copy_with(path="/")))
        self._clock = clock
        self._transport = transport
        self._seen: dict[str, datetime] = {}
        self._running: set[asyncio.Task[None]] = set()

    async def __call__(self, delivery: Delivery) -> HTTPStatus:
        """Take one press: answered within 2 seconds, whatever it takes."""
        given = delivery.headers.get("x-slack-signature", "")
        timestamp = delivery.headers.get("x-slack-request-timestamp", "")
        now = self._clock.now()
        if not signed(delivery.body, timestamp, given, self._secret, now):
            return HTTPStatus.UNAUTHORIZED
        payload = _payload(delivery.body)
        if payload is None:
            return HTTPStatus.BAD_REQUEST
        if self._is_new(given, now):
            task = asyncio.create_task(self._carry_out(payload))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
            await asyncio.wait({task}, timeout=_PATIENCE)
        return HTTPStatus.OK

    def _is_new(self, signature: str, now: datetime) -> bool:
        """Tell whether a press was not taken before: Slack repeats what it did not hear the answer of."""
        self._seen = {known: at for known, at in self._seen.items() if now - at <= 2 * _SKEW}
        return self._seen.setdefault(signature, now) is now

    async def _carry_out(self, payload: Mapping[str, Any]) -> None:
        who = _who(payload)
        for action in _actions(payload):
            try:
                done = await self._do(str(action.get("action_id")), str(action.get("value", "")), who)
            except SyncError as error:
                log.warning("slack.action_failed", code=error.code.name, detail=error.detail)
                done = error.code.sentence
            if done is not None:
                await self._show(payload, str(action.get("value", "")), done)

    async def _do(self, action: str, value: str, who: str) -> str | None:
        """Do what was pressed; return the sentence that tells of it, None where there is nothing to do."""
        number, _, alert = value.partition(" ")
        if action not in (ACKNOWLEDGE, SILENCE):
            return None
        if not alert:
            return _OLD.format(clean(number, 80) or "NAME")
        try:
            if not _NUMBER.fullmatch(number):  # a drill's
                return _OVER.format(alert)
            if action == ACKNOWLEDGE:
                return await self._acknowledge(alert, int(number), who)
            return await self._silence(alert, int(number), who)
        except Permanent:
            return _OVER.format(alert)

    async def _acknowledge(self, alert: str, incident: int, who: str) -> str:
        before = await self._desk.acknowledge(AcknowledgeOrder(alerts=(alert,), by=who, incident=incident))
        first = before[alert].by if alert in before else who
        return f"{first} acknowledged {alert}." if first == who else f"{first} had acknowledged {alert} before."

    async def _silence(self, alert: str, incident: int, who: str) -> str:
        order = SilenceOrder(alerts=(alert,), length=SILENCED_FOR, reason="pressed in Slack", by=who, incident=incident)
        await self._desk.silence(order)
        return f"{who} silenced {alert} for an hour."

    async def _show(self, payload: Mapping[str, Any], value: str, done: str) -> None:
        """Put into the message what was done, in place of the buttons for it."""
        url, message = str(payload.get("response_url", "")), payload.get("message")
        if not url.startswith(self._homes) or not isinstance(message, Mapping):
            return
        note = {"type": "context", "elements": [{"type": "mrkdwn", "text": escape(done), "verbatim": True}]}
        blocks = [*_without(message.get("blocks"), value), note]
        body = {"replace_original": True, "text": str(message.get("text", "")), "blocks": blocks}
        try:
            async with httpx.AsyncClient(timeout=_SECONDS, transport=self._transport) as client:
                answer = await client.post(url, json=body)
        except httpx.HTTPError as error:
            log.info("slack.action_not_shown", error=type(error).__name__)
        else:
            if not answer.is_success:
                log.info("slack.action_not_shown", status=answer.status_code)


def _payload(body: bytes) -> Mapping[str, Any] | None:
    """Return what a callback says; None where it is none."""
    try:
        found = parse_qs(body.decode("ascii"), max_num_fields=10).get("payload", [""])
        payload = json.loads(found[0])
    except (ValueError, RecursionError):
        return None
    return payload if isinstance(payload, Mapping) else None


def _actions(payload: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    actions = payload.get("actions") if payload.get("type") == "block_actions" else None
    return [action for action in actions if isinstance(action, Mapping)] if isinstance(actions, list) else []


def _who(payload: Mapping[str, Any]) -> str:
    user = payload.get("user")
    names = [user.get(key) for key in ("username", "name", "id")] if isinstance(user, Mapping) else []
    return clean(next((str(name) for name in names if name), "somebody"), 80) + " (Slack)"


def _without(blocks: object, value: str) -> list[Any]:
    """Return the blocks of a message without the buttons of this value; what is no list of blocks is none."""
    kept: list[Any] = []
    for block in blocks if isinstance(blocks, list) else ():
        if isinstance(block, Mapping) and block.get("type") == "actions":
            elements = block.get("elements")
            buttons = [each for each in elements if isinstance(each, Mapping)] if isinstance(elements, list) else []
            rest = [each for each in buttons if each.get("value") != value]
            if rest:
                kept.append({**block, "elements": rest})
        else:
            kept.append(block)
    return kept
