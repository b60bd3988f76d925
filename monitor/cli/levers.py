"""`pause` and `resume`: through the running daemon, else on the state directory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from monitor.asked import LetGoOrder, PauseOrder, ResumeOrder
from monitor.asking import ask, told_before
from monitor.cli.common import here, person, run, say
from monitor.units import counted, written_minute
from sync.records import PauseKind
from sync.settings import Settings


def pause(settings: Settings, reason: str, *, writes: bool, orders: bool) -> None:
    """Stop kinds of work, with a reason; one that was stopped already keeps its moment and gets the new reason."""
    for kind in _kinds(writes=writes, orders=orders):
        before = run(lambda kind=kind: _pause(settings, PauseOrder(kind=kind, reason=reason)))  # type: ignore[misc]
        say(f"Paused: {kind.value}. Reason: {reason}")
        if before is not None:
            since = written_minute(datetime.fromisoformat(before["since"]))
            say(f"It was paused already, since {since}; the reason was: {before['reason']}")


def resume(settings: Settings, *, writes: bool, orders: bool) -> None:
    """Lift the pauses named, or all."""
    kinds: tuple[PauseKind | None, ...] = _kinds(writes=writes, orders=orders) or (None,)
    lifted = sum(run(lambda kind=kind: _resume(settings, ResumeOrder(kind=kind))) for kind in kinds)  # type: ignore[misc]
    say(f"Lifted {counted(lifted, 'pause')}." if lifted else "Nothing was paused.")


def let_go(settings: Settings, skus: Sequence[str]) -> None:
    """Let go of what was restored or undone: syncs write to it again."""
    count = run(lambda: _let_go(settings, LetGoOrder(skus=tuple(skus), by=person())))
    if count:
        say(
            f"Held no more: {counted(count, 'SKU')}. Small differences to Lightspeed are corrected by the next sync, "
            "larger ones wait for `lightspeed-sync conflicts list`."
        )
    elif skus:
        say("None of them was held.")


async def _let_go(settings: Settings, order: LetGoOrder) -> int:
    answer = await ask(settings.state_dir, "let_go", order)
    if answer is not None:
        return int(answer["let_go"])
    async with here(settings) as shop:
        return await shop.actions.let_go(order)


def _kinds(*, writes: bool, orders: bool) -> tuple[PauseKind, ...]:
    return tuple(kind for kind, wanted in ((PauseKind.WRITES, writes), (PauseKind.ORDERS, orders)) if wanted)


async def _pause(settings: Settings, order: PauseOrder) -> Mapping[str, Any] | None:
    """Return the pause that was in force, as the daemon tells of it."""
    answer = await ask(settings.state_dir, "pause", order)
    if answer is not None:
        return answer["before"]  # type: ignore[no-any-return]
    async with here(settings) as shop:
        return told_before(await shop.actions.pause(order.kind, order.reason))


async def _resume(settings: Settings, order: ResumeOrder) -> int:
    answer = await ask(settings.state_dir, "resume", order)
    if answer is not None:
        return int(answer["lifted"])
    async with here(settings) as shop:
        return await shop.actions.resume(order.kind)
