"""`sync`: plans are files that people review; confirming carries them out, in the daemon or in this process."""

from __future__ import annotations

import json as json_text
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any

from rich.table import Table

from monitor.actions import SyncOrder, SyncReply
from monitor.cli.common import Exit, alerts, err, exit_code, out, run, say_json, telling, working_directory
from monitor.control import ask
from monitor.workshop import workshop
from sync.clock import SystemClock
from sync.errors import Code, Refused
from sync.plan import Plan, from_json
from sync.records import RunOutcome, WriteOutcome
from sync.settings import Settings

_SHOWN = 40  # changes listed; the plan file has all
_LEFT_OVER = (WriteOutcome.PARKED, WriteOutcome.REFUSED, WriteOutcome.STALE, WriteOutcome.UNANSWERED)


@dataclass(frozen=True, slots=True)
class Order:
    """What a person asked for; `plan` names a file or begins a hash."""

    full: bool
    skus: tuple[str, ...]
    plan: str | None

    def asked(self, *, dry_run: bool = False, plan: str | None = None) -> SyncOrder:
        """Return it as the engine takes it."""
        return SyncOrder(full=self.full, skus=self.skus, dry_run=dry_run, plan=plan)


def plan(settings: Settings, order: Order, *, json: bool) -> Exit:
    """Make a plan, write its file, show it."""
    reply = _waiting(settings, order.asked(dry_run=True))
    if reply.plan is None:
        return _failed(reply)
    path = _write(reply.plan)
    if json:
        say_json(json_text.loads(reply.plan) | {"file": str(path)})
    else:
        made = from_json(reply.plan)
        _show(made)
        carry = (
            f"Carry it out with: lightspeed-sync sync{_flags(order)} --confirm" if made.changes else "No change is due."
        )
        out.print(f"Written to {path.name}. {carry}", markup=False)
    return Exit.DONE


def confirm(settings: Settings, order: Order, *, json: bool) -> Exit:
    """Carry a plan out: the one named, else today's newest, else one made now, which brakes may hold."""
    with telling():
        found = _chosen(settings, order)
    if found is None:
        reviewed = _waiting(settings, order.asked(dry_run=True))
        if reviewed.plan is None:
            return _failed(reviewed)
        if not json:
            _show(from_json(reviewed.plan))
    reply = _waiting(settings, order.asked(plan=found))
    if json:
        say_json(reply.model_dump(mode="json", exclude={"plan"}))
    else:
        _report(reply)
    return _outcome(reply)


def _outcome(reply: SyncReply) -> Exit:
    if reply.outcome is RunOutcome.BRAKED:
        return Exit.REFUSED
    if reply.outcome is RunOutcome.FAILED:
        return exit_code(Code[reply.code] if reply.code else None)
    return Exit.WRONG if any(reply.numbers.get(name.value) for name in _LEFT_OVER) else Exit.DONE


def _waiting(settings: Settings, order: SyncOrder) -> SyncReply:
    """Ask, and show on a terminal that it takes a while."""
    what = "Reading both shops whole" if order.full else "Reading what changed"
    with err.status(f"{what} …"):
        return run(lambda: _ask(settings, order))


async def _ask(settings: Settings, order: SyncOrder) -> SyncReply:
    """Ask the running daemon, or do it here where none runs."""
    answer = await ask(settings.state_dir, "sync", order)
    if answer is not None:
        return SyncReply.model_validate(answer)
    async with workshop(settings, alerts(settings)) as shop:
        return await shop.actions.sync(order)


def _chosen(settings: Settings, order: Order) -> str | None:
    """Return the text of the plan that is meant, None where there is none for today."""
    if order.plan is not None and Path(order.plan).is_file():
        return Path(order.plan).read_text(encoding="utf-8")
    wanted = (settings.environment.value, order.asked().filters)
    candidates = sorted(working_directory().glob(f"sync-plan-{_today()}*.json"), key=lambda path: path.stat().st_mtime)
    for path in reversed(candidates):
        text = path.read_text(encoding="utf-8")
        try:
            found = from_json(text)
        except ValueError as error:
            err.print(f"{path.name}: {error}", markup=False)
            continue
        if order.plan is not None and found.hash.startswith(order.plan):
            return text
        if order.plan is None and (found.environment, dict(found.filters)) == wanted:
            return text
    if order.plan is not None:
        raise Refused(Code.BR006, f"there is no plan {order.plan} of today here")
    return None


def _today() -> str:
    return f"{SystemClock().now():%Y%m%d}"


def _write(text: str) -> Path:
    """Write a plan's file whole or not at all; a second one of a day gets a number."""
    folder, number = working_directory(), 1
    while True:
        path = folder / (f"sync-plan-{_today()}.json" if number == 1 else f"sync-plan-{_today()}-{number}.json")
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(text + "\n")
        except FileExistsError:
            number += 1
        else:
            return path


def _flags(order: Order) -> str:
    return (" --full" if order.full else "") + "".join(f" --sku {sku}" for sku in order.skus)


def _show(made: Plan) -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("SKU", "now", "will be", "why"):
        table.add_column(name, overflow="fold")
    for change in made.changes[:_SHOWN]:
        table.add_row(change.sku, str(change.before), str(change.after), change.reason)
    if made.changes:
        out.print(table)
    noun = "change" if len(made.changes) == 1 else "changes"
    more = len(made.changes) - _SHOWN
    if more > 0:
        out.print(f"… and {more} more, all in the file.", markup=False)
    out.print(
        f"{len(made.changes)} {noun}, plan {made.hash} of {made.created_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC.",
        markup=False,
    )
    if made.brake is not None:
        out.print(f"{made.brake.code.name} {made.brake.code.sentence} {made.brake.detail}", markup=False)


def _report(reply: SyncReply) -> None:
    numbers: Mapping[str, Any] = reply.numbers
    words = ", ".join(f"{name} {count}" for name, count in numbers.items()) or "nothing to do"
    out.print(f"Run {reply.run_id}: {reply.outcome.value}; {words}.", markup=False)
    _tell_code(reply)


def _failed(reply: SyncReply) -> Exit:
    _tell_code(reply)
    return _outcome(reply)


def _tell_code(reply: SyncReply) -> None:
    if reply.code is not None:
        code = Code[reply.code]
        err.print(f"{code.name} {code.sentence} {reply.detail}\n{code.remedy}", markup=False)
