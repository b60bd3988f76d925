"""Slack's own SDK against the pretend Slack on a loopback socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.channels.base import DeliveryError
from monitor.channels.slack import Slack, SlackTwoWays, SlackWebhook
from monitor.notice import FailureReason, Item, Kind, Notice, Previous, Receipt, Severity
from monitor.serving import bind_tcp, serving
from sandbox.clock import ManualClock
from sandbox.faults import Fault, FaultKind, Faults
from sandbox.messages.slack import TOKEN, WEBHOOK_PATH, SlackWorkspace
from sandbox.messages.slack_app import slack_app
from tests.monitor.parcels import group, parcel

pytestmark = pytest.mark.anyio

START = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
CHANNEL = "#wtf-inventory-alerts"
FIRING = Notice(
    identity="7-slack-firing-1795514400",
    incident="7",
    kind=Kind.FIRING,
    alert="OversellRisk",
    severity=Severity.CRITICAL,
    summary="Shopify offers 12 units that Lightspeed does not have",
    signal="units that Shopify offers and Lightspeed does not have",
    value="12",
    limit="> 10",
    since=START - timedelta(minutes=3),
    at=START,
    remedy="Run `lightspeed-sync status`.",
    examples=("KAVA-1", "KAVA-2"),
    link="https://ops.example.com/",
)
RESOLVED = replace(FIRING, identity="7-slack-resolved-1", kind=Kind.RESOLVED, value="0", until=START)


class Served:
    """A served workspace and where it is."""

    def __init__(self, workspace: SlackWorkspace, faults: Faults, clock: ManualClock, port: int) -> None:
        self.workspace, self.faults, self.clock = workspace, faults, clock
        self.url = f"http://127.0.0.1:{port}"

    def bot(self, *, token: str = TOKEN, channel: str = CHANNEL, seconds: float = 5, buttons: bool = False) -> Slack:
        return Slack(token=token, channel=channel, base_url=f"{self.url}/api/", seconds=seconds, buttons=buttons)

    def webhook(self) -> SlackWebhook:
        return SlackWebhook(url=self.url + WEBHOOK_PATH, seconds=5)

    def shown(self) -> list[str]:
        return [message.shown.text for message in self.workspace.messages]


@pytest.fixture
async def slack() -> AsyncIterator[Served]:
    clock, faults = ManualClock(START), Faults()
    workspace = SlackWorkspace(clock=clock)
    bound = bind_tcp("127.0.0.1", 0)
    port = bound.getsockname()[1]
    async with serving(slack_app(workspace, faults, clock=clock), bound):
        yield Served(workspace, faults, clock, port)


async def test_a_firing_alert_is_posted_in_blocks_with_a_text_beside_them(slack: Served) -> None:
    receipt = await slack.bot().send(parcel(FIRING))

    (message,) = slack.workspace.messages
    assert receipt == Receipt(message.channel, message.ts)
    assert message.shown.text == (
        "\N{LARGE RED CIRCLE} Alert: OversellRisk. Shopify offers 12 units that Lightspeed does not have"
    )
    assert [block["type"] for block in message.shown.blocks] == [
        "header",
        "section",
        "section",
        "section",
        "actions",
        "context",
    ]
    fields = [field["text"] for field in message.shown.blocks[2]["fields"]]
    assert fields[0] == "*Value*\n12 (alert at &gt; 10)"
    assert fields[2] == "*Since*\n2026-11-24 09:57 UTC (3m)"
    assert fields[3] == "*SKUs*\nKAVA-1, KAVA-2"
    assert message.shown.metadata is not None
    assert message.shown.metadata["event_payload"]["identity"] == "7-slack-firing-1795514400"


async def test_the_end_edits_the_first_message_in_place_and_answers_in_its_thread(slack: Served) -> None:
    bot = slack.bot()
    first = await bot.send(parcel(FIRING))
    await bot.send(parcel(RESOLVED, first))

    message, reply = slack.workspace.messages
    assert len(message.versions) == 2
    assert message.shown.text == (
        "\N{LARGE GREEN CIRCLE} Resolved: OversellRisk. Over after 3m, now 0. "
        "It was: Shopify offers 12 units that Lightspeed does not have"
    )
    assert message.shown.blocks[0]["text"]["text"] == "\N{LARGE GREEN CIRCLE} Resolved: OversellRisk"
    assert (reply.thread_ts, reply.broadcast) == (message.ts, False)


async def test_a_reminder_answers_in_the_thread_and_is_seen_in_the_channel(slack: Served) -> None:
    bot = slack.bot()
    first = await bot.send(parcel(FIRING))
    await bot.send(parcel(replace(FIRING, kind=Kind.REMINDER), first))

    message, reply = slack.workspace.messages
    assert (len(message.versions), reply.thread_ts, reply.broadcast) == (1, message.ts, True)


async def test_the_end_of_a_deleted_message_is_posted_anew(slack: Served) -> None:
    bot = slack.bot()
    first = await bot.send(parcel(FIRING))
    slack.workspace.delete(first.message)
    await bot.send(parcel(RESOLVED, first))

    shown = [message for message in slack.workspace.messages if not message.deleted]
    assert [(message.thread_ts, len(message.shown.blocks)) for message in shown] == [(None, 5)]


async def test_a_possible_repeat_says_so(slack: Served) -> None:
    await slack.bot().send(parcel(FIRING, repeat=True))

    assert "Alert: OversellRisk (possible repeat)" in slack.shown()[0]


@pytest.mark.parametrize(
    "hostile",
    [
        "<!channel> free kava",
        "<https://evil.example|click>",
        "a & b <@U123>",
        "line\r\nbreak\x00\x1b[31m",
        "\u202eevil\u2066\u200b",
        "&lt;!here&gt;",
        "x" * 5_000,
        "*_~`" * 500,
    ],
)
async def test_hostile_titles_change_no_messages_structure(slack: Served, hostile: str) -> None:
    notice = replace(FIRING, alert=hostile, summary=hostile, examples=(hostile,) * 20, description=hostile)
    bot = slack.bot()
    first = await bot.send(parcel(notice))
    await bot.send(parcel(replace(notice, kind=Kind.RESOLVED), first))

    for message in slack.workspace.messages:
        assert message.control_sequences == []
        texts = str(message.shown.blocks) + message.shown.text
        assert not {"\x00", "\x1b", "\r", "\u202e", "\u2066", "\u200b"} & set(texts)


async def test_a_message_that_cannot_be_rendered_goes_out_as_text(slack: Served) -> None:
    broken = replace(FIRING, link="https://ops.example.com/" + "x" * 4_000)
    with pytest.raises(DeliveryError) as caught:
        await slack.bot().send(parcel(broken))
    await slack.bot().send(parcel(broken), plain=True)

    assert caught.value.reason is FailureReason.MALFORMED
    assert slack.workspace.messages[0].shown.blocks == ()


@pytest.mark.parametrize(
    ("fault", "reason", "wait"),
    [
        pytest.param(Fault(FaultKind.THROTTLED, seconds=30), FailureReason.THROTTLED, 30.0, id="429"),
        pytest.param(Fault(FaultKind.THROTTLED, code="bare"), FailureReason.THROTTLED, None, id="429 without a wait"),
        pytest.param(Fault(FaultKind.SERVER_ERROR), FailureReason.AMBIGUOUS, None, id="500 internal_error"),
        pytest.param(Fault(FaultKind.HTML), FailureReason.AMBIGUOUS, None, id="200 with a web page"),
        pytest.param(Fault(FaultKind.EMPTY), FailureReason.AMBIGUOUS, None, id="200 without a body"),
        pytest.param(Fault(FaultKind.TRUNCATED), FailureReason.AMBIGUOUS, None, id="half an answer"),
        pytest.param(Fault(FaultKind.BAD_GATEWAY), FailureReason.AMBIGUOUS, None, id="502"),
        pytest.param(Fault(FaultKind.GATEWAY_TIMEOUT), FailureReason.AMBIGUOUS, None, id="504"),
        pytest.param(Fault(FaultKind.RESET_BEFORE), FailureReason.AMBIGUOUS, None, id="reset before"),
        pytest.param(Fault(FaultKind.RESET_AFTER), FailureReason.AMBIGUOUS, None, id="reset after"),
        pytest.param(Fault(FaultKind.UNAUTHORIZED), FailureReason.REFUSED, None, id="token_expired"),
        pytest.param(Fault(FaultKind.REFUSED, code="not_in_channel"), FailureReason.REFUSED, None, id="not a member"),
        pytest.param(Fault(FaultKind.REFUSED, code="is_archived"), FailureReason.REFUSED, None, id="archived"),
        pytest.param(Fault(FaultKind.REFUSED, code="missing_scope"), FailureReason.REFUSED, None, id="no scope"),
        pytest.param(Fault(FaultKind.REFUSED, code="restricted_action"), FailureReason.REFUSED, None, id="restricted"),
        pytest.param(Fault(FaultKind.REFUSED, code="ratelimited"), FailureReason.THROTTLED, None, id="limit in a 200"),
        pytest.param(
            Fault(FaultKind.REFUSED, code="service_unavailable"), FailureReason.UNREACHABLE, None, id="unavailable"
        ),
        pytest.param(Fault(FaultKind.REFUSED, code="fatal_error"), FailureReason.AMBIGUOUS, None, id="fatal_error"),
        pytest.param(Fault(FaultKind.REFUSED, code="invalid_blocks"), FailureReason.MALFORMED, None, id="our blocks"),
        pytest.param(Fault(FaultKind.REFUSED, code="msg_too_long"), FailureReason.MALFORMED, None, id="too long"),
    ],
)
async def test_each_failure_is_sorted_by_what_is_to_be_done(
    slack: Served, fault: Fault, reason: FailureReason, wait: float | None
) -> None:
    slack.faults.add("slack", "chat.postMessage", fault)
    with pytest.raises(DeliveryError) as caught:
        await slack.bot().send(parcel(FIRING))

    assert (caught.value.reason, caught.value.retry_after) == (reason, wait)
    assert TOKEN not in repr(caught.value) + str(caught.value.__cause__)


async def test_the_fifth_message_of_a_second_is_asked_to_wait(slack: Served) -> None:
    bot = slack.bot()
    for _ in range(4):
        await bot.send(parcel(FIRING))
    with pytest.raises(DeliveryError) as caught:
        await bot.send(parcel(FIRING))

    assert (caught.value.reason, caught.value.retry_after) == (FailureReason.THROTTLED, 1.0)


@pytest.mark.parametrize("webhook", [False, True], ids=["bot", "webhook"])
async def test_where_nobody_listens_the_message_surely_did_not_arrive(webhook: bool) -> None:
    bound = bind_tcp("127.0.0.1", 0)
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    bound.close()
    channel = (
        SlackWebhook(url=f"{url}/services/T/B/secret")
        if webhook
        else Slack(token="xoxb-secret", channel=CHANNEL, base_url=url)
    )
    with pytest.raises(DeliveryError) as caught:
        await channel.send(parcel(FIRING))

    assert caught.value.reason is FailureReason.UNREACHABLE
    assert "secret" not in repr(caught.value)
    assert caught.value.__suppress_context__


async def test_a_wrong_token_needs_a_person(slack: Served) -> None:
    with pytest.raises(DeliveryError) as caught:
        await slack.bot(token="xoxb-wrong-secret").send(parcel(FIRING))

    assert (caught.value.reason, caught.value.detail) == (FailureReason.REFUSED, "invalid_auth")


async def test_a_webhook_posts_but_never_edits(slack: Served) -> None:
    webhook = slack.webhook()
    first = await webhook.send(parcel(FIRING))
    await webhook.send(parcel(RESOLVED, first))

    assert [len(message.versions) for message in slack.workspace.messages] == [1, 1]
    assert slack.shown()[1].startswith("\N{LARGE GREEN CIRCLE} Resolved")


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault(FaultKind.THROTTLED, seconds=9), FailureReason.THROTTLED),
        (Fault(FaultKind.SERVER_ERROR), FailureReason.AMBIGUOUS),
        (Fault(FaultKind.REFUSED, code="channel_not_found"), FailureReason.REFUSED),
        (Fault(FaultKind.REFUSED, code="invalid_payload"), FailureReason.MALFORMED),
        (Fault(FaultKind.HTML), FailureReason.AMBIGUOUS),
        (Fault(FaultKind.RESET_AFTER), FailureReason.AMBIGUOUS),
    ],
    ids=str,
)
async def test_a_webhooks_failures_are_sorted_too(slack: Served, fault: Fault, reason: FailureReason) -> None:
    slack.faults.add("slack", "webhook", fault)
    with pytest.raises(DeliveryError) as caught:
        await slack.webhook().send(parcel(FIRING))

    assert caught.value.reason is reason
    assert "sandbox-webhook-secret" not in repr(caught.value)


async def test_a_message_from_the_webhooks_days_is_no_root_for_the_bot(slack: Served) -> None:
    first = await slack.webhook().send(parcel(FIRING))
    await slack.bot().send(parcel(RESOLVED, first))

    assert [message.thread_ts for message in slack.workspace.messages] == [None, None]


async def test_what_began_and_ended_before_it_could_be_told_reads_as_over(slack: Served) -> None:
    await slack.bot().send(parcel(replace(RESOLVED, kind=Kind.SUMMARY, value="12")))

    (message,) = slack.workspace.messages
    assert message.shown.text == (
        "\N{LARGE GREEN CIRCLE} Was firing: OversellRisk. Over after 3m. "
        "It was: Shopify offers 12 units that Lightspeed does not have"
    )
    assert message.shown.blocks[2]["fields"][2]["text"] == ("*When*\n2026-11-24 09:57 UTC to 2026-11-24 10:00 UTC (3m)")


# --- several at once ---

OTHER = replace(FIRING, incident="8", alert="SyncLatencyHigh", summary="No sync for 12m", severity=Severity.WARNING)


async def test_what_fires_together_is_one_post_that_lists_it(slack: Served) -> None:
    await slack.bot().send(group("1-slack-group-9", OTHER, FIRING))

    (message,) = slack.workspace.messages
    assert message.shown.text == "\N{LARGE RED CIRCLE} 2 alerts: OversellRisk, SyncLatencyHigh"
    assert [block["type"] for block in message.shown.blocks] == ["header", "section", "section", "actions", "context"]
    assert message.shown.blocks[1]["text"]["text"].startswith(
        "*\N{LARGE RED CIRCLE} Alert: OversellRisk*\nShopify offers 12 units that Lightspeed does not have\nValue: 12 "
    )
    assert message.shown.metadata == {
        "event_type": "lightspeed_sync_alert",
        "event_payload": {"identity": "1-slack-group-9", "incident": "8,7", "kind": "firing,firing"},
    }


async def test_the_post_of_a_group_shows_each_members_state_and_its_thread_what_changed(slack: Served) -> None:
    bot = slack.bot()
    first = await bot.send(group("1-slack-group-9", OTHER, FIRING))
    await bot.send(group("7-slack-resolved-1", RESOLVED, before=(first,), members=(OTHER, FIRING)))

    message, reply = slack.workspace.messages
    assert message.shown.text == "\N{LARGE ORANGE CIRCLE} 1 alert, 1 resolved: SyncLatencyHigh, OversellRisk"
    assert [block["text"]["text"].partition("\n")[0] for block in message.shown.blocks[1:3]] == [
        "*\N{LARGE ORANGE CIRCLE} Alert: SyncLatencyHigh*",
        "*\N{LARGE GREEN CIRCLE} Resolved: OversellRisk*",
    ]
    assert reply.thread_ts == message.ts
    assert reply.shown.text.startswith("\N{LARGE GREEN CIRCLE} Resolved: OversellRisk. Over after 3m")


async def test_a_full_group_of_the_longest_notices_is_within_slacks_limits(slack: Served) -> None:
    long = replace(FIRING, alert="&" * 200, summary="<" * 900, examples=("&" * 60,) * 9, remarks=("&" * 400,) * 3)
    members = [replace(long, incident=str(number)) for number in range(20)]
    bot = slack.bot(buttons=True)
    first = await bot.send(group("1-slack-group-9", *members))
    over = [replace(member, kind=Kind.RESOLVED, until=START) for member in members]
    await bot.send(group("1-slack-group-10", *over, before=(first,), members=members))

    message, reply = slack.workspace.messages
    assert len(message.versions[0].blocks) == 43
    assert len(str(message.shown.blocks)) < 20_000
    assert (len(message.versions), len(message.shown.blocks)) == (2, 23)
    assert reply.thread_ts == message.ts


async def test_only_what_has_the_same_message_in_slack_goes_out_together() -> None:
    one, two = Receipt("C1", "1.0"), Receipt("C1", "2.0")
    new, first, second = Item(FIRING), Item(RESOLVED, Previous((one,))), Item(RESOLVED, Previous((two,)))
    reply = Item(RESOLVED, Previous((one, Receipt("C1", "3.0", thread="1.0"))))
    slack = Slack(token="xoxb-secret", channel=CHANNEL, base_url="http://127.0.0.1:1/")

    assert slack.together([first, new, second, reply]) == [first, reply]
    assert slack.together([new, first, new]) == [new, new]
    assert len(slack.together([new] * 30)) == 20


async def test_an_answer_in_a_thread_knows_the_message_it_belongs_to(slack: Served) -> None:
    bot = slack.bot()
    first = await bot.send(parcel(FIRING))
    reminder = await bot.send(parcel(replace(FIRING, kind=Kind.REMINDER), first))
    await bot.send(parcel(RESOLVED, first, reminder))

    assert reminder.thread == first.message
    assert [message.thread_ts for message in slack.workspace.messages] == [None, first.message, first.message]


async def test_after_a_new_post_the_thread_goes_on_there(slack: Served) -> None:
    bot = slack.bot()
    first = await bot.send(parcel(FIRING))
    slack.workspace.delete(first.message)
    anew = await bot.send(parcel(replace(FIRING, kind=Kind.REMINDER), first))
    await bot.send(parcel(RESOLVED, first, anew))

    message = next(message for message in slack.workspace.messages if message.ts == anew.message)
    assert message.shown.text.startswith("\N{LARGE GREEN CIRCLE} Resolved")


# --- two ways ---


@pytest.mark.parametrize(
    "code", ["not_in_channel", "invalid_auth", "service_unavailable"], ids=["no member", "token", "down"]
)
async def test_what_the_token_cannot_deliver_goes_by_the_webhook(slack: Served, code: str) -> None:
    slack.faults.add("slack", "chat.postMessage", Fault(FaultKind.REFUSED, code=code))
    receipt = await SlackTwoWays(slack.bot(), slack.webhook()).send(parcel(FIRING))

    assert receipt == Receipt("", FIRING.identity)
    assert len(slack.workspace.messages) == 1


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        (Fault(FaultKind.SERVER_ERROR), None, FailureReason.AMBIGUOUS),
        (Fault(FaultKind.THROTTLED, seconds=9), None, FailureReason.THROTTLED),
        (
            Fault(FaultKind.REFUSED, code="is_archived"),
            Fault(FaultKind.REFUSED, code="no_service"),
            FailureReason.REFUSED,
        ),
        (Fault(FaultKind.REFUSED, code="is_archived"), Fault(FaultKind.RESET_AFTER), FailureReason.AMBIGUOUS),
    ],
    ids=["in doubt", "asked to wait", "neither", "second in doubt"],
)
async def test_what_may_have_arrived_goes_by_no_second_way(
    slack: Served, first: Fault, second: Fault | None, reason: FailureReason
) -> None:
    slack.faults.add("slack", "chat.postMessage", first)
    if second is not None:
        slack.faults.add("slack", "webhook", second)
    with pytest.raises(DeliveryError) as caught:
        await SlackTwoWays(slack.bot(), slack.webhook()).send(parcel(FIRING))

    assert caught.value.reason is reason
