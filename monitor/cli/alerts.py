"""`alerts list`, `ack`, `silence` and `lift`: what fires, who knows of it, and what people do about it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from monitor.asked import Acknowledged, AcknowledgeOrder, FileStand, LiftOrder, SilenceOrder
from monitor.asking import BEFORE, SILENCE, ask
from monitor.cli import common
from monitor.cli.common import Exit, person, run, say, say_folded, say_json, usage
from monitor.cli.reading import file_lines, file_stand, opened_state
from monitor.desk import AlertDesk
from monitor.door import daemon_runs
from monitor.hiding import Silence
from monitor.notice import Severity
from monitor.reach import Firing, firing
from monitor.rules import Phase, State
from monitor.store import Incident, Store
from monitor.store.people import Deed
from monitor.units import Unfit, did_you_mean, duration, shown, written_duration, written_minute
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
    alerts_file: FileStand = field(default_factory=FileStand)


# --- the list ---


def show_list(settings: Settings, *, json: bool) -> Exit:
    """List what fires and is about to, the silences that stand, and what ended lately."""
    now = SystemClock().now()

    async def look() -> Listed:
        async with opened_state(settings) as database:
            return replace(await listed(Store(database), now), alerts_file=await file_stand(settings))

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
    parts = [
        list(file_lines(found.alerts_file)),
        [line for each in found.firing for line in _firing_lines(each, now)] or ["Nothing fires."],
        [line for name, state in found.pending.items() for line in _pending_lines(name, state, now)],
        [line for each in found.silences for line in _silence_lines(each, now)],
        [line for each in found.ended for line in _ended_lines(each)],
        list(_ways_on(found)),
    ]
    said = [line for part in parts if part for line in ("", *part)]
    say_folded(*said[1:])


def _firing_lines(each: Firing, now: datetime) -> Iterator[str]:
    one = each.incident
    lasts = written_duration(now - one.since)
    yield f"FIRES {one.alert} ({one.severity.value}) since {written_minute(one.since)}, for {lasts}"
    yield f"  {one.summary}"
    yield f"  Now {one.value}, alert at {one.limit}"
    at = written_minute(one.acknowledged_at)
    yield f"  Known to {each.words}"
    yield f"  Acknowledged by {one.acknowledged_by}, {at}" if one.acknowledged_at else "  Acknowledged by nobody"


def _pending_lines(name: str, state: State, now: datetime) -> Iterator[str]:
    since = state.since or now
    yield f"ABOUT TO FIRE {name}"
    yield f"  Its condition holds since {written_minute(since)}, for {written_duration(now - since)}"


def _silence_lines(each: Silence, now: datetime) -> Iterator[str]:
    sooner = ", or until what it hides has ended" if each.until_resolved else ""
    yield f"SILENCE {each.id} hides {each.matcher}"
    yield f"  Until {written_minute(each.ends_at)}, for another {written_duration(each.ends_at - now)}{sooner}"
    yield f"  By {each.author}: {each.reason}"


def _ended_lines(each: Incident) -> Iterator[str]:
    ended = each.resolved_at or each.since
    yield f"ENDED {each.alert} at {written_minute(ended)}, after {written_duration(ended - each.since)}"
    yield f"  {each.summary}"


def _ways_on(found: Listed) -> Iterator[str]:
    ways = []
    if any(each.incident.acknowledged_at is None for each in found.firing):
        ways.append("Take it in hand:  lightspeed-sync alerts ack NAME")
    if found.firing:
        ways.append("Hear nothing:     lightspeed-sync alerts silence NAME --for 2h --reason TEXT")
    if found.silences:
        ways.append("End a silence:    lightspeed-sync alerts lift N")
    if ways:
        yield from ways


def _data(found: Listed) -> dict[str, Any]:
    """Return the list for programs."""
    return {
        "firing": [each.data for each in found.firing],
        "pending": [{"alert": name, "since": each.since, "value": each.value} for name, each in found.pending.items()],
        "silences": [SILENCE.dump_python(each, mode="json") for each in found.silences],
        "ended": [asdict(each) for each in found.ended],
        "alerts_file": asdict(found.alerts_file),
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
        say_folded(*(_told_deed(each) for each in deeds))
    else:
        say("Nobody has done anything about alerts.")
    return Exit.DONE


def _told_deed(each: Deed) -> str:
    """Return what somebody did, as a line; moments as people read them."""
    more = ", ".join(f"{name.replace('_', ' ')} {_readable(value)}" for name, value in each.detail.items())
    return f"{written_minute(each.at)}  {each.who}: {each.what} {each.subject}" + (f" ({more})" if more else "")


def _readable(value: object) -> object:
    with suppress(ValueError, TypeError):
        return written_minute(datetime.fromisoformat(value))  # type: ignore[arg-type] # what is no text is no moment
    return value


# --- what people do ---


@asynccontextmanager
async def desk_here(settings: Settings) -> AsyncIterator[AlertDesk]:
    """Take the state directory, as no daemon has it; the next judging, of a daemon that starts, follows the words."""
    content = common.alerts(settings)
    async with common.here(settings, content) as shop:
        subjects = [alert.subject for alert in content.alerts]
        yield AlertDesk(Store(shop.database), lambda: subjects, shop.clock)


def acknowledge(settings: Settings, names: Sequence[str], *, json: bool) -> Exit:
    """Acknowledge alerts, through the running daemon or here."""
    order = AcknowledgeOrder(alerts=tuple(dict.fromkeys(names)), by=person())

    async def act() -> Mapping[str, Acknowledged]:
        answer = await ask(settings.state_dir, "acknowledge", order)
        if answer is not None:
            return BEFORE.validate_python(answer)
        async with desk_here(settings) as desk:
            return await desk.acknowledge(order)

    before = run(act)
    if json:
        earlier = {name: asdict(each) for name, each in before.items()}
        say_json({"acknowledged": [name for name in order.alerts if name not in before], "before": earlier})
        return Exit.DONE
    for name in order.alerts:
        if name in before:
            say(f"{name}: {before[name].by} had acknowledged it before, at {written_minute(before[name].at)}.")
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
    when = "now" if daemon_runs(settings.state_dir) else "as soon as the daemon runs"
    say(f"Silence {lifted.id} is lifted. It hid {lifted.matcher}: what of that still fires is told {when}.")
    return Exit.DONE
