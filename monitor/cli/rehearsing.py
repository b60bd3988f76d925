"""`alerts test` and `alerts drill`: messages for trial, each with its proof or the reason why it did not arrive."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import asdict

from pydantic import BaseModel

from monitor.asked import DrillOrder, Rehearsed, Sent, TrialOrder
from monitor.asking import REHEARSED, ask
from monitor.channels.opening import open_channels
from monitor.cli.common import Exit, alerts, complain, here, person, run, say, say_json
from monitor.notice import FailureReason, Kind
from monitor.rehearsal import Rehearsal
from monitor.store import Store
from monitor.units import counted
from sync.errors import Code
from sync.settings import Settings

_UNREACHED = (FailureReason.UNREACHABLE, FailureReason.AMBIGUOUS, FailureReason.THROTTLED)
_REASONS = {
    FailureReason.THROTTLED: "the service asked us to wait",
    FailureReason.UNREACHABLE: "the service could not be reached",
    FailureReason.REFUSED: "the service refused it",
    FailureReason.MALFORMED: "the service does not take its form",
    FailureReason.AMBIGUOUS: "nobody knows whether it arrived",
}
_PARTS = {Kind.TEST: "the test", Kind.FIRING: "the beginning", Kind.RESOLVED: "the end"}


def test(settings: Settings, channel: str, *, json: bool) -> Exit:
    """Send a test through a channel, of the running daemon or of these settings."""
    order = TrialOrder(channel=channel, by=person())
    return _told(run(lambda: _asked(settings, "test_channel", order, lambda here: here.test(order))), json=json)


def drill(settings: Settings, alert: str, *, json: bool) -> Exit:
    """Pretend that an alert fires and ends, through the channels of the running daemon or of these settings."""
    order = DrillOrder(alert=alert, by=person())
    return _told(run(lambda: _asked(settings, "drill", order, lambda here: here.drill(order))), json=json)


async def _asked(
    settings: Settings, action: str, order: BaseModel, act: Callable[[Rehearsal], Awaitable[Rehearsed]]
) -> Rehearsed:
    answer = await ask(settings.state_dir, action, order)
    if answer is not None:
        return REHEARSED.validate_python(answer)
    async with _here(settings) as rehearsal:
        return await act(rehearsal)


@asynccontextmanager
async def _here(settings: Settings) -> AsyncIterator[Rehearsal]:
    content = alerts(settings)
    async with here(settings, content) as shop:
        channels = open_channels(settings, content, shop.clock)
        try:
            yield Rehearsal(lambda: content, channels, Store(shop.database), shop.clock, settings.ops_url or "")
        finally:
            for channel in channels.values():
                await channel.close()


def _told(came: Rehearsed, *, json: bool) -> Exit:
    if json:
        say_json({**asdict(came), "well": came.well})
    else:
        say(*_sentences(came))
        complain(*dict.fromkeys(_remedy(each) for each in came.sent if each.reason is not None))
    if came.well:
        return Exit.DONE
    failed = [each.reason for each in came.sent if each.reason is not None]
    return Exit.UNREACHABLE if failed and all(each in _UNREACHED for each in failed) else Exit.WRONG


def _sentences(came: Rehearsed) -> Iterator[str]:
    for place in dict.fromkeys(each.place for each in came.sent):
        parts = [_sent(each) for each in came.sent if each.place == place]
        yield f"{place}: {'; '.join(parts)}."
    for channel, why in came.lacking.items():
        yield f"{channel}: nothing was sent: {why}."
    if not came.sent and not came.lacking:
        yield f"{came.subject}: no route leads to a channel, so nobody would be told."
    if came.waiting:
        error = f"; the last try met with: {came.last_error}" if came.last_error else ""
        yield f"{counted(came.waiting, 'message')} of alerts still wait for {came.subject}{error}."


def _remedy(each: Sent) -> str:
    if each.reason in _UNREACHED:
        return "Try again in a while. Alerts are kept meanwhile, and tried again by themselves."
    return Code[each.code].remedy


def _sent(each: Sent) -> str:
    what = _PARTS[each.kind]
    if each.reason is None:
        proof = f" (proof {each.proof})" if each.proof else ""
        return f"{what} was taken in {each.seconds:.1f} s{proof}"
    return f"{what} was not delivered: {_REASONS[each.reason]} ({each.detail})"
