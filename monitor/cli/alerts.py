"""`alerts list`, `ack`, `silence` and `lift`: what fires, who knows of it, and what people do about it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from monitor.cli import common
from monitor.cli.common import Exit, person, run, say, say_json, show_table, usage
from monitor.cli.reading import daemon_runs, opened_state
from monitor.control import SILENCE, ask
from monitor.desk import AcknowledgeOrder, AlertDesk, LiftOrder, SilenceOrder
from monitor.hiding import Silence
from monitor.notice import Severity
from monitor.reach import Firing, firing
from monitor.rules import Phase, State
from monitor.store import Incident, Store
from monitor.store.people import Deed
from monitor.units import Unfit, did_you_mean, duration, shown, written_duration, written_minute
from monitor.workshop import workshop
from sync.clock import SystemClock
from sync.settings import Settings

_ENDED = 5  # of the latest incidents that have ended


@dataclass(frozen=True, slots=True)
class Listed:
    """What `alerts list` shows; `pending` by the alert's name."""

    firing: Sequence[Firing]
    pending: dict[str, State]
    silences: Sequence[Silence]
    ended: Sequence[Incident]


# --- the list ---


def show_list(settings: Settings, *, json: bool) -> Exit:
    """List what fires and is about to, the silences that stand, and what ended lately."""
    now = SystemClock().now()

    async def look() -> Listed:
        async with opened_state(settings) as database:
            return await listed(Store(database), now)

    found = run(look)
    if json:
        say_json(_data(found))
    else:
        _tell(found, now)
    return Exit.DONE


async def listed(store: Store, now: datetime) -> Listed:
    """Read what the list shows."""
    states = await store.states()
    latest = await store.latest_incidents(_ENDED + len(states))
    return Listed(
        firing=await firing(store),
        pending={name: state for name, state in sorted(states.items()) if state.phase is Phase.PENDING},
        silences=await store.standing_silences(now),
        ended=[each for each in latest if each.resolved_at is not None][:_ENDED],
    )


def _tell(found: Listed, now: datetime) -> None:
    if found.firing:
        names = ("alert", "severity", "since", "now", "alert at", "who knows", "acknowledged")
        show_table(names, [_firing_row(each) for each in found.firing])
    else:
        say("Nothing fires.")
    if found.pending:
        say("")
        show_table(("about to fire", "its condition holds since", "for"), list(_pending_rows(found.pending, now)))
    if found.silences:
        say("")
        show_table(("silence", "hides", "until", "by", "reason"), [_silence_row(each, now) for each in found.silences])
    if found.ended:
        say("")
        show_table(("ended", "began", "ended at", "summary"), [_ended_row(each) for each in found.ended])
    say(*_ways_on(found))


def _firing_row(each: Firing) -> tuple[object, ...]:
    one = each.incident
    by = f"by {one.acknowledged_by}, {written_minute(one.acknowledged_at)}" if one.acknowledged_at else "by nobody"
    return one.alert, one.severity.value, written_minute(one.since), one.value, one.limit, each.words, by


def _pending_rows(pending: dict[str, State], now: datetime) -> Iterator[tuple[object, ...]]:
    for name, state in pending.items():
        since = state.since or now
        yield name, written_minute(since), written_duration(now - since)


def _silence_row(each: Silence, now: datetime) -> tuple[object, ...]:
    until = f"{written_minute(each.ends_at)}, for {written_duration(each.ends_at - now)}"
    sooner = ", or until what it hides has ended" if each.until_resolved else ""
    return each.id, str(each.matcher), until + sooner, each.author, each.reason


def _ended_row(each: Incident) -> tuple[object, ...]:
    ended = "" if each.resolved_at is None else written_minute(each.resolved_at)
    return each.alert, written_minute(each.since), ended, each.summary


def _ways_on(found: Listed) -> Iterator[str]:
    ways = []
    if any(each.incident.acknowledged_at is None for each in found.firing):
        ways.append("Take it into your hands:    lightspeed-sync alerts ack NAME")
    if found.firing:
        ways.append("Hear nothing for a while:   lightspeed-sync alerts silence NAME --for 2h --reason TEXT")
    if found.silences:
        ways.append("End a silence:              lightspeed-sync alerts lift N")
    if ways:
        yield from ("", *ways)


def _data(found: Listed) -> dict[str, Any]:
    """Return the list for programs."""
    return {
        "firing": [each.data for each in found.firing],
        "pending": [{"alert": name, "since": each.since, "value": each.value} for name, each in found.pending.items()],
        "silences": [SILENCE.dump_python(each, mode="json") for each in found.silences],
        "ended": [asdict(each) for each in found.ended],
    }


# --- what people did ---


def show_trail(settings: Settings, *, json: bool) -> Exit:
    """Tell who did what about alerts, newest first."""

    async def look() -> Sequence[Deed]:
        async with opened_state(settings) as database:
            return await Store(database).trail()

    deeds = run(look)
    if json:
        say_json([asdict(each) for each in deeds])
    elif deeds:
        show_table(("when", "who", "did", "about", "more"), [_deed_row(each) for each in deeds])
    else:
        say("Nobody has done anything about alerts.")
    return Exit.DONE


def _deed_row(each: Deed) -> tuple[object, ...]:
    more = ", ".join(f"{name} {value}" for name, value in each.detail.items())
    return written_minute(each.at), each.who, each.what, each.subject, more


# --- what people do ---


@asynccontextmanager
async def desk_here(settings: Settings) -> AsyncIterator[AlertDesk]:
    """Take the state directory, as no daemon has it; the next judging, of a daemon that starts, follows the words."""
    content = common.alerts(settings)
    async with workshop(settings, content) as shop:
        yield AlertDesk(Store(shop.database), lambda: [alert.name for alert in content.alerts], shop.clock)


def acknowledge(settings: Settings, names: Sequence[str], *, json: bool) -> Exit:
    """Acknowledge alerts, through the running daemon or here."""
    order = AcknowledgeOrder(alerts=tuple(dict.fromkeys(names)), by=person())

    async def act() -> Sequence[str]:
        answer = await ask(settings.state_dir, "acknowledge", order)
        if answer is not None:
            return list(answer["before"])
        async with desk_here(settings) as desk:
            return list(await desk.acknowledge(order))

    before = run(act)
    if json:
        say_json({"acknowledged": [name for name in order.alerts if name not in before], "before": before})
        return Exit.DONE
    for name in order.alerts:
        if name in before:
            say(f"{name}: somebody had acknowledged it before; see `lightspeed-sync alerts list`.")
        else:
            say(f"{name}: acknowledged by {order.by}. No reminders, and nobody else is called; its end is still told.")
    return Exit.DONE


def silence_order(
    names: Sequence[str], labels: Sequence[str], severity: str | None, length: str, reason: str, *, until_resolved: bool
) -> SilenceOrder:
    """Return what a person asks for; ends the program where it cannot be understood."""
    try:
        span = duration(length)
    except Unfit as unfit:
        raise usage(f"--for: {unfit}.") from None
    if severity is not None and severity not in tuple(Severity):
        raise usage(f"--severity: there is no severity {shown(severity)}; {did_you_mean(severity, tuple(Severity))}")
    for each in labels:
        if not all(each.partition("=")):
            raise usage(f"--label: {shown(each)} is not NAME=VALUE; write it like team=shop.")
    return SilenceOrder(
        alerts=tuple(dict.fromkeys(names)),
        labels=dict(each.split("=", 1) for each in labels),
        severity=None if severity is None else Severity(severity),
        length=span,
        until_resolved=until_resolved,
        reason=reason,
        by=person(),
    )


def silence(settings: Settings, order: SilenceOrder, *, json: bool) -> Exit:
    """Silence alerts, through the running daemon or here."""
    kept = run(lambda: _asked(settings, "silence", order, lambda desk: desk.silence(order)))
    if json:
        say_json(SILENCE.dump_python(kept, mode="json"))
        return Exit.DONE
    sooner = ", or until what it hides has ended" if kept.until_resolved else ""
    say(
        f"Silence {kept.id}: nothing is told of {kept.matcher} until {written_minute(kept.ends_at)}{sooner}.",
        f"End it sooner:   lightspeed-sync alerts lift {kept.id}",
    )
    return Exit.DONE


async def _asked(
    settings: Settings, action: str, order: BaseModel, here: Callable[[AlertDesk], Awaitable[Silence]]
) -> Silence:
    answer = await ask(settings.state_dir, action, order)
    if answer is not None:
        return SILENCE.validate_python(answer)
    async with desk_here(settings) as desk:
        return await here(desk)


def lift(settings: Settings, number: int, *, json: bool) -> Exit:
    """End a silence, through the running daemon or here."""
    order = LiftOrder(silence=number, by=person())
    lifted = run(lambda: _asked(settings, "lift", order, lambda desk: desk.lift(order)))
    if json:
        say_json(SILENCE.dump_python(lifted, mode="json"))
        return Exit.DONE
    when = "now" if daemon_runs(settings.state_dir) else "when the daemon runs"
    say(f"Silence {lifted.id} has ended: what fires of {lifted.matcher} is told {when}.")
    return Exit.DONE
