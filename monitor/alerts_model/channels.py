"""The channels that alerts.yaml may have, by type; credentials come from the environment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field

from monitor.alerts_model.fields import (
    Address,
    Interval,
    Name,
    Parsed,
    Part,
    SlackChannel,
    Some,
    Telephone,
    Variable,
    listed,
)
from monitor.units import Unfit, shown

_SECOND = timedelta(seconds=1)
_MINUTE = timedelta(minutes=1)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_LONGEST_URL = 1_000


def _url(text: object) -> str:
    """Take addresses that nobody on the way can read: https anywhere, http on this machine."""
    if isinstance(text, str) and len(text) <= _LONGEST_URL and text.isascii() and text.isprintable():
        try:
            parts = urlsplit(text)
        except ValueError:
            parts = urlsplit("")
        if parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)):
            return text
    raise Unfit(f"{shown(text)} is not an address to send to", "write https://…, or http:// for this machine itself")


Url = Annotated[str, Parsed(_url)]


class AnyChannel(Part):
    """What every channel may say."""

    type: str = Field(default="", description="slack, email, sms, webhook or alertmanager; left out, it is the name.")
    pace: Interval = Field(default=_SECOND, description="Least time between two messages.")
    fallback: Name | None = Field(default=None, description="The channel that is told where this one fails.")
    fallback_after: Interval = Field(
        default=timedelta(minutes=5), description="How long a message may wait before the fallback is told."
    )


class SlackSettings(AnyChannel):
    """Slack."""

    type: Literal["slack"] = "slack"
    channel: SlackChannel = Field(default="#wtf-inventory-alerts", description="The channel that is told.")


class EmailSettings(AnyChannel):
    """E-mail; server and sender come from the environment."""

    type: Literal["email"] = "email"
    to: Annotated[tuple[Address, ...], BeforeValidator(listed)] = Field(
        default=("ops@wtfswag.com",), description="Who is told; nobody where it is empty."
    )


class Budget(Part):
    """How many text messages one number may get."""

    minute: Some = Field(default=1, description="Most text messages to one number in a minute.")
    quarter: Some = Field(default=5, description="The same in a quarter of an hour.")
    hour: Some = Field(default=12, description="The same in an hour.")


class SmsSettings(AnyChannel):
    """Text messages, for critical alerts only; account and sender come from the environment."""

    type: Literal["sms"] = "sms"
    to: Annotated[tuple[Telephone, ...], BeforeValidator(listed)] = Field(
        default=(), description="Who is told; nobody where it is empty."
    )
    pace: Interval = Field(default=_MINUTE, description="Least time between two messages.")
    budget: Budget = Budget()


class WebhookSettings(AnyChannel):
    """Another program, told in the form of Alertmanager's webhook, version 4."""

    type: Literal["webhook"] = "webhook"
    url: Url = Field(description="Where to send; https, or http on this machine.")
    token_from: Variable | None = Field(
        default=None, description="The variable of the environment that holds the bearer token."
    )


class AlertmanagerSettings(AnyChannel):
    """A real Alertmanager, told through its API."""

    type: Literal["alertmanager"] = "alertmanager"
    url: Url = Field(description="Its address; https, or http on this machine.")
    repeat: Interval = Field(default=_MINUTE, description="How often it is told what still fires.")


ChannelSettings: TypeAlias = SlackSettings | EmailSettings | SmsSettings | WebhookSettings | AlertmanagerSettings
CHANNEL_TYPES: Mapping[str, type[ChannelSettings]] = {
    "slack": SlackSettings,
    "email": EmailSettings,
    "sms": SmsSettings,
    "webhook": WebhookSettings,
    "alertmanager": AlertmanagerSettings,
}


def usual_channels() -> Mapping[str, ChannelSettings]:
    """Return the channels of a file that names none."""
    return {"slack": SlackSettings(), "email": EmailSettings(), "sms": SmsSettings()}
