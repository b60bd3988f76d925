"""Buttons pressed in Slack: signed or refused, carried out at the desk, shown in the message."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from slack_sdk.signature import SignatureVerifier

from monitor.channels.slack_blocks import posted
from monitor.slack_actions import PATH, SlackDoor, signed
from sync.storefront.app import storefront_app
from tests.monitor.parcels import group, parcel
from tests.monitor.support import START, World
from tests.monitor.test_slack import FIRING, OTHER, RESOLVED

pytestmark = pytest.mark.anyio

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
OVER = "Differs does not fire any more: what this message told of is over."
RESPONSE_URL = "https://hooks.slack.com/actions/T1/2/secret"


def signature(body: bytes, timestamp: str, secret: str = SECRET) -> str:
    """Sign as Slack's own library does."""
    made = SignatureVerifier(secret).generate_signature(timestamp=timestamp, body=body)
    assert made is not None
    return made


class Pressed:
    """A world whose alert fires, and the public listener through which buttons reach it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.shown: list[Any] = []
        self.addresses: list[str] = []
        self.door = SlackDoor(
            world.desk,
            secret=SECRET,
            api_url="https://slack.com/api/",
            clock=world.clock,
            transport=httpx.MockTransport(self._show),
        )
        webhooks = self._no_webhook
        self.app = storefront_app(webhooks=webhooks, largest_webhook=100, others={PATH: self.door})

    @property
    def said(self) -> list[str]:
        """Return what each message that was shown ends with."""
        return [shown["blocks"][-1]["elements"][0]["text"] for shown in self.shown]

    async def _no_webhook(self, _: object) -> HTTPStatus:
        raise AssertionError("not a webhook")

    def _show(self, request: httpx.Request) -> httpx.Response:
        self.addresses.append(str(request.url))
        self.shown.append(json.loads(request.content))
        return httpx.Response(200, text="ok")

    async def press(
        self,
        action: str,
        value: str = "1 Differs",
        *,
        who: str = "anna",
        late: float = 0,
        secret: str = SECRET,
        url: str = RESPONSE_URL,
        blocks: object = None,
    ) -> int:
        message = posted(parcel(FIRING), plain=False, buttons=True)
        payload = {
            "type": "block_actions",
            "user": {"id": "U1", "username": who},
            "actions": [{"action_id": action, "value": value}],
            "response_url": url,
            "message": {"text": message["text"], "blocks": blocks or message["blocks"]},
        }
        body = urlencode({"payload": json.dumps(payload)}).encode()
        timestamp = str(int(self.world.clock.now().timestamp() - late))
        return await self.post(body, timestamp, signature(body, timestamp, secret))

    async def post(self, body: bytes, timestamp: str, given: str) -> int:
        headers = {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": given}
        transport = httpx.ASGITransport(app=self.app)
        async with httpx.AsyncClient(transport=transport, base_url="https://hooks.example") as client:
            return (await client.post(PATH, content=body, headers=headers)).status_code


@pytest.fixture
async def pressed(tmp_path: Path) -> AsyncIterator[Pressed]:
    world = World(tmp_path)
    await world.turn(6)
    yield Pressed(world)
    await world.database.close()


async def test_a_press_acknowledges_the_alert_and_the_message_says_who_did(pressed: Pressed) -> None:
    status = await pressed.press("acknowledge")

    (incident,) = await pressed.world.store.open_incidents()
    assert (status, incident.acknowledged_by) == (200, "anna (Slack)")
    (shown,) = pressed.shown
    assert (shown["replace_original"], pressed.addresses) == (True, [RESPONSE_URL])
    assert shown["blocks"][-1]["elements"][0]["text"] == "anna (Slack) acknowledged Differs."


async def test_the_buttons_that_were_pressed_are_gone_and_the_others_stay(pressed: Pressed) -> None:
    await pressed.press("acknowledge", "7 OversellRisk")
    await pressed.press("acknowledge")

    gone, stayed = (
        [
            element.get("value")
            for block in shown["blocks"]
            if block["type"] == "actions"
            for element in block["elements"]
        ]
        for shown in pressed.shown
    )
    assert (gone, stayed) == ([None], ["7 OversellRisk", "7 OversellRisk", None])


async def test_a_press_silences_the_alert_for_an_hour(pressed: Pressed) -> None:
    await pressed.press("silence")

    (silence,) = await pressed.world.store.standing_silences(pressed.world.clock.now())
    assert (silence.author, silence.ends_at - silence.starts_at) == ("anna (Slack)", timedelta(hours=1))
    assert silence.matcher.alerts == ("Differs",)


async def test_a_press_on_what_is_over_says_so(pressed: Pressed) -> None:
    await pressed.world.turn(0, minutes=1)

    assert await pressed.press("acknowledge") == 200
    assert pressed.said == [OVER]


@pytest.mark.parametrize("action", ["acknowledge", "silence"])
async def test_a_press_on_an_old_message_does_nothing_to_the_next_incident(pressed: Pressed, action: str) -> None:
    await pressed.world.turn(0, minutes=1)
    await pressed.world.turn(6, minutes=1)
    await pressed.press(action)
    (incident,) = await pressed.world.store.open_incidents()

    assert (incident.acknowledged_by, pressed.said) == (None, [OVER])
    assert await pressed.world.store.standing_silences(pressed.world.clock.now()) == []


async def test_who_acknowledged_first_is_shown(pressed: Pressed) -> None:
    await pressed.press("acknowledge")
    await pressed.press("acknowledge", who="carla")

    assert pressed.said == ["anna (Slack) acknowledged Differs.", "anna (Slack) had acknowledged Differs before."]


@pytest.mark.parametrize("value", ["drill-1 Differs", "-1 Differs", "9" * 30 + " Differs", "Differs", ""])
async def test_a_button_of_no_incident_such_as_a_drills_does_nothing(pressed: Pressed, value: str) -> None:
    assert await pressed.press("acknowledge", value) == 200
    (incident,) = await pressed.world.store.open_incidents()

    assert incident.acknowledged_by is None
    too_old = "This message is too old for its buttons; in a terminal `lightspeed-sync alerts ack {}` does the same."
    assert pressed.said == [OVER if " " in value else too_old.format(value or "NAME")]


@pytest.mark.parametrize(
    "blocks", [[{"type": "actions", "elements": None}], [{"type": "actions", "elements": ["x"]}], {"type": "actions"}]
)
async def test_a_message_of_an_odd_form_still_shows_what_was_done(pressed: Pressed, blocks: object) -> None:
    assert await pressed.press("acknowledge", blocks=blocks) == 200
    assert pressed.said == ["anna (Slack) acknowledged Differs."]


async def test_a_link_that_was_pressed_does_nothing(pressed: Pressed) -> None:
    assert await pressed.press("status") == 200
    assert pressed.shown == []


async def test_the_same_request_again_does_nothing_more(pressed: Pressed) -> None:
    await pressed.press("silence")
    await pressed.press("silence")

    assert len(await pressed.world.store.standing_silences(pressed.world.clock.now())) == 1


@pytest.mark.parametrize(
    "url", ["https://evil.example/x", "http://hooks.slack.com/x", "https://hooks.slack.com.evil.example/"]
)
async def test_an_answer_goes_to_slack_only(pressed: Pressed, url: str) -> None:
    assert await pressed.press("acknowledge", url=url) == 200
    assert pressed.addresses == []


@pytest.mark.parametrize(("late", "secret"), [(301, SECRET), (-301, SECRET), (0, "another")], ids=str)
async def test_what_slack_did_not_sign_lately_is_refused(pressed: Pressed, late: float, secret: str) -> None:
    assert await pressed.press("acknowledge", late=late, secret=secret) == 401
    (incident,) = await pressed.world.store.open_incidents()
    assert incident.acknowledged_by is None


@pytest.mark.parametrize("body", [b"payload=%7B", b"payload=[]", b"", b"\xff\xfe", b"payload=" + b"[" * 100_000])
async def test_a_signed_body_that_says_nothing_is_refused(pressed: Pressed, body: bytes) -> None:
    timestamp = str(int(START.timestamp()))
    if body == b"\xff\xfe":  # Slack's own library signs texts only
        assert await pressed.post(body, timestamp, "v0=0") == 401
        return
    assert await pressed.post(body, timestamp, signature(body, timestamp)) == 400


@pytest.mark.parametrize("timestamp", ["", "x", "-5", "1e9", "\N{SUPERSCRIPT TWO}", "9" * 400])
async def test_an_odd_timestamp_is_no_signature(timestamp: str) -> None:
    assert signed(b"body", timestamp, "v0=0", SECRET, START) is False


async def test_slacks_own_example_is_signed() -> None:
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&"
        b"channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&"
        b"response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&"
        b"trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    given = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    at = START.fromtimestamp(1531420618, START.tzinfo)

    assert signed(body, "1531420618", given, SECRET, at) is True
    assert signed(body + b" ", "1531420618", given, SECRET, at) is False


async def test_buttons_are_shown_for_what_fires_where_somebody_hears_them() -> None:
    def values(content: Any) -> list[Any]:
        rows = [block["elements"] for block in content["blocks"] if block["type"] == "actions"]
        return [element.get("value") for elements in rows for element in elements]

    members = group("g", FIRING, OTHER, RESOLVED)
    assert values(posted(parcel(FIRING), plain=False, buttons=True)) == ["7 OversellRisk", "7 OversellRisk", None]
    assert values(posted(parcel(FIRING), plain=False)) == [None]
    assert values(posted(parcel(RESOLVED), plain=False, buttons=True)) == [None]
    both = [*["7 OversellRisk"] * 2, *["8 SyncLatencyHigh"] * 2, None]
    assert values(posted(members, plain=False, buttons=True)) == both
