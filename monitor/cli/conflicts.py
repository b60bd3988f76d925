"""`conflicts`: the differences that wait for a person, and the person's word on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from monitor.asked import DecideOrder
from monitor.asking import ask
from monitor.cli.common import Exit, here, person, run, say, say_json, show_table
from monitor.cli.reading import opened_state
from monitor.door import daemon_runs
from monitor.units import counted, written_minute
from sync.records import Conflict, ConflictDecision
from sync.settings import Settings
from sync.storage.ledger import SqlLedger

_DONE = {
    ConflictDecision.APPROVED: "Lightspeed's number is taken",
    ConflictDecision.DISMISSED: "Shopify's number stays, and the difference is kept",
}


def show(settings: Settings, *, json: bool) -> Exit:
    """List what waits for a person, and which differences were kept."""

    async def look() -> Sequence[Conflict]:
        async with opened_state(settings) as database:
            return await SqlLedger(database).conflicts()

    found = run(look)
    if json:
        say_json([asdict(each) for each in found])
        return Exit.DONE
    if not found:
        say("Nothing waits for a person, and no difference is kept.")
        return Exit.DONE
    show_table(("SKU", "Shopify", "should be", "by", "state"), [_row(each) for each in found])
    if any(each.held_since or (each.quarantined_since and each.decision is None) for each in found):
        say(
            "",
            "Take Lightspeed's number:   lightspeed-sync conflicts approve SKU",
            "Let the difference stand:   lightspeed-sync conflicts dismiss SKU",
        )
    if any(each.held_since for each in found):
        say("Let it follow Lightspeed:   lightspeed-sync resume --held")
    return Exit.DONE


def _row(each: Conflict) -> tuple[object, ...]:
    """Return the numbers of one difference; of one that is kept, what it should be without a person's word."""
    should = each.target + (each.kept if each.quarantined_since is None else 0)
    return each.sku, each.available, should, f"{each.available - should:+d}", state(each)


def state(conflict: Conflict) -> str:
    """Return in words how far a conflict has come."""
    if conflict.held_since is not None:
        return f"set back by run {conflict.held_by_run}, held since {written_minute(conflict.held_since)}"
    said = ""
    if conflict.decision is not None:
        at = written_minute(conflict.decided_at)
        said = f"{conflict.decision.value} by {conflict.decided_by or 'somebody'}, {at}"
    if conflict.quarantined_since is None:
        less_or_more = "fewer" if conflict.kept > 0 else "more"
        kept = f"{counted(abs(conflict.kept), 'unit')} {less_or_more} than Lightspeed has"
        return f"kept: Shopify shows {kept}" + (f" ({said})" if said else "")
    if said:
        return f"{said}; the next sync carries it out"
    return f"waits for a person since {written_minute(conflict.quarantined_since)}"


def decide(settings: Settings, skus: Sequence[str], decision: ConflictDecision, *, json: bool) -> Exit:
    """Keep a person's word, through the running daemon or here."""
    order = DecideOrder(skus=tuple(skus), decision=decision, by=person())

    async def act() -> int:
        answer = await ask(settings.state_dir, "decide", order)
        if answer is not None:
            return int(answer["decided"])
        async with here(settings) as shop:
            return await shop.actions.decide(order)

    decided = run(act)
    if json:
        say_json({"decided": decided, **order.model_dump(mode="json")})
        return Exit.DONE
    when = (
        "the next sync carries it out" if daemon_runs(settings.state_dir) else "the daemon carries it out when it runs"
    )
    say(f"{', '.join(skus)}: {_DONE[decision]}; {when}.")
    return Exit.DONE
