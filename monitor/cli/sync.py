"""`sync`: plans are files that people review; confirming carries them out, in the daemon or in this process."""

from __future__ import annotations

import itertools
import json as json_text
import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import typer

from monitor.asked import SyncOrder, SyncReply
from monitor.asking import ask
from monitor.cli import skus
from monitor.cli.common import (
    Exit,
    complain,
    err,
    exit_code,
    here,
    printable,
    run,
    say,
    say_json,
    show_table,
    telling,
    usage,
    working_directory,
)
from monitor.units import written_minute
from sync.clock import SystemClock
from sync.errors import Code, Refused
from sync.plan import Plan, Tripped, bare, from_json, to_json
from sync.records import RunOutcome, WriteOutcome
from sync.settings import Settings

_SHOWN = 40  # changes listed; the plan file has all
_SHORTEST_HASH = 4  # characters that name a plan
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
    left_out = len(run(lambda: skus.unlinked(settings)))
    if json:
        say_json(json_text.loads(reply.plan) | {"file": str(path), "unlinked": left_out})
    else:
        made = from_json(reply.plan)
        _show(made)
        carry = (
            f"Carry it out with: lightspeed-sync sync{_flags(order)} --confirm" if made.changes else "No change is due."
        )
        if left_out:
            say(f"Left out: {skus.told(left_out)}.")
        say(f"Written to {path.name}. {carry}")
    return Exit.DONE


def confirm(settings: Settings, order: Order, *, json: bool) -> Exit:
    """Carry a plan out: the one named, else today's newest, else one made now, which brakes may hold."""
    with telling():
        order, found = _chosen(settings, order)
    if found is None:
        reviewed = _waiting(settings, order.asked(dry_run=True))
        if reviewed.plan is None:
            return _failed(reviewed)
        made = from_json(reviewed.plan)
        if not json:
            _show(made)
        if made.brake is not None:
            return _held(reviewed, made.brake, json=json)
    reply = _waiting(settings, order.asked(plan=to_json(bare(found)) if found else None))
    if json:
        say_json(reply.model_dump(mode="json", exclude={"plan"}))
    else:
        _report(reply)
    return _outcome(reply)


def _held(reviewed: SyncReply, brake: Tripped, *, json: bool) -> Exit:
    """Say that a pass nobody has reviewed would trip a brake; nothing was written."""
    if json:
        held = {"outcome": RunOutcome.BRAKED.value, "code": brake.code.name, "detail": brake.detail}
        say_json(reviewed.model_dump(mode="json", exclude={"plan"}) | held)
    complain("Nothing was changed.", brake.code.remedy)
    return Exit.REFUSED


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
    async with here(settings) as shop:
        return await shop.actions.sync(order)


def _chosen(settings: Settings, order: Order) -> tuple[Order, Plan | None]:
    """Return the order with the plan that is meant, None where there is none for today.

    A plan that is named brings its own filters; flags beside it must agree with them.
    """
    if order.plan is not None:
        made = _read(_named(order.plan))
        if not order.full and not order.skus:
            order = replace(order, full=bool(made.filters.get("full")), skus=tuple(made.filters.get("skus", ())))
        return order, made
    wanted = (settings.environment.value, order.asked().filters)
    fitting = [
        made for made in _readable(f"sync-plan-{_today()}*.json") if (made.environment, dict(made.filters)) == wanted
    ]
    return order, max(fitting, key=lambda made: made.created_at, default=None)


def _named(words: str) -> Path:
    """Return the file that a person named, by its path or by how its plan's hash begins."""
    path = Path(words)
    if path.is_file():
        return path
    found, folder = {}, working_directory()
    if len(words) >= _SHORTEST_HASH:
        for path in sorted(folder.glob("sync-plan-*.json")):
            with suppress(OSError, ValueError):
                made = from_json(path.read_text(encoding="utf-8"))
                if made.hash.startswith(words):
                    found[made.hash] = path
    if len(found) > 1:
        raise usage(f"Several plans begin with {words}: {', '.join(sorted(found))}.")
    if not found:
        raise usage(
            f"There is no file {printable(words)!r}, and no plan in {folder} whose hash begins so. "
            "`lightspeed-sync sync --dry-run` writes one."
        )
    return found.popitem()[1]


def _read(path: Path) -> Plan:
    try:
        return from_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise usage(f"{path.name} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise Refused(Code.BR006, f"{path.name}: {error}.") from error


def _readable(pattern: str) -> Iterator[Plan]:
    """Yield the plans of the working directory; files that are none are named and left out."""
    for path in sorted(working_directory().glob(pattern)):
        try:
            found = _read(path)
        except typer.Exit:  # what is wrong was told
            continue
        except Refused as error:
            complain(error.detail)
        else:
            yield found


def _today() -> str:
    return f"{SystemClock().now():%Y%m%d}"


def _write(text: str) -> Path:
    """Write a plan's file whole or not at all; a second one of a day gets a number."""
    folder = working_directory()
    try:
        with NamedTemporaryFile("w", encoding="utf-8", dir=folder, prefix=".sync-plan-", suffix=".json") as draft:
            draft.write(text + "\n")
            draft.flush()
            os.fsync(draft.fileno())
            return _linked(Path(draft.name), folder)
    except OSError as error:
        raise usage(f"The plan cannot be written to {folder}: {error.strerror}.") from error


def _linked(draft: Path, folder: Path) -> Path:
    """Give a finished file the day's next free name; linking never overwrites."""
    for number in itertools.count(1):
        path = folder / f"sync-plan-{_today()}{'' if number == 1 else f'-{number}'}.json"
        with suppress(FileExistsError):
            path.hardlink_to(draft)
            return path
    raise AssertionError  # the counting never ends


def _flags(order: Order) -> str:
    return (" --full" if order.full else "") + "".join(f" --sku {shlex.quote(sku)}" for sku in order.skus)


def _show(made: Plan) -> None:
    rows = [(change.sku, change.before, change.after, change.reason) for change in made.changes[:_SHOWN]]
    if rows:
        show_table(("SKU", "now", "will be", "why"), rows)
    more = len(made.changes) - _SHOWN
    if more > 0:
        say(f"… and {more} more, all in the file.")
    noun = "change" if len(made.changes) == 1 else "changes"
    units = sum(change.after - change.before for change in made.changes)
    zeroed = sum(change.after == 0 for change in made.changes)
    say(
        f"{len(made.changes)} {noun} ({units:+d} units, {zeroed} to zero), plan {made.hash} of "
        f"{written_minute(made.created_at)}."
    )
    if made.brake is not None:
        say(f"{made.brake.code.name} {made.brake.code.sentence} {made.brake.detail}")


def _report(reply: SyncReply) -> None:
    numbers: Mapping[str, Any] = reply.numbers
    words = ", ".join(f"{name} {count}" for name, count in numbers.items()) or "nothing to do"
    say(f"Run {reply.run_id}: {reply.outcome.value}; {words}.")
    _tell_code(reply)


def _failed(reply: SyncReply) -> Exit:
    _tell_code(reply)
    return _outcome(reply)


def _tell_code(reply: SyncReply) -> None:
    if reply.code is not None:
        code = Code[reply.code]
        complain(f"{code.name} {code.sentence} {reply.detail}", code.remedy)
