"""`alerts explain`: the whole story of one alert, now or at a moment of the past."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime

from monitor import recorded, rules
from monitor.alerts_file import lacking
from monitor.alerts_model import AlertsFile
from monitor.audience import Audience, audiences, open_windows, routed
from monitor.channels.opening import open_channels
from monitor.cli import common
from monitor.cli.common import Exit, run, say, say_json, show_table, usage
from monitor.cli.reading import opened_state
from monitor.decide import Hidden, Why
from monitor.explain import Compared, Explanation, changes, explain, verdicts
from monitor.hiding import hidden_by
from monitor.known import Known, as_of, message_as_of, state_at
from monitor.rules import Past, Phase, Rule, Sample, State
from monitor.signals import DEFAULT_WINDOW
from monitor.store import Store
from monitor.units import Unfit, did_you_mean, duration, local, shown, written_duration, written_second
from sync.clock import SystemClock
from sync.errors import Code, Permanent
from sync.settings import Settings
from sync.storage.ledger import SqlLedger

_ROWS = 10  # of a table, the newest


def moment(text: str, now: datetime, option: str = "--at") -> datetime:
    """Return the moment that a person names: in ISO 8601, without a zone in that of alerts.yaml; or so long ago."""
    with suppress(Unfit):
        return now - duration(text)
    try:
        named = datetime.fromisoformat(text)
    except ValueError:
        like = 'write it like "2026-11-24 10:00", or 2h for two hours ago'
        raise usage(f"{option}: {shown(text)} is not a moment; {like}.") from None
    return local(named).astimezone(UTC)


def show(settings: Settings, name: str, at: str | None, *, json: bool) -> Exit:
    """Tell the story of one alert."""
    now = SystemClock().now()
    then = now if at is None else moment(at, now)
    content = common.alerts_as_they_are(settings)
    known = run(lambda: _look(settings, content, name, then, past=at is not None))
    told = explain(known)
    if json:
        say_json({**asdict(told), "changes": [asdict(each) for each in known.changes], **_records(known)})
    else:
        _tell(told, known)
    return Exit.DONE


def _records(known: Known) -> dict[str, object]:
    return {
        "incident": None if known.incident is None else asdict(known.incident),
        "verdicts": [asdict(each) for each in known.decided],
        "messages": [asdict(each) for each in known.messages],
    }


async def _look(settings: Settings, content: AlertsFile | None, name: str, at: datetime, *, past: bool) -> Known:
    async with opened_state(settings) as database:
        store = Store(database)
        known = await _on_record(store, name, at, past=past)
        alert = None if content is None else content.alert(name)
        if alert is None and known.incident is None and not known.changes:
            names = [] if content is None else [each.name for each in content.alerts]
            known_names = did_you_mean(name, names) if names else "alerts.yaml has mistakes, so it is not known"
            raise Permanent(Code.NT003, f"({name}; {known_names})")
        if alert is None or content is None:
            return replace(known, file_read=content is not None)
        rule = alert.rule()
        there = await channels_there(settings, content)
        audience = audiences(content, there)[name]
        ways, there_not = routed(content, alert), lacking(content, there)
        hidden, until = await _hidden(store, content, audience, at)
        return replace(
            known,
            hidden=hidden,
            hidden_until=until,
            rule=rule,
            places=audience.places,
            repeat=audience.repeat,
            samples=await _samples(store, SqlLedger(database), rule, known),
            unreachable={channel: there_not[channel] for channel in ways if channel in there_not},
        )


async def channels_there(settings: Settings, content: AlertsFile) -> Mapping[str, Sequence[str]]:
    """Return the channels that the settings have credentials for, with whom each writes to."""
    opened = open_channels(settings, content, SystemClock())
    for channel in opened.values():
        await channel.close()
    return {name: channel.recipients for name, channel in opened.items()}


async def _hidden(
    store: Store, content: AlertsFile, audience: Audience, at: datetime
) -> tuple[Hidden | None, datetime | None]:
    """Return what would keep an alert from being told, should it fire, and until when, where that is known."""
    subject, silences = audience.subject, await store.standing_silences(at)
    changes = {name: await store.changes_of(name, at) for name in subject.depends_on}
    hidden = hidden_by(
        subject,
        silences=silences,
        windows=open_windows(content, at),
        closed_hours=audience.closed(at),
        burning=[name for name, past in changes.items() if state_at(past, at).phase is not Phase.OK],
        now=at,
    )
    if hidden is None:
        return None, None
    if hidden.why is Why.OUTSIDE_HOURS and audience.hours is not None:
        return hidden, audience.hours.opening_after(at)
    return hidden, next((each.ends_at for each in silences if str(each) == hidden.by), None)


async def _on_record(store: Store, name: str, at: datetime, *, past: bool) -> Known:
    changes = await store.changes_of(name, at)
    incident = as_of(await store.incident_of(name, at), at)
    decided = [] if incident is None else [each for each in await store.verdicts(incident.id) if each.at <= at]
    messages = [] if incident is None else await store.messages(incident.id)
    ended = incident is not None and incident.resolved_at is not None
    kept = State() if past else (await store.states()).get(name, State())
    return Known(
        name=name,
        at=at,
        state=state_at(changes, at) if past else kept,
        judging=await store.judging_at(at),
        changes=changes,
        incident=incident,
        decided=decided,
        messages=[message_as_of(each, at, ended=ended) for each in messages if each.created_at <= at],
    )


async def _samples(store: Store, ledger: SqlLedger, rule: Rule, known: Known) -> Mapping[str, Sample]:
    """Return what the rule saw at the last judging, windows taken."""
    if known.judging is None:
        return {}
    at, back = known.judging.at, rule.over or DEFAULT_WINDOW
    calls = await ledger.calls_since(at - back)
    seen = recorded.samples(rule, known.judging.values, calls, at)
    series = await store.history(at - back, list(seen))
    before: Past = {name: [pair for pair in pairs if pair[0] < at] for name, pairs in series.items()}
    return rules.evaluate(rule, seen, known.state, at, before).samples


def _tell(told: Explanation, known: Known) -> None:
    say(f"{told.alert} at {written_second(told.at)}", "", *told.standing)
    if told.compared:
        say("", f"Its condition: {told.condition}")
        show_table(("signal", "is", "alert at", "", ""), [_compared_row(each) for each in told.compared])
        say(_judged(told))
    say("", *told.told)
    if known.decided:
        say("")
        show_table(("decided", "for", "told", "why"), verdicts(known)[-_ROWS:])
    if known.changes:
        say("")
        show_table(("changed", "from -> to", "number", "why"), changes(known)[-_ROWS:])


def _judged(told: Explanation) -> str:
    if told.judged_at is None:
        return "The rules were not judged yet."
    return f"Last judged {written_duration(told.at - told.judged_at)} before, at {written_second(told.judged_at)}."


def _compared_row(each: Compared) -> tuple[object, ...]:
    held = {True: "holds", False: "does not hold", None: "cannot be told"}[each.holds]
    return each.signal, each.value, each.bound, held, each.note or each.title
