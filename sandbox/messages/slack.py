"""Slack's side of a conversation: channels, messages with their edits and threads, and what Slack refuses.

Synchronous state without HTTP; `sandbox.messages.slack_app` is its Web API. Errors are Slack's own names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil
from typing import Any

from sandbox.clock import Clock
from sandbox.messages.blocks import complaints, control_sequences, marked_up_texts

TOKEN = "xoxb-sandbox"  # fixed and obviously fake
WEBHOOK_PATH = "/services/T0SANDBOX/B0SANDBOX/sandbox-webhook-secret"
CHANNELS = ("wtf-inventory-alerts", "wtf-operations", "general")

_LONGEST_TEXT = 40_000  # longer texts are cut when posted
_LONGEST_EDIT = 4_000
_BURST = 4  # messages a channel takes at once; then one a second
_EDITS_A_MINUTE = 50  # Tier 3
_MOST_ATTACHMENTS = 100


class SlackError(Exception):
    """Slack answers `ok: false`; the first argument is its error code."""

    def __init__(self, code: str, messages: Sequence[str] = ()) -> None:
        super().__init__(code)
        self.code = code
        self.messages = tuple(messages)


class RateLimited(SlackError):
    """Slack answers 429; `retry_after` is in whole seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("ratelimited")
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Content:
    """What a message says: as posted, or as edited at a later time."""

    at: datetime
    text: str
    blocks: tuple[Any, ...] = ()
    attachments: tuple[Any, ...] = ()
    metadata: Mapping[str, Any] | None = None


@dataclass(slots=True)
class Message:
    """One message; `versions` begins with what was posted and ends with what is shown."""

    channel: str
    ts: str
    versions: list[Content]
    thread_ts: str | None = None
    broadcast: bool = False
    by_webhook: bool = False
    deleted: bool = False

    @property
    def shown(self) -> Content:
        """What a reader sees now."""
        return self.versions[-1]

    @property
    def control_sequences(self) -> list[str]:
        """Mentions and links in what is shown: what a text that was not escaped smuggles in."""
        texts = [self.shown.text, *marked_up_texts([*self.shown.blocks, *self.shown.attachments])]
        return [sequence for text in texts for sequence in control_sequences(text)]


@dataclass(slots=True)
class Channel:
    """A channel; the bot is a member unless somebody removed it."""

    id: str
    name: str
    archived: bool = False
    member: bool = True


@dataclass(slots=True)
class _Bucket:
    """A leaky bucket: `size` at once, one more each `seconds`."""

    size: int
    seconds: float
    level: float = 0.0
    at: datetime | None = None

    def take(self, now: datetime) -> None:
        """Count one call; raises RateLimited when the bucket is full."""
        if self.at is not None:
            self.level = max(0.0, self.level - (now - self.at).total_seconds() / self.seconds)
        self.at = now
        if self.level + 1 > self.size:
            raise RateLimited(max(1, ceil((self.level + 1 - self.size) * self.seconds)))
        self.level += 1


@dataclass(slots=True)
class _Limits:
    """Per channel for posts, per workspace for edits."""

    posts: dict[str, _Bucket] = field(default_factory=dict)
    edits: _Bucket = field(default_factory=lambda: _Bucket(_EDITS_A_MINUTE, 60 / _EDITS_A_MINUTE))

    def post(self, channel: str, now: datetime) -> None:
        self.posts.setdefault(channel, _Bucket(_BURST, 1.0)).take(now)


class SlackWorkspace:
    """Records messages as Slack would; every method raises SlackError with Slack's code."""

    def __init__(self, *, clock: Clock, rate_limits: bool = True, channels: Sequence[str] = CHANNELS) -> None:
        self._clock = clock
        self._limits = _Limits() if rate_limits else None
        self._last_ts = 0
        self.channels = {
            f"C0SANDBOX{number:02d}": Channel(f"C0SANDBOX{number:02d}", name)
            for number, name in enumerate(channels, start=1)
        }
        self.messages: list[Message] = []

    def channel(self, wanted: str, *, by_name: bool = True) -> Channel:
        """Return a channel by id or, where Slack allows it, by name with or without `#`."""
        if wanted in self.channels:
            return self.channels[wanted]
        named = [channel for channel in self.channels.values() if by_name and channel.name == wanted.lstrip("#")]
        if not named:
            raise SlackError("channel_not_found")
        return named[0]

    def post(
        self,
        channel: str,
        content: Mapping[str, Any],
        *,
        thread_ts: str | None = None,
        broadcast: bool = False,
        by_webhook: bool = False,
    ) -> Message:
        """Post a message with `text`, `blocks`, `attachments` and `metadata` out of `content`."""
        target = self._open(self.channel(channel))
        if self._limits is not None:
            self._limits.post(target.id, self._clock.now())
        version = self._content(content)
        if thread_ts is not None:
            self._check_parent(target.id, thread_ts)
        message = Message(target.id, self._next_ts(), [version], thread_ts, broadcast, by_webhook)
        self.messages.append(message)
        return message

    def update(self, channel: str, ts: str, content: Mapping[str, Any]) -> Message:
        """Replace what a message shows; blocks that are not sent again are gone."""
        target = self._open(self.channel(channel, by_name=False))
        if self._limits is not None:
            self._limits.edits.take(self._clock.now())
        message = self.find(target.id, ts)
        if message is None:
            raise SlackError("message_not_found")
        if message.by_webhook:
            raise SlackError("cant_update_message")
        if len(str(content.get("text") or "")) > _LONGEST_EDIT:
            raise SlackError("msg_too_long")
        message.versions.append(self._content(content))
        return message

    def find(self, channel: str, ts: str) -> Message | None:
        """Return the message unless it does not exist or was deleted."""
        found = (message for message in self.messages if (message.channel, message.ts) == (channel, ts))
        return next((message for message in found if not message.deleted), None)

    def thread(self, ts: str) -> list[Message]:
        """Return the replies to a message, oldest first."""
        return [message for message in self.messages if message.thread_ts == ts and not message.deleted]

    def delete(self, ts: str) -> None:
        """Somebody deletes a message by hand."""
        for message in self.messages:
            if message.ts == ts:
                message.deleted = True
                return
        raise ValueError(f"there is no message {ts}")

    def archive(self, channel: str) -> None:
        """Somebody archives a channel."""
        self.channel(channel).archived = True

    def remove_bot(self, channel: str) -> None:
        """Somebody removes the bot from a channel."""
        self.channel(channel).member = False

    def _open(self, channel: Channel) -> Channel:
        if channel.archived:
            raise SlackError("is_archived")
        if not channel.member:
            raise SlackError("not_in_channel")
        return channel

    def _check_parent(self, channel: str, thread_ts: str) -> None:
        """Threads hang on a message that is no reply itself (a reply's own ts would split the thread)."""
        parent = self.find(channel, thread_ts)
        if parent is None or parent.thread_ts is not None:
            raise SlackError("cannot_reply_to_message")

    def _content(self, content: Mapping[str, Any]) -> Content:
        """Check what a message is to say."""
        text = content.get("text") or ""
        blocks = _array(content.get("blocks"), "invalid_blocks_format")
        attachments = _array(content.get("attachments"), "invalid_attachments")
        metadata = content.get("metadata")
        if not isinstance(text, str):
            raise SlackError("invalid_arguments", ["[ERROR] must provide a string [json-pointer:/text]"])
        if not (text or blocks or attachments):
            raise SlackError("no_text")
        if len(attachments) > _MOST_ATTACHMENTS:
            raise SlackError("too_many_attachments")
        wrong = complaints(blocks) if blocks else []
        if wrong:
            raise SlackError("invalid_blocks", [f"[ERROR] {complaint}" for complaint in wrong])
        if metadata is not None and not _is_metadata(metadata):
            raise SlackError("invalid_metadata_format")
        return Content(self._clock.now(), text[:_LONGEST_TEXT], tuple(blocks), tuple(attachments), metadata)

    def _next_ts(self) -> str:
        """Return `seconds.microseconds`, unique and rising: the name of a message in its channel."""
        self._last_ts = max(self._last_ts + 1, int(self._clock.now().timestamp() * 1_000_000))
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"


def _array(value: Any, error: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise SlackError(error)
    return value


def _is_metadata(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and isinstance(value.get("event_type"), str)
        and isinstance(value.get("event_payload"), Mapping)
    )
