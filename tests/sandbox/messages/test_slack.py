"""The pretend Slack over HTTP: what it takes, what it refuses and what it remembers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from sandbox.clock import ManualClock
from sandbox.faults import Fault, FaultKind, Faults
from sandbox.messages.slack import WEBHOOK_PATH, SlackWorkspace
from sandbox.messages.slack_app import slack_app
from sandbox.transport import InProcessTransport

pytestmark = pytest.mark.anyio

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
FIRST_TS = "1795435200.000000"
ALERTS = "C0SANDBOX01"
HEADER = {"type": "header", "text": {"type": "plain_text", "text": "Stock"}}


class Slack:
    """A workspace and a client that calls it in process."""

    def __init__(self) -> None:
        self.clock = ManualClock(START)
        self.faults = Faults()
        self.workspace = SlackWorkspace(clock=self.clock)
        app = slack_app(self.workspace, self.faults, clock=self.clock)
        transport = InProcessTransport(app, clock=self.clock)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://slack.test")

    async def call(self, method: str, **arguments: Any) -> dict[str, Any]:
        """Call a method with JSON and the right token; the answer must be HTTP 200."""
        response = await self.http.post(
            f"/api/{method}", json=arguments, headers={"authorization": "Bearer xoxb-sandbox"}
        )
        assert response.status_code == 200
        answer: dict[str, Any] = response.json()
        return answer


@pytest.fixture
def slack() -> Slack:
    return Slack()


async def test_a_posted_message_is_recorded_with_its_channel_and_ts(slack: Slack) -> None:
    answer = await slack.call("chat.postMessage", channel="#wtf-inventory-alerts", text="5 differ", blocks=[HEADER])

    assert (answer["ok"], answer["channel"], answer["ts"]) == (True, ALERTS, FIRST_TS)
    assert answer["message"]["blocks"] == [HEADER]
    (message,) = slack.workspace.messages
    assert (message.shown.text, message.shown.blocks, message.shown.at) == ("5 differ", (HEADER,), START)


async def test_two_messages_in_one_second_have_different_ts(slack: Slack) -> None:
    first = await slack.call("chat.postMessage", channel=ALERTS, text="one")
    second = await slack.call("chat.postMessage", channel="general", text="two")

    assert (first["ts"], second["ts"]) == (FIRST_TS, "1795435200.000001")


async def test_an_update_keeps_what_was_shown_before_and_drops_blocks_not_sent_again(slack: Slack) -> None:
    await slack.call("chat.postMessage", channel=ALERTS, text="firing", blocks=[HEADER])
    slack.clock.advance(60)

    answer = await slack.call("chat.update", channel=ALERTS, ts=FIRST_TS, text="resolved")

    assert answer["ok"] is True
    (message,) = slack.workspace.messages
    assert [version.text for version in message.versions] == ["firing", "resolved"]
    assert message.shown.blocks == ()


async def test_a_reply_hangs_on_its_parent(slack: Slack) -> None:
    await slack.call("chat.postMessage", channel=ALERTS, text="firing")

    answer = await slack.call("chat.postMessage", channel=ALERTS, text="over", thread_ts=FIRST_TS, reply_broadcast=True)

    assert answer["message"]["thread_ts"] == FIRST_TS
    (reply,) = slack.workspace.thread(FIRST_TS)
    assert (reply.shown.text, reply.broadcast) == ("over", True)


@pytest.mark.parametrize(
    ("method", "arguments", "error"),
    [
        ("chat.postMessage", {"channel": "#nowhere", "text": "x"}, "channel_not_found"),
        ("chat.postMessage", {"channel": ALERTS}, "no_text"),
        ("chat.postMessage", {"text": "x"}, "invalid_arguments"),
        ("chat.postMessage", {"channel": ALERTS, "blocks": [{"type": "nope"}]}, "invalid_blocks"),
        ("chat.postMessage", {"channel": ALERTS, "blocks": "[{"}, "invalid_blocks_format"),
        ("chat.postMessage", {"channel": ALERTS, "blocks": {"type": "divider"}}, "invalid_blocks_format"),
        ("chat.postMessage", {"channel": ALERTS, "text": "x", "thread_ts": "1.000001"}, "cannot_reply_to_message"),
        ("chat.postMessage", {"channel": ALERTS, "text": "x", "metadata": {"a": 1}}, "invalid_metadata_format"),
        ("chat.postMessage", {"channel": ALERTS, "attachments": [{}] * 101}, "too_many_attachments"),
        ("chat.postMessage", {"channel": "wtf-operations", "text": "x"}, "is_archived"),
        ("chat.postMessage", {"channel": "general", "text": "x"}, "not_in_channel"),
        ("chat.update", {"channel": ALERTS, "ts": "1.000001", "text": "x"}, "message_not_found"),
        ("chat.update", {"channel": "#wtf-inventory-alerts", "ts": FIRST_TS, "text": "x"}, "channel_not_found"),
        ("chat.update", {"channel": ALERTS, "ts": FIRST_TS, "text": "x" * 4_001}, "msg_too_long"),
        ("chat.update", {"channel": ALERTS, "text": "x"}, "invalid_arguments"),
        ("chat.shout", {"channel": ALERTS, "text": "x"}, "unknown_method"),
    ],
)
async def test_what_slack_refuses_comes_with_http_200_and_ok_false(
    slack: Slack, method: str, arguments: dict[str, Any], error: str
) -> None:
    await slack.call("chat.postMessage", channel=ALERTS, text="first")
    slack.workspace.archive("wtf-operations")
    slack.workspace.remove_bot("general")

    answer = await slack.call(method, **arguments)

    assert (answer["ok"], answer["error"]) == (False, error)
    assert [message.shown.text for message in slack.workspace.messages] == ["first"]


async def test_a_refused_block_is_named_with_its_place(slack: Slack) -> None:
    answer = await slack.call("chat.postMessage", channel=ALERTS, blocks=[HEADER, {"type": "nope"}])

    assert answer["errors"] == ["unsupported type: nope [json-pointer:/blocks/1/type]"]
    assert answer["response_metadata"] == {"messages": ["[ERROR] unsupported type: nope [json-pointer:/blocks/1/type]"]}


async def test_a_reply_to_a_reply_is_refused(slack: Slack) -> None:
    await slack.call("chat.postMessage", channel=ALERTS, text="firing")
    reply = await slack.call("chat.postMessage", channel=ALERTS, text="over", thread_ts=FIRST_TS)

    answer = await slack.call("chat.postMessage", channel=ALERTS, text="and?", thread_ts=reply["ts"])

    assert answer["error"] == "cannot_reply_to_message"


async def test_a_message_deleted_by_hand_can_no_longer_be_updated(slack: Slack) -> None:
    await slack.call("chat.postMessage", channel=ALERTS, text="firing")
    slack.workspace.delete(FIRST_TS)

    answer = await slack.call("chat.update", channel=ALERTS, ts=FIRST_TS, text="resolved")

    assert answer["error"] == "message_not_found"


async def test_a_very_long_text_is_cut_when_posted(slack: Slack) -> None:
    await slack.call("chat.postMessage", channel=ALERTS, text="x" * 40_001)

    assert len(slack.workspace.messages[0].shown.text) == 40_000


@pytest.mark.parametrize(
    ("headers", "error"),
    [({}, "not_authed"), ({"authorization": "Bearer xoxb-other"}, "invalid_auth")],
    ids=["no token", "wrong token"],
)
async def test_the_token_is_checked(slack: Slack, headers: dict[str, str], error: str) -> None:
    response = await slack.http.post(
        "/api/chat.postMessage", json={"channel": ALERTS, "text": "x", "token": "xoxb-sandbox"}, headers=headers
    )

    assert (response.status_code, response.json()) == (200, {"ok": False, "error": error})


async def test_a_form_may_carry_blocks_as_json_and_the_token(slack: Slack) -> None:
    form = {"token": "xoxb-sandbox", "channel": ALERTS, "text": "x", "blocks": json.dumps([HEADER])}

    response = await slack.http.post("/api/chat.postMessage", data=form)

    assert response.json()["ok"] is True
    assert slack.workspace.messages[0].shown.blocks == (HEADER,)


@pytest.mark.parametrize(
    ("body", "kind", "error"),
    [
        (b"{", "application/json", "invalid_json"),
        (b"[]", "application/json", "json_not_object"),
        (b"<x/>", "text/xml", "invalid_post_type"),
    ],
    ids=["half an object", "a list", "XML"],
)
async def test_a_body_slack_cannot_read_is_refused(slack: Slack, body: bytes, kind: str, error: str) -> None:
    headers = {"content-type": kind, "authorization": "Bearer xoxb-sandbox"}

    response = await slack.http.post("/api/chat.postMessage", content=body, headers=headers)

    assert response.json()["error"] == error


async def test_a_channel_takes_a_short_burst_and_then_one_message_a_second(slack: Slack) -> None:
    for number in range(4):
        assert (await slack.call("chat.postMessage", channel=ALERTS, text=str(number)))["ok"]
    headers = {"authorization": "Bearer xoxb-sandbox"}
    message = {"channel": ALERTS, "text": "x"}

    refused = await slack.http.post("/api/chat.postMessage", json=message, headers=headers)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    assert refused.json() == {"ok": False, "error": "ratelimited"}
    assert (await slack.call("chat.postMessage", channel="general", text="elsewhere"))["ok"]

    slack.clock.advance(1)
    assert (await slack.call("chat.postMessage", channel=ALERTS, text="later"))["ok"]


async def test_edits_are_limited_to_fifty_a_minute(slack: Slack) -> None:
    await slack.call("chat.postMessage", channel=ALERTS, text="firing")
    for number in range(50):
        assert (await slack.call("chat.update", channel=ALERTS, ts=FIRST_TS, text=str(number)))["ok"]

    refused = await slack.http.post(
        "/api/chat.update",
        json={"channel": ALERTS, "ts": FIRST_TS, "text": "x"},
        headers={"authorization": "Bearer xoxb-sandbox"},
    )

    assert (refused.status_code, refused.headers["retry-after"]) == (429, "2")


async def test_limits_can_be_switched_off() -> None:
    workspace = SlackWorkspace(clock=ManualClock(START), rate_limits=False)
    for number in range(20):
        workspace.post(ALERTS, {"text": str(number)})

    assert len(workspace.messages) == 20


async def test_an_incoming_webhook_answers_ok_and_posts_to_its_channel(slack: Slack) -> None:
    response = await slack.http.post(WEBHOOK_PATH, json={"text": "from the hook"})

    assert (response.status_code, response.text) == (200, "ok")
    (message,) = slack.workspace.messages
    assert (message.channel, message.by_webhook) == (ALERTS, True)


@pytest.mark.parametrize(
    ("path", "content", "status", "text"),
    [
        ("/services/T/B/other", b'{"text": "x"}', 404, "no_service"),
        (WEBHOOK_PATH, b"{}", 400, "no_text"),
        (WEBHOOK_PATH, b"nonsense", 400, "invalid_payload"),
        (WEBHOOK_PATH, b'{"blocks": [{"type": "nope"}]}', 400, "invalid_blocks"),
    ],
    ids=["unknown hook", "no text", "no JSON", "bad blocks"],
)
async def test_a_webhook_refuses_in_plain_text(slack: Slack, path: str, content: bytes, status: int, text: str) -> None:
    response = await slack.http.post(path, content=content, headers={"content-type": "application/json"})

    assert (response.status_code, response.text) == (status, text)


async def test_channels_are_listed_and_history_carries_metadata_when_asked(slack: Slack) -> None:
    metadata = {"event_type": "notice", "event_payload": {"id": "n1"}}
    await slack.call("chat.postMessage", channel=ALERTS, text="firing", metadata=metadata)
    await slack.call("chat.postMessage", channel=ALERTS, text="reply", thread_ts=FIRST_TS)

    channels = (await slack.call("conversations.list"))["channels"]
    plain = (await slack.call("conversations.history", channel=ALERTS))["messages"]
    full = (await slack.call("conversations.history", channel=ALERTS, include_all_metadata=True))["messages"]

    assert [channel["name"] for channel in channels] == ["wtf-inventory-alerts", "wtf-operations", "general"]
    assert [message["text"] for message in plain] == ["firing"]
    assert ("metadata" in plain[0], full[0]["metadata"]) == (False, metadata)


async def test_smuggled_mentions_are_found_in_what_is_shown(slack: Slack) -> None:
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "<!here> &lt;b&gt;"}}
    harmless = {"type": "header", "text": {"type": "plain_text", "text": "<!channel>"}}

    await slack.call("chat.postMessage", channel=ALERTS, text="ok", blocks=[section, harmless])

    assert slack.workspace.messages[0].control_sequences == ["<!here>"]


@pytest.mark.parametrize(
    ("fault", "status", "retry_after", "error"),
    [
        (Fault(FaultKind.THROTTLED, seconds=30), 429, "30", "ratelimited"),
        (Fault(FaultKind.THROTTLED, code="bare"), 429, None, "ratelimited"),
        (Fault(FaultKind.SERVER_ERROR), 500, None, "internal_error"),
        (Fault(FaultKind.UNAUTHORIZED), 200, None, "token_expired"),
        (Fault(FaultKind.REFUSED, code="restricted_action"), 200, None, "restricted_action"),
    ],
    ids=["429", "429 without Retry-After", "500", "token", "refused"],
)
async def test_faults_look_like_slacks_own(
    slack: Slack, fault: Fault, status: int, retry_after: str | None, error: str
) -> None:
    slack.faults.add("slack", "chat.postMessage", fault)
    headers = {"authorization": "Bearer xoxb-sandbox"}

    response = await slack.http.post("/api/chat.postMessage", json={"channel": ALERTS, "text": "x"}, headers=headers)

    assert (response.status_code, response.json()) == (status, {"ok": False, "error": error})
    assert response.headers.get("retry-after") == retry_after
    assert slack.workspace.messages == []
    assert (await slack.call("chat.postMessage", channel=ALERTS, text="again"))["ok"]


async def test_a_lost_answer_leaves_the_message_posted(slack: Slack) -> None:
    slack.faults.add("slack", "chat.postMessage", Fault(FaultKind.RESET_AFTER))

    with pytest.raises(httpx.ReadError):
        await slack.call("chat.postMessage", channel=ALERTS, text="did it arrive?")

    assert [message.shown.text for message in slack.workspace.messages] == ["did it arrive?"]
