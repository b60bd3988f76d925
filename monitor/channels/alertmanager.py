"""Alertmanager's two forms: its webhook's payload, version 4, for receivers that know it, and its own API."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from monitor.channels.base import Ambiguous, ChannelRefused, DeliveryError, Malformed, Throttled, Unreachable
from monitor.channels.wording import OVER, clean
from monitor.notice import Item, Notice, Parcel, Receipt

MOST_TOGETHER = 20
_NEVER = "0001-01-01T00:00:00Z"  # how Go writes that there is no moment
_OUR_FORM = frozenset({400, 413, 415, 422})
_THROTTLED, _ERROR, _TIMEOUT = 429, 500, 408
_LASTING = 4  # pushes that an alert survives without news of it, as Prometheus has it

_FNV_OFFSET, _FNV_PRIME = 14_695_981_039_346_656_037, 1_099_511_628_211

Payload = Mapping[str, Any]


class _Http:
    """Another program that takes JSON; `token` signs in."""

    def __init__(
        self, url: str, token: str | None, seconds: float, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._url = url
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._client = httpx.AsyncClient(headers=headers, timeout=seconds, transport=transport)

    @property
    def recipients(self) -> Sequence[str]:
        """Return one recipient."""
        return ("",)

    def together(self, items: Sequence[Item]) -> Sequence[Item]:
        """Return as many as one message holds."""
        return items[:MOST_TOGETHER]

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _post(self, body: Any, headers: Mapping[str, str] | None = None) -> None:
        try:
            answer = await self._client.post(self._url, json=body, headers=headers)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Unreachable(type(error).__name__) from None
        except httpx.HTTPError as error:
            raise Ambiguous(type(error).__name__) from None
        if not answer.is_success:
            raise _refusal(answer)


class Webhook(_Http):
    """A program that is told in the form of Alertmanager's webhook; `name` is the receiver's, `link` our address.

    A header carries the message's identity, another marks what may be a repeat: the form itself has no room for it.
    """

    def __init__(
        self,
        *,
        url: str,
        name: str,
        link: str = "",
        token: str | None = None,
        seconds: float = 20.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        super().__init__(url, token, seconds, transport)
        self._name = name
        self._link = link

    async def send(self, parcel: Parcel, *, plain: bool = False) -> Receipt:  # noqa: ARG002
        """Send one message."""
        headers = {"Idempotency-Key": parcel.identity}
        if parcel.repeat:
            headers["X-Possible-Repeat"] = "true"
        await self._post(webhook_payload(parcel.notices, self._name, self._link), headers)
        return Receipt("", parcel.identity)


class Alertmanager(_Http):
    """A real Alertmanager, pushed to like Prometheus does; `now` reads the clock, `repeat` is the time between pushes.

    It forgets an alert that it hears nothing of for four times that long.
    """

    def __init__(
        self,
        *,
        url: str,
        repeat: timedelta,
        now: Callable[[], datetime],
        seconds: float = 20.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        super().__init__(f"{url.rstrip('/')}/api/v2/alerts", None, seconds, transport)
        self.repeat = repeat
        self._now = now

    async def send(self, parcel: Parcel, *, plain: bool = False) -> Receipt:  # noqa: ARG002
        """Push what changed; a push that is made twice says nothing new."""
        await self.push(parcel.notices)
        return Receipt("", parcel.identity)

    async def push(self, notices: Sequence[Notice]) -> None:
        """Push how things stand; raises DeliveryError."""
        until = self._now() + _LASTING * self.repeat
        await self._post([{**_alert(notice), "endsAt": _moment(notice.until or until)} for notice in notices])


def webhook_payload(notices: Sequence[Notice], receiver: str, link: str) -> Payload:
    """Return the payload that Alertmanager would send for these notices as one group."""
    alerts = [_told(notice) for notice in notices]
    firing = any(alert["status"] == "firing" for alert in alerts)
    grouped = {"alertname": _label(notices[0].alert)} if len({notice.alert for notice in notices}) == 1 else {}
    matchers = ",".join(f'{name}="{value}"' for name, value in grouped.items())
    return {
        "receiver": receiver,
        "status": "firing" if firing else "resolved",
        "alerts": alerts,
        "groupLabels": grouped,
        "commonLabels": _common([alert["labels"] for alert in alerts]),
        "commonAnnotations": _common([alert["annotations"] for alert in alerts]),
        "externalURL": link,
        "version": "4",
        "groupKey": f"{{}}:{{{matchers}}}",
        "truncatedAlerts": 0,
    }


def _told(notice: Notice) -> Payload:
    alert = _alert(notice)
    over = notice.kind in OVER
    return {
        "status": "resolved" if over else "firing",
        **alert,
        "endsAt": _moment(notice.until) if notice.until is not None else _NEVER,
        "fingerprint": _fingerprint(alert["labels"]),
    }


def _alert(notice: Notice) -> Payload:
    """Return what both forms share; labels are what tells one alert from another, so no number is among them."""
    severity = notice.opened_as or notice.severity
    labels = {**notice.labels, "alertname": _label(notice.alert), "severity": severity.value}
    told = {
        "summary": clean(notice.summary, 1_000),
        "description": clean(notice.description, 1_000),
        "value": notice.value,
        "remedy": clean(notice.remedy, 1_000),
        "runbook_url": notice.runbook,
    }
    return {
        "labels": labels,
        "annotations": {name: text for name, text in told.items() if text},
        "startsAt": _moment(notice.since),
        "generatorURL": notice.link,
    }


def _label(text: str) -> str:
    return clean(text, 200)


def _common(groups: Sequence[Mapping[str, str]]) -> Mapping[str, str]:
    first = groups[0]
    return {name: value for name, value in first.items() if all(group.get(name) == value for group in groups)}


def _fingerprint(labels: Mapping[str, str]) -> str:
    """Return the name that Alertmanager gives an alert by its labels: their FNV-1a hash of 64 bits."""
    value = _FNV_OFFSET
    for name in sorted(labels):
        for byte in name.encode() + b"\xff" + labels[name].encode() + b"\xff":
            value = (value ^ byte) * _FNV_PRIME % 2**64
    return f"{value:016x}"


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _refusal(answer: httpx.Response) -> DeliveryError:
    status = answer.status_code
    detail = f"HTTP {status}"
    if status == _THROTTLED:
        wait = answer.headers.get("retry-after", "")
        return Throttled(detail, retry_after=float(wait) if wait.isdecimal() else None)
    if status in _OUR_FORM:
        return Malformed(detail)
    return Ambiguous(detail) if status >= _ERROR or status == _TIMEOUT else ChannelRefused(detail)
