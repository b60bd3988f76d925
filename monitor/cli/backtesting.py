"""`alerts backtest`: what an alerts.yaml would have told over the recorded history, and how another one differs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

from monitor.alerts_file import load_alerts
from monitor.alerts_model import AlertsFile
from monitor.backtest import Figures, Recorded, backtest
from monitor.cli.common import (
    Exit,
    alerts,
    alerts_as_they_are,
    complain,
    run,
    say_folded,
    say_json,
    show_table,
    telling,
)
from monitor.cli.reading import opened_state
from monitor.signals import DEFAULT_WINDOW
from monitor.store import Store
from monitor.units import counted, written_duration, written_minute
from sync.clock import SystemClock
from sync.settings import Settings
from sync.storage.ledger import SqlLedger

_NOTEWORTHY = 0.05  # share of judgings without a number that is told


def show(settings: Settings, file: Path | None, days: int, *, json: bool) -> Exit:
    """Replay the last days through alerts.yaml; with another file, tell how that one differs."""
    with telling():
        other = None if file is None else load_alerts(file)
    present = alerts(settings) if other is None else alerts_as_they_are(settings)
    contents = [each for each in (present, other) if each is not None]
    past = run(lambda: _read(settings, contents, timedelta(days=days)))
    if not past.judgings:
        complain(f"The rules were not judged within the last {counted(days, 'day')}: there is nothing to replay.")
        return Exit.WRONG
    came = [backtest(content, past) for content in contents]
    if json:
        say_json(_data(past, None if present is None else came[0], None if other is None else came[-1]))
        return Exit.DONE
    say_folded(*_heading(past), "")
    if file is None or present is None:
        if present is None:
            say_folded(
                f"{settings.alerts_file.name} has mistakes and cannot be compared with: this is the other file alone.",
                "",
            )
        _tell(past, came[0])
    else:
        _tell_difference(past, came[0], came[1], (settings.alerts_file.name, file.name))
    return Exit.DONE


async def _read(settings: Settings, contents: Sequence[AlertsFile], back: timedelta) -> Recorded:
    signals = {name for content in contents for alert in content.alerts for name in alert.signals()}
    since = SystemClock().now() - back
    longest = max(DEFAULT_WINDOW, *(content.longest_window() for content in contents))
    async with opened_state(settings) as database:
        calls = await SqlLedger(database).calls_since(since - longest)
        return Recorded(await Store(database).judgings(since, signals), sorted(calls, key=lambda row: row.minute))


def _heading(past: Recorded) -> Iterator[str]:
    first, last = past.judgings[0].at, past.judgings[-1].at
    judged = f"{counted(len(past.judgings), 'judging')} in {written_duration(past.length)}"
    yield f"From {written_minute(first)} to {written_minute(last)}: {judged}."
    yield "As if nobody had silenced or acknowledged anything, and every message had arrived at once."


# --- one file ---


def _messages_named(past: Recorded) -> str:
    return "messages a week" if past.by_the_week else "messages"


def _in_all(past: Recorded) -> str:
    if past.by_the_week:
        return "Messages a week in all"
    return f"Messages in all, within {written_duration(past.length)} (too short to say how many a week)"


def _tell(past: Recorded, came: Sequence[Figures]) -> None:
    fired = [each for each in came if each.fired]
    if fired:
        names = ("alert", "fired", "median", "longest", "came back soon", "nobody told", _messages_named(past))
        show_table(names, [_row(each) for each in fired])
        say_folded("", f"{_in_all(past)}: {_messages(_summed(came)) or 'none'}.")
    quiet = [each.alert for each in came if not each.fired]
    if quiet:
        say_folded(f"Would not have fired: {', '.join(quiet)}.")
    for each in came:
        if each.unknown >= _NOTEWORTHY:
            say_folded(f"{each.alert} had no number to judge by at {each.unknown:.0%} of the judgings.")


def _row(each: Figures) -> tuple[object, ...]:
    return (
        each.alert,
        each.fired,
        _length(each.median),
        _length(each.longest),
        each.flaps,
        each.untold,
        _messages(each.messages) or "none",
    )


def _length(seconds: float) -> str:
    return written_duration(timedelta(seconds=seconds))


def _messages(messages: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {count:g}" for name, count in sorted(messages.items()) if count)


def _summed(came: Sequence[Figures]) -> Mapping[str, float]:
    names = {name for each in came for name in each.messages}
    return {name: round(sum(each.messages.get(name, 0.0) for each in came), 1) for name in sorted(names)}


# --- two files ---


def _tell_difference(
    past: Recorded, before: Sequence[Figures], after: Sequence[Figures], files: tuple[str, str]
) -> None:
    present, other = files
    old, new = {each.alert: each for each in before}, {each.alert: each for each in after}
    names = list(dict.fromkeys([*old, *new]))
    changed = [name for name in names if old.get(name) != new.get(name)]
    if changed:
        show_table(
            (f"{present} -> {other}", "fired", "longest", _messages_named(past)),
            [_pair(name, old.get(name), new.get(name)) for name in changed],
        )
        sums = [_messages(_summed(each)) or "none" for each in (before, after)]
        say_folded("", f"{_in_all(past)}: {sums[0]} -> {sums[1]}.")
    else:
        say_folded(f"{other} would have told the same as {present}.")
    same = [name for name in names if name not in changed]
    if changed and same:
        say_folded(f"Unchanged: {', '.join(same)}.")


def _pair(name: str, old: Figures | None, new: Figures | None) -> tuple[str, ...]:
    return (
        name,
        _change("not there" if each is None else str(each.fired) for each in (old, new)),
        _change("" if each is None else _length(each.longest) for each in (old, new)),
        _change("" if each is None else _messages(each.messages) or "none" for each in (old, new)),
    )


def _change(pair: Iterable[str]) -> str:
    old, new = pair
    return old if old == new else " -> ".join(filter(None, (old, new)))


def _data(past: Recorded, *came: Sequence[Figures] | None) -> dict[str, object]:
    told = [None if one is None else [asdict(each) for each in one] for one in came]
    return {
        "since": past.judgings[0].at,
        "until": past.judgings[-1].at,
        "judgings": len(past.judgings),
        "messages": "a week" if past.by_the_week else "in all",
        "alerts": told[0],
        "other": told[1],
    }
