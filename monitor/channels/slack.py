"""Slack: the firing message is posted, edited in place when it is over, and answered in its thread.

A bot token is the main way. An incoming webhook can only post: its messages have no address, so nothing is edited.
The SDK's own retries are off; the outbox waits instead.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from slack_sdk.webhook.async_client import AsyncWebhookClient

from monitor.channels.base import Ambiguous, ChannelRefused, DeliveryError, Malformed, Throttled, Unreachable
from monitor.channels.slack_blocks import MOST_TOGETHER, answered, edited, posted
from monitor.channels.wording import OVER
from monitor.notice import Item, Kind, Parcel, Receipt

log = structlog.get_logger()

_RETRY = frozenset({"service_unavailable", "request_timeout", "team_added_to_org", "message_limit_exceeded"})
_DOUBTFUL = frozenset({"internal_error", "fatal_error"})  # Slack says that the message may have been posted
_THROTTLED = frozenset({"ratelimited", "rate_limited"})
_OUR_BUG = frozenset(
    {
        "invalid_blocks",
        "invalid_blocks_format",
        "invalid_attachments",
        "invalid_arguments",
        "invalid_metadata_format",
        "msg_blocks_too_long",
        "msg_too_long",
        "no_text",
        "invalid_payload",
        "invalid_form_data",
        "too_many_attachments",
    }
)
_POST_ANEW = frozenset(
    {
        "message_not_found",
        "cant_update_message",
        "edit_window_closed",
        "is_inactive",
        "cannot_reply_to_message",
        "thread_not_found",
        "restricted_action_thread_locked",
    }
)
_CODE = re.compile(r"[a-z_]{2,60}")
_HTTP_OK, _HTTP_THROTTLED, _HTTP_ERROR = 200, 429, 500


class Slack:
    """A Slack channel reached with a bot token; `channel` is its name or id, `seconds` the longest of one call.

    `buttons` are shown where somebody hears when they are pressed.
    """

    def __init__(
        self, *, token: str, channel: str, base_url: str, seconds: float = 20.0, buttons: bool = False
    ) -> None:
        self._channel = channel
        self._buttons = buttons
        self._client = AsyncWebClient(
            token=token, base_url=base_url, timeout=_whole(seconds), ssl=_verifying(base_url), retry_handlers=[]
        )

    @property
    def recipients(self) -> Sequence[str]:
        """Return one recipient: all read the same message."""
        return ("",)

    def together(self, items: Sequence[Item]) -> Sequence[Item]:
        """Return what belongs into one thread, or begins one."""
        root = _root(items[0])
        return [item for item in items if _root(item) == root][:MOST_TOGETHER]

    async def send(self, parcel: Parcel, *, plain: bool = False) -> Receipt:
        """Post the message; or edit its incidents' first one when something is over, and answer in its thread."""
        root = _root(parcel.items[0])
        if root is None:
            return await self._post(posted(parcel, plain=plain, buttons=self._buttons))
        try:
            if any(notice.kind in OVER for notice in parcel.notices):
                content = edited(parcel, plain=plain, buttons=self._buttons)
                await self._call("chat.update", channel=root.channel, ts=root.message, **content)
            loud = any(notice.kind is Kind.REMINDER for notice in parcel.notices)  # a thread alone would go unnoticed
            where = {"channel": root.channel, "thread_ts": root.message, "reply_broadcast": loud or None}
            return replace(await self._post(answered(parcel), **where), thread=root.message)
        except _Gone:
            return await self._post(posted(parcel, plain=plain, buttons=self._buttons))

    async def edit(self, item: Item) -> None:
        """Show in an incident's first message how it stands, and what people did about it."""
        root = _root(item)
        if root is None:
            return
        content = edited(Parcel(item.notice.identity, (item,)), plain=False, buttons=self._buttons)
        with suppress(_Gone):
            await self._call("chat.update", channel=root.channel, ts=root.message, **content)

    async def close(self) -> None:
        """Nothing stays open between calls."""

    async def _post(self, content: Mapping[str, Any], **where: Any) -> Receipt:
        arguments = {"channel": self._channel, "unfurl_links": False, **content, **where}
        answer = await self._call("chat.postMessage", **arguments)
        return Receipt(str(answer.get("channel", "")), str(answer.get("ts", "")))

    async def _call(self, method: str, **arguments: Any) -> Mapping[str, Any]:
        given = {name: value for name, value in arguments.items() if value is not None}
        try:
            answer = await self._client.api_call(method, json=given)
        except SlackApiError as error:
            raise _refusal(error) from None
        except (aiohttp.ClientConnectorError, aiohttp.ClientProxyConnectionError) as error:
            raise Unreachable(f"{method}: {type(error).__name__}") from None
        except (TimeoutError, SlackClientError, aiohttp.ClientError, OSError, ValueError) as error:
            raise Ambiguous(f"{method}: {type(error).__name__}") from None
        data = answer.data
        if not isinstance(data, Mapping):
            raise Ambiguous(f"{method}: the answer is no JSON object")
        return data


class SlackWebhook:
    """A Slack channel reached by its incoming webhook, whose address is a secret."""

    def __init__(self, *, url: str, seconds: float = 20.0, buttons: bool = False) -> None:
        self._buttons = buttons
        self._client = AsyncWebhookClient(url, timeout=_whole(seconds), ssl=_verifying(url), retry_handlers=[])

    @property
    def recipients(self) -> Sequence[str]:
        """Return one recipient: all read the same message."""
        return ("",)

    def together(self, items: Sequence[Item]) -> Sequence[Item]:
        """Return as many as a message can hold."""
        return items[:MOST_TOGETHER]

    async def send(self, parcel: Parcel, *, plain: bool = False) -> Receipt:
        """Post the message; a webhook can neither edit nor answer."""
        content = posted(parcel, plain=plain, buttons=self._buttons)
        try:
            answer = await self._client.send(text=content["text"], blocks=content["blocks"], unfurl_links=False)
        except (aiohttp.ClientConnectorError, aiohttp.ClientProxyConnectionError) as error:
            raise Unreachable(f"webhook: {type(error).__name__}") from None
        except (TimeoutError, SlackClientError, aiohttp.ClientError, OSError, ValueError) as error:
            raise Ambiguous(f"webhook: {type(error).__name__}") from None
        if answer.status_code == _HTTP_OK and answer.body == "ok":
            return Receipt("", parcel.identity)
        headers = {str(name).lower(): str(value) for name, value in answer.headers.items()}
        raise _failure(str(answer.body), answer.status_code, headers)

    async def close(self) -> None:
        """Nothing stays open between calls."""


class SlackTwoWays:
    """Slack by the bot's token; by the webhook what that way is surely not taken."""

    def __init__(self, bot: Slack, webhook: SlackWebhook) -> None:
        self._bot = bot
        self._webhook = webhook

    @property
    def recipients(self) -> Sequence[str]:
        """Return one recipient: all read the same message."""
        return self._bot.recipients

    def together(self, items: Sequence[Item]) -> Sequence[Item]:
        """Return what belongs into one thread, or begins one."""
        return self._bot.together(items)

    async def send(self, parcel: Parcel, *, plain: bool = False) -> Receipt:
        """Send it one way or the other; where neither took it, raise what is wrong with the first, unless in doubt."""
        try:
            return await self._bot.send(parcel, plain=plain)
        except (ChannelRefused, Unreachable) as error:
            try:
                receipt = await self._webhook.send(parcel, plain=plain)
            except Ambiguous:
                raise
            except DeliveryError:
                raise error from None
            log.warning("notification.second_path", channel="slack", code=error.code.name, detail=error.detail)
            return receipt

    async def edit(self, item: Item) -> None:
        """Edit what the bot posted; what came by the webhook has no address."""
        await self._bot.edit(item)

    async def close(self) -> None:
        """Nothing stays open between calls."""


class _Gone(DeliveryError):
    """The message that was to be edited or answered is not there any more."""


def _root(item: Item) -> Receipt | None:
    """Return the message of its incident that can be edited and answered."""
    root = item.previous.root
    return root if root is not None and root.channel else None


def _refusal(error: SlackApiError) -> DeliveryError:
    answer = error.response
    if not isinstance(answer, AsyncSlackResponse):  # a body that was no JSON comes as the bare HTTP response
        return _failure("", int(getattr(answer, "status", 0)), {})
    headers = {str(name).lower(): str(value) for name, value in answer.headers.items()}
    data = answer.data if isinstance(answer.data, Mapping) else {}
    return _failure(str(data.get("error") or ""), int(answer.status_code), headers)


def _failure(code: str, status: int, headers: Mapping[str, str]) -> DeliveryError:
    """Sort Slack's own error codes by what is to be done about them."""
    if not _CODE.fullmatch(code):
        code = ""  # a web page, or nothing at all
    shown = code or f"HTTP {status}"
    if status == _HTTP_THROTTLED or code in _THROTTLED:
        return Throttled(shown, retry_after=_seconds(headers.get("retry-after")))
    if code in _POST_ANEW:
        return _Gone(shown)
    if code in _OUR_BUG:
        return Malformed(shown)
    if code in _RETRY:
        return Unreachable(shown)
    if code in _DOUBTFUL or not code or status >= _HTTP_ERROR:
        return Ambiguous(shown)
    return ChannelRefused(shown)


def _seconds(text: str | None) -> float | None:
    return float(text) if text is not None and text.strip().isdecimal() else None


def _whole(seconds: float) -> int:
    return max(1, round(seconds))


def _verifying(url: str) -> ssl.SSLContext | None:
    return ssl.create_default_context() if url.startswith("https:") else None
