"""Slack: the firing message is posted, edited in place when it is over, and answered in its thread.

A bot token is the main way. An incoming webhook can only post: its messages have no address, so nothing is edited.
The SDK's own retries are off; the outbox waits instead.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from slack_sdk.webhook.async_client import AsyncWebhookClient

from monitor.channels.base import Ambiguous, ChannelRefused, DeliveryError, Malformed, Throttled, Unreachable
from monitor.channels.wording import Wording, or_plain, wording
from monitor.notice import Kind, Notice, Previous, Receipt

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
_OVER = (Kind.RESOLVED, Kind.SUMMARY)


class Slack:
    """A Slack channel reached with a bot token; `channel` is its name or id, `seconds` the longest of one call."""

    def __init__(self, *, token: str, channel: str, base_url: str, seconds: float = 20.0) -> None:
        self._channel = channel
        self._client = AsyncWebClient(
            token=token, base_url=base_url, timeout=_whole(seconds), ssl=_verifying(base_url), retry_handlers=[]
        )

    async def send(self, notice: Notice, previous: Previous, *, plain: bool = False) -> Receipt:
        """Post the message, or edit the incident's first one and answer in its thread."""
        words = wording(notice)
        blocks = None if plain else or_plain(notice, lambda: _blocks(words), None)
        content = {"text": _fallback(words), "blocks": blocks, "metadata": _metadata(notice)}
        root = previous.root
        if root is None or not root.channel:
            return await self._post(content)
        try:
            if notice.kind in _OVER:
                await self._call("chat.update", channel=root.channel, ts=root.message, **_editable(content))
            reply = {"text": content["text"], "metadata": content["metadata"]}
            loud = notice.kind is Kind.REMINDER  # a thread alone would go unnoticed
            return await self._post(
                {**reply, "reply_broadcast": loud or None}, channel=root.channel, thread_ts=root.message
            )
        except _Gone:
            return await self._post(content)

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

    def __init__(self, *, url: str, seconds: float = 20.0) -> None:
        self._client = AsyncWebhookClient(url, timeout=_whole(seconds), ssl=_verifying(url), retry_handlers=[])

    async def send(self, notice: Notice, previous: Previous, *, plain: bool = False) -> Receipt:  # noqa: ARG002
        """Post the message; a webhook can neither edit nor answer."""
        words = wording(notice)
        blocks = None if plain else or_plain(notice, lambda: _blocks(words), None)
        try:
            answer = await self._client.send(text=_fallback(words), blocks=blocks, unfurl_links=False)
        except (aiohttp.ClientConnectorError, aiohttp.ClientProxyConnectionError) as error:
            raise Unreachable(f"webhook: {type(error).__name__}") from None
        except (TimeoutError, SlackClientError, aiohttp.ClientError, OSError, ValueError) as error:
            raise Ambiguous(f"webhook: {type(error).__name__}") from None
        if answer.status_code == _HTTP_OK and answer.body == "ok":
            return Receipt("", notice.identity)
        headers = {str(name).lower(): str(value) for name, value in answer.headers.items()}
        raise _failure(str(answer.body), answer.status_code, headers)

    async def close(self) -> None:
        """Nothing stays open between calls."""


class _Gone(DeliveryError):
    """The message that was to be edited or answered is not there any more."""


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


# --- what it looks like ---


def escape(text: str) -> str:
    """Escape what Slack takes for mentions and links."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _fallback(words: Wording) -> str:
    return escape(f"{words.sign} {words.title}. {words.summary}"[:3_000])


def _editable(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give an edit blocks in any case: those it does not name stay what they were."""
    return {**content, "blocks": content["blocks"] or []}


def _metadata(notice: Notice) -> Mapping[str, Any]:
    payload = {"identity": notice.identity, "incident": notice.incident, "kind": notice.kind.value}
    return {"event_type": "lightspeed_sync_alert", "event_payload": payload}


def _blocks(words: Wording) -> list[dict[str, Any]]:
    fields = [_mrkdwn(f"*{escape(label)}*\n{escape(text)}") for label, text in words.facts]
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": f"{words.sign} {words.title}", "emoji": True}},
        {"type": "section", "text": _mrkdwn(escape(words.summary or words.title))},
        {"type": "section", "fields": fields},
    ]
    if words.description:
        blocks.append({"type": "section", "text": _mrkdwn(escape(words.description))})
    if words.remedy:
        blocks.append({"type": "section", "text": _mrkdwn(f"*What to do*\n{escape(words.remedy)}")})
    if words.link:
        text = {"type": "plain_text", "text": "Status page"}
        button = {"type": "button", "text": text, "url": words.link, "action_id": "status"}
        blocks.append({"type": "actions", "elements": [button]})
    blocks.append({"type": "context", "elements": [_mrkdwn(escape(words.note))]})
    return blocks


def _mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text, "verbatim": True}
