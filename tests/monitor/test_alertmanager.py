"""Alertmanager's own forms: the payload beside recorded ones, and a push as its API takes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from monitor.channels.alertmanager import Alertmanager, Webhook, webhook_payload
from monitor.channels.base import DeliveryError
from monitor.notice import FailureReason, Kind, Notice, Severity
from tests.monitor.parcels import group, parcel

pytestmark = pytest.mark.anyio

START = datetime(2026, 11, 22, 6, 34, 24, tzinfo=UTC)
FIRING = Notice(
    identity="7-hook-firing-1",
    incident="7",
    kind=Kind.FIRING,
    alert="SyncDiscrepancies",
    severity=Severity.WARNING,
    summary="6 > 5",
    signal="SKUs that differ",
    value="6",
    limit="> 5",
    since=START,
    at=START,
    link="http://x/r",
    labels={"location": "a"},
)
RESOLVED = replace(FIRING, kind=Kind.RESOLVED, until=START + timedelta(seconds=5))
OTHER = replace(FIRING, incident="8", alert="OversellRisk", severity=Severity.CRITICAL, labels={})


class Receiver:
    """Keeps what it is sent and answers as it is told."""

    def __init__(self, *statuses: int, headers: Mapping[str, str] | None = None) -> None:
        self.statuses = list(statuses)
        self.headers = headers
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(self.statuses.pop(0) if self.statuses else 200, headers=self.headers)

    def webhook(self) -> Webhook:
        transport = httpx.MockTransport(self)
        return Webhook(url="https://hook.example.com/a", name="hook", token="top-secret", transport=transport)

    def alertmanager(self) -> Alertmanager:
        return Alertmanager(
            url="http://127.0.0.1:9093/",
            repeat=timedelta(minutes=1),
            now=lambda: START,
            transport=httpx.MockTransport(self),
        )

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(request.content) for request in self.requests]


async def test_a_payload_says_what_is_told_in_alertmanagers_own_words() -> None:
    assert webhook_payload([FIRING], "hook", "https://ops.example.com/") == {
        "receiver": "hook",
        "status": "firing",
        "alerts": [
            {
                "status": "firing",
                "labels": {"alertname": "SyncDiscrepancies", "location": "a", "severity": "warning"},
                "annotations": {"summary": "6 > 5", "value": "6"},
                "startsAt": "2026-11-22T06:34:24.000Z",
                "endsAt": "0001-01-01T00:00:00Z",
                "generatorURL": "http://x/r",
                "fingerprint": "d6c793b28d8862ad",
            }
        ],
        "groupLabels": {"alertname": "SyncDiscrepancies"},
        "commonLabels": {"alertname": "SyncDiscrepancies", "location": "a", "severity": "warning"},
        "commonAnnotations": {"summary": "6 > 5", "value": "6"},
        "externalURL": "https://ops.example.com/",
        "version": "4",
        "groupKey": '{}:{alertname="SyncDiscrepancies"}',
        "truncatedAlerts": 0,
    }


async def test_an_alert_stays_the_same_one_where_its_severity_was_raised() -> None:
    raised = replace(RESOLVED, severity=Severity.CRITICAL, opened_as=Severity.WARNING)
    (before,), (after,) = (webhook_payload([each], "hook", "")["alerts"] for each in (FIRING, raised))

    assert (after["labels"], after["fingerprint"]) == (before["labels"], before["fingerprint"])


async def test_a_group_fires_while_one_of_it_does_and_shares_what_is_common() -> None:
    payload = webhook_payload([RESOLVED, OTHER], "hook", "")

    assert (payload["status"], [alert["status"] for alert in payload["alerts"]]) == ("firing", ["resolved", "firing"])
    assert payload["alerts"][0]["endsAt"] == "2026-11-22T06:34:29.000Z"
    assert (payload["groupLabels"], payload["commonLabels"]) == ({}, {})
    assert webhook_payload([RESOLVED], "hook", "")["status"] == "resolved"


RECORDED = Path(__file__).resolve().parents[3] / "shared" / "data" / "alertmanager"


@pytest.mark.parametrize(
    ("file", "notice"), [("am_webhook_1_firing.json", FIRING), ("am_webhook_2_resolved.json", RESOLVED)]
)
async def test_a_payload_has_the_shape_of_a_recorded_one(file: str, notice: Notice) -> None:
    recorded = _recorded(file)
    made = webhook_payload([notice], recorded["receiver"], recorded["externalURL"])

    assert _shape(made) == _shape(recorded)
    assert made["alerts"][0]["fingerprint"] == recorded["alerts"][0]["fingerprint"]
    assert {name: made[name] for name in ("status", "groupLabels", "commonLabels", "version", "groupKey")} == {
        name: recorded[name] for name in ("status", "groupLabels", "commonLabels", "version", "groupKey")
    }


def _recorded(file: str) -> Any:
    if not RECORDED.is_dir():
        pytest.skip("Alertmanager's recordings are not here")
    return json.loads((RECORDED / file).read_text())


def _shape(value: Any) -> Any:
    """Return keys and types; what stands under labels and annotations is free."""
    if isinstance(value, dict):
        free = {"labels", "annotations", "groupLabels", "commonLabels", "commonAnnotations"}
        return {key: "free" if key in free else _shape(each) for key, each in value.items()}
    return [_shape(each) for each in value] if isinstance(value, list) else type(value).__name__


async def test_a_webhook_carries_its_identity_and_marks_a_repeat() -> None:
    receiver = Receiver()
    await receiver.webhook().send(parcel(FIRING))
    await receiver.webhook().send(parcel(FIRING, repeat=True))

    first, second = receiver.requests
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"] == "7-hook-firing-1"
    assert ("x-possible-repeat" in first.headers, second.headers["x-possible-repeat"]) == (False, "true")
    assert first.headers["authorization"] == "Bearer top-secret"


async def test_a_push_lasts_beyond_the_next_and_an_end_ends_it() -> None:
    receiver = Receiver()
    await receiver.alertmanager().send(group("g", FIRING, replace(OTHER, kind=Kind.RESOLVED, until=START)))

    (request,), (body,) = receiver.requests, receiver.bodies
    assert str(request.url) == "http://127.0.0.1:9093/api/v2/alerts"
    assert [alert["endsAt"] for alert in body] == ["2026-11-22T06:38:24.000Z", "2026-11-22T06:34:24.000Z"]
    assert body[0]["labels"] == {"location": "a", "alertname": "SyncDiscrepancies", "severity": "warning"}


@pytest.mark.parametrize(
    ("status", "headers", "reason", "wait"),
    [
        (429, {"Retry-After": "7"}, FailureReason.THROTTLED, 7.0),
        (429, {}, FailureReason.THROTTLED, None),
        (400, {}, FailureReason.MALFORMED, None),
        (401, {}, FailureReason.REFUSED, None),
        (404, {}, FailureReason.REFUSED, None),
        (302, {"Location": "https://elsewhere.example.com"}, FailureReason.REFUSED, None),
        (408, {}, FailureReason.AMBIGUOUS, None),
        (500, {}, FailureReason.AMBIGUOUS, None),
        (503, {}, FailureReason.AMBIGUOUS, None),
    ],
    ids=str,
)
async def test_each_failure_is_sorted_by_what_is_to_be_done(
    status: int, headers: Mapping[str, str], reason: FailureReason, wait: float | None
) -> None:
    receiver = Receiver(status, headers=headers)
    with pytest.raises(DeliveryError) as caught:
        await receiver.webhook().send(parcel(FIRING))

    assert (caught.value.reason, caught.value.retry_after) == (reason, wait)
    assert "top-secret" not in repr(caught.value)
    assert len(receiver.requests) == 1
