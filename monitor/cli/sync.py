"""`sync`: plans are files that people review; confirming carries them out, in the daemon or in this process."""

from __future__ import annotations

import asyncio
import json as json_text
import secrets
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import typer
from pydantic import TypeAdapter

from monitor.asked import StopOrder, SyncOrder, SyncReply
from monitor.asking import ask, ask_on
from monitor.cli import plan_files, skus
from monitor.cli.common import Exit, complain, exit_code, here, person, run, say, say_folded, say_json, telling, usage
from monitor.cli.plan_table import show_left, show_plan, show_products_left, warn
from monitor.cli.progress_bar import shown
from monitor.cli.stopping import stoppable
from monitor.progress import Progress, Watch
from sync.choosing import terms_in
from sync.errors import Code
from sync.halting import Halt
from sync.plan import Plan, Tripped, bare, from_json, to_json
from sync.records import RunOutcome, WriteOutcome
from sync.settings import Settings

_PROGRESS = TypeAdapter(Progress)
_TOLD_ALWAYS = frozenset({"evaluated", "applied"})
_LEFT_OVER = (WriteOutcome.PARKED, WriteOutcome.REFUSED, WriteOutcome.STALE, WriteOutcome.UNANSWERED)


@dataclass(frozen=True, slots=True)
class Order:
    """What a person asked for; `plan` names a file or begins a hash."""

    full: bool
    skus: tuple[str, ...]
    plan: str | None
    products: tuple[str, ...] = ()
    priority: bool = False

    def asked(self, *, dry_run: bool = False, plan: str | None = None) -> SyncOrder:
        """Return it as the engine takes it."""
        return SyncOrder(
            full=self.full,
            skus=self.skus,
            products=self.products,
            priority=self.priority,
            dry_run=dry_run,
            plan=plan,
            by=person(),
        )


def kinds_in(text: str) -> tuple[str, ...]:
    """Return the kinds of goods in a list as people type it; a list without words is a mistake in the call."""
    kinds = tuple(sorted({term.text.casefold() for term in terms_in(text)}))
    if text and not kinds:
        raise usage('--products takes words, commas between them, as in --products="kava, thc-beverages".')
    return kinds


def plan(settings: Settings, order: Order, *, json: bool) -> Exit:
    """Make a plan, write its file, show it."""
    reply = _waiting(settings, order.asked(dry_run=True))
    if reply.plan is None:
        return _failed(reply)
    path = plan_files.write(reply.plan)
    left_out = len(run(lambda: skus.unlinked(settings)))
    if json:
        say_json(json_text.loads(reply.plan) | {"file": str(path), "unlinked": left_out})
    else:
        made = from_json(reply.plan)
        show_plan(made)
        if left_out:
            say_folded(f"Left out: {skus.told(left_out)}.")
        due = made.changes or made.products
        say_folded(f"Written to {path.name}." + ("" if due else " No change is due."))
        if due:
            say(f"Carry it out with: lightspeed-sync sync{_flags(order)} --confirm")
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
            show_plan(made)
        if made.brake is not None:
            return _held(reviewed, made.brake, json=json)
    reply = _waiting(settings, order.asked(plan=to_json(bare(found)) if found else None))
    if json:
        say_json(reply.model_dump(mode="json", exclude={"plan"}))
    else:
        _report(reply)
    return exit_of(reply)


def _held(reviewed: SyncReply, brake: Tripped, *, json: bool) -> Exit:
    """Say that a pass nobody has reviewed would trip a brake; nothing was written."""
    if json:
        held = {"outcome": RunOutcome.BRAKED.value, "code": brake.code.name, "detail": brake.detail}
        say_json(reviewed.model_dump(mode="json", exclude={"plan"}) | held)
    complain("Nothing was changed.", brake.code.remedy)
    return Exit.REFUSED


def exit_of(reply: SyncReply) -> Exit:
    """Return how a pass ended; what the reviewed plan itself says cannot be written is no news."""
    if reply.outcome is RunOutcome.BRAKED:
        return Exit.REFUSED
    if reply.outcome is RunOutcome.FAILED:
        return exit_code(Code[reply.code] if reply.code else None)
    unwritten = [each for each in reply.products if not each.change.refusal]
    left_over = reply.left or unwritten or any(reply.numbers.get(name.value) for name in _LEFT_OVER)
    return Exit.WRONG if left_over or reply.outcome is RunOutcome.INTERRUPTED else Exit.DONE


def _waiting(settings: Settings, order: SyncOrder) -> SyncReply:
    """Ask, and show on a terminal how far it has come."""
    what = "Reading both shops whole" if order.full else "Reading what changed"
    order = order.model_copy(update={"ticket": secrets.token_hex(8)})
    try:
        with shown(what) as told:
            return run(lambda: _ask(settings, order, told))
    except asyncio.CancelledError:
        complain("Left at once. What was written stays written; the same command goes on with the rest.")
        raise typer.Exit(Exit.WRONG) from None


async def _ask(settings: Settings, order: SyncOrder, told: Callable[[Progress], None]) -> SyncReply:
    """Ask the running daemon, or do it here where none runs."""
    stopping = set[asyncio.Task[Any]]()

    def stop_there() -> None:
        stopping.add(asyncio.create_task(ask(settings.state_dir, "stop", StopOrder(ticket=order.ticket))))

    with stoppable(stop_there):
        answer = await ask_on(settings.state_dir, "sync", order, lambda body: told(_PROGRESS.validate_python(body)))
    if answer is not None:
        return SyncReply.model_validate(answer)
    async with here(settings) as shop:
        halt = Halt()
        shop.events.join(Watch(shop.clock.monotonic, told))
        with stoppable(halt.ask):
            return await shop.actions.sync(order, halt)


def _chosen(settings: Settings, order: Order) -> tuple[Order, Plan | None]:
    """Return the order with the plan that is meant, None where there is none for today.

    A plan that is named brings its own filters; flags beside it must agree with them.
    """
    if order.plan is not None:
        made = plan_files.read(plan_files.named(order.plan))
        if not order.full and not order.skus and not order.products:
            skus, products = (tuple(made.filters.get(name, ())) for name in ("skus", "products"))
            order = replace(order, full=bool(made.filters.get("full")), skus=skus, products=products)
        return order, made
    wanted = (settings.environment.value, order.asked().filters)
    return order, plan_files.newest(lambda made: (made.environment, dict(made.filters)) == wanted)


def _flags(order: Order) -> str:
    products = f" --products {shlex.quote(','.join(order.products))}" if order.products else ""
    return (" --full" if order.full else "") + products + "".join(f" --sku {shlex.quote(sku)}" for sku in order.skus)


def _report(reply: SyncReply) -> None:
    numbers: Mapping[str, Any] = {name: count for name, count in reply.numbers.items() if count or name in _TOLD_ALWAYS}
    words = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in numbers.items()) or "nothing to do"
    say_folded(f"Run {reply.run_id}: {reply.outcome.value}; {words}.")
    show_left(reply.left)
    show_products_left(reply.products)
    _tell_code(reply)


def _failed(reply: SyncReply) -> Exit:
    _tell_code(reply)
    return exit_of(reply)


def _tell_code(reply: SyncReply) -> None:
    if reply.code is not None:
        warn(Code[reply.code], reply.detail)
