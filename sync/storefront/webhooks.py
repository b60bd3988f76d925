"""The door for webhooks: who it is from, then what it is, then one commit, then the 200."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from starlette.datastructures import Headers

from sync.clock import Clock
from sync.events import Listener, WebhookMet
from sync.ports import Inbox
from sync.storefront.app import Delivery
from sync.storefront.signature import signed_webhook
from sync.webhooks import NotWebhook, Receipt, Topic, Webhook, essence, moment_of, parse_body, subject_of, topic_of

_LONGEST_ID = 100


class WebhookDoor:
    """Takes webhooks of one shop. All it waits for is the one commit; `secrets` are the present and the last."""

    def __init__(self, *, inbox: Inbox, clock: Clock, tell: Listener, shop: str, secrets: Sequence[str]) -> None:
        self._inbox = inbox
        self._clock = clock
        self._tell = tell
        self._shop = shop
        self._secrets = tuple(secrets)

    async def __call__(self, delivery: Delivery) -> HTTPStatus:
        """Return 200 once the delivery is stored, was stored before or is of no interest; 401, 400 otherwise."""
        headers = delivery.headers
        if not self._is_ours(headers, delivery.body):
            return self._refuse(HTTPStatus.UNAUTHORIZED)
        webhook_id = _only(headers, "x-shopify-webhook-id")
        if not _is_id(webhook_id):
            return self._refuse(HTTPStatus.BAD_REQUEST)
        try:
            body = parse_body(delivery.body)
        except NotWebhook:
            return self._refuse(HTTPStatus.BAD_REQUEST)
        topic = topic_of(_only(headers, "x-shopify-topic"))
        if topic is None:
            return self._count(None, Receipt.IGNORED)
        event_id = _only(headers, "x-shopify-event-id")
        webhook = Webhook(
            webhook_id=webhook_id,
            event_id=event_id if _is_id(event_id) else "",
            topic=topic,
            shop=self._shop,
            triggered_at=moment_of(_only(headers, "x-shopify-triggered-at")),
            received_at=self._clock.now(),
            subject=subject_of(topic, body),
            body=essence(topic, body),
        )
        return self._count(topic, await self._inbox.keep(webhook))

    def _is_ours(self, headers: Headers, body: bytes) -> bool:
        """Tell whether the bytes are signed and the shop is the configured one; the signature covers no header."""
        signed = signed_webhook(body, _only(headers, "x-shopify-hmac-sha256"), self._secrets)
        return signed and _only(headers, "x-shopify-shop-domain") == self._shop

    def _refuse(self, status: HTTPStatus) -> HTTPStatus:
        self._tell(WebhookMet(None, Receipt.REFUSED))
        return status

    def _count(self, topic: Topic | None, receipt: Receipt) -> HTTPStatus:
        self._tell(WebhookMet(topic, receipt))
        return HTTPStatus.OK


def _only(headers: Headers, name: str) -> str:
    """Return a header that is there exactly once, "" otherwise."""
    given = headers.getlist(name)
    return given[0] if len(given) == 1 else ""


def _is_id(text: str) -> bool:
    return 0 < len(text) <= _LONGEST_ID and text.isascii() and text.isprintable() and " " not in text
