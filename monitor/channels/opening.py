"""Opens the channels that alerts.yaml has and the environment has credentials for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from monitor.alerts_model import (
    AlertmanagerSettings,
    AlertsFile,
    ChannelSettings,
    EmailSettings,
    SlackSettings,
    SmsSettings,
    WebhookSettings,
)
from monitor.channels.alertmanager import Alertmanager, Webhook
from monitor.channels.base import Channel
from monitor.channels.email import Email, tls_context
from monitor.channels.slack import Slack, SlackTwoWays, SlackWebhook
from monitor.channels.sms import Sms
from sync.clock import Clock
from sync.settings import Settings


@dataclass(frozen=True, slots=True)
class _Means:
    """What channels are opened with."""

    settings: Settings
    environ: Mapping[str, str]
    clock: Clock
    seconds: float


def open_channels(
    settings: Settings, alerts: AlertsFile, clock: Clock, environ: Mapping[str, str] = os.environ
) -> Mapping[str, Channel]:
    """Return the channels that alerts.yaml has and the environment has credentials for.

    Raises OSError where SMTP_CA_FILE cannot be read.
    """
    means = _Means(settings, environ, clock, alerts.limits.delivery.deadline.total_seconds())
    found = {name: _opened(name, each, means) for name, each in alerts.channels.items()}
    return {name: channel for name, channel in found.items() if channel is not None}


def _opened(name: str, channel: ChannelSettings, means: _Means) -> Channel | None:
    match channel:
        case SlackSettings():
            return _slack(channel, means.settings, means.seconds)
        case EmailSettings():
            return _email(channel, means.settings, means.clock, means.seconds)
        case SmsSettings():
            return _sms(channel, means.settings, means.seconds)
        case WebhookSettings():
            return _webhook(name, channel, means)
        case AlertmanagerSettings():
            return Alertmanager(url=channel.url, repeat=channel.repeat, now=means.clock.now, seconds=means.seconds)


def _webhook(name: str, channel: WebhookSettings, means: _Means) -> Channel | None:
    token = means.environ.get(channel.token_from, "").strip() if channel.token_from else None
    if token == "":
        return None
    link = means.settings.ops_url or ""
    return Webhook(url=channel.url, name=name, link=link, token=token, seconds=means.seconds)


def _slack(channel: SlackSettings, settings: Settings, seconds: float) -> Channel | None:
    token, address = settings.slack_bot_token, settings.slack_webhook_url
    buttons = settings.slack_signing_secret is not None
    webhook = None
    if address is not None:
        webhook = SlackWebhook(url=address.get_secret_value(), seconds=seconds, buttons=buttons)
    if token is None:
        return webhook
    bot = Slack(
        token=token.get_secret_value(),
        channel=channel.channel,
        base_url=settings.slack_api_url,
        seconds=seconds,
        buttons=buttons,
    )
    return bot if webhook is None else SlackTwoWays(bot, webhook)


def _email(channel: EmailSettings, settings: Settings, clock: Clock, seconds: float) -> Channel | None:
    if not channel.to or settings.smtp_url is None or settings.mail_from is None:
        return None
    return Email(
        server=settings.smtp_url,
        sender=settings.mail_from,
        to=channel.to,
        tls=tls_context(settings.smtp_ca_file),
        now=clock.now,
        seconds=seconds,
    )


def _sms(channel: SmsSettings, settings: Settings, seconds: float) -> Channel | None:
    account, token = settings.twilio_account_sid, settings.twilio_auth_token
    if not channel.to or account is None or token is None or settings.twilio_from is None:
        return None
    return Sms(
        base_url=settings.twilio_api_url,
        account=account,
        token=token.get_secret_value(),
        sender=settings.twilio_from,
        to=channel.to,
        seconds=seconds,
    )
