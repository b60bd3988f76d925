"""`pause`, `resume` and people's decisions: through the running daemon, else on the state directory."""

from __future__ import annotations

from pydantic import BaseModel

from monitor.cli.common import alerts, run, say
from monitor.control import PauseOrder, ResumeOrder, ask
from monitor.workshop import Workshop, workshop
from sync.records import PauseKind
from sync.settings import Settings


def pause(settings: Settings, reason: str, *, writes: bool, orders: bool) -> None:
    """Stop kinds of work, with a reason."""
    for kind in _kinds(writes=writes, orders=orders):
        run(lambda kind=kind: _act(settings, "pause", PauseOrder(kind=kind, reason=reason)))  # type: ignore[misc]
        say(f"Paused: {kind.value}. Reason: {reason}")


def resume(settings: Settings, *, writes: bool, orders: bool) -> None:
    """Lift the pauses named, or all."""
    kinds: tuple[PauseKind | None, ...] = _kinds(writes=writes, orders=orders) or (None,)
    lifted = sum(run(lambda kind=kind: _act(settings, "resume", ResumeOrder(kind=kind))) for kind in kinds)  # type: ignore[misc]
    say(f"Lifted {lifted} pause(s)." if lifted else "Nothing was paused.")


def _kinds(*, writes: bool, orders: bool) -> tuple[PauseKind, ...]:
    return tuple(kind for kind, wanted in ((PauseKind.WRITES, writes), (PauseKind.ORDERS, orders)) if wanted)


async def _act(settings: Settings, action: str, order: BaseModel) -> int:
    answer = await ask(settings.state_dir, action, order)
    if answer is not None:
        return int(answer.get("lifted", 1))
    async with workshop(settings, alerts(settings)) as shop:
        return await _here(shop, order)


async def _here(shop: Workshop, order: BaseModel) -> int:
    match order:
        case PauseOrder(kind=kind, reason=reason):
            await shop.actions.pause(kind, reason)
            return 1
        case ResumeOrder(kind=kind):
            return await shop.actions.resume(kind)
        case _:
            message = f"no such order: {type(order).__name__}"
            raise TypeError(message)
