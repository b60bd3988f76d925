"""`conflicts`: the differences that wait for a person, and the person's word on them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from monitor.asked import DecidedMany, DecideManyOrder, DecideOrder
from monitor.asking import ask
from monitor.cli.common import Exit, complain, here, person, run, say, say_folded, say_json, show_table, usage
from monitor.cli.reading import opened_state
from monitor.door import daemon_runs
from monitor.units import counted, did_you_mean, shown, written_minute
from sync.conflict_causes import Cause, Evidence, Proposed, propose, right_count
from sync.likeness import words
from sync.records import Conflict, ConflictDecision
from sync.settings import Settings
from sync.storage.ledger import SqlLedger

_KEPT = (
    "If Shopify's number is the right one, correct Lightspeed's count (`lightspeed-sync conflicts list` says to what), "
    "then approve: until then the difference is kept."
)
_DONE = {
    ConflictDecision.APPROVED: "Lightspeed's number is taken",
    ConflictDecision.DISMISSED: "Shopify's number stays, and the difference is kept",
}


@dataclass(frozen=True, slots=True)
class Case:
    """One difference, with what is on record about it where it waits for a person, and what may have happened."""

    conflict: Conflict
    evidence: Evidence | None = None
    proposed: Proposed | None = None

    @property
    def difference(self) -> int:
        """Return by how much Shopify shows more than it should."""
        return self.conflict.available - self.conflict.target

    @property
    def waits(self) -> bool:
        """Tell whether a person has still to decide."""
        return self.conflict.quarantined_since is not None and self.conflict.decision is None


@dataclass(frozen=True, slots=True)
class Filter:
    """Which differences are meant; without anything: all."""

    causes: tuple[Cause, ...] = ()
    at_most: int | None = None
    words: tuple[tuple[str, ...], ...] = ()  # all words of any of these

    @classmethod
    def of(cls, causes: Iterable[str], at_most: int | None, text: str | None) -> Filter:
        """Return what a person's options mean; ends the program where a class is none."""
        alternatives = (words(each) for each in (text or "").split(","))
        return cls(tuple(_cause(each) for each in causes), at_most, tuple(each for each in alternatives if each))

    def fits(self, case: Case) -> bool:
        """Tell whether a difference is meant."""
        if self.causes and (case.proposed is None or case.proposed.cause not in self.causes):
            return False
        if self.at_most is not None and abs(case.difference) > self.at_most:
            return False
        title = case.evidence.title if case.evidence else ""
        there = set(words(f"{title} {case.conflict.sku}"))
        return not self.words or any(there.issuperset(each) for each in self.words)


def _cause(text: str) -> Cause:
    known = {slug(each): each for each in Cause}
    found = known.get(slug(text.strip().lower()))
    if found is None:
        raise usage(f"There is no class {shown(text)}; {did_you_mean(slug(text), list(known))}.")
    return found


def slug(text: str) -> str:
    """Return a class as options take it: `manual-edit`."""
    return text.replace(" ", "-")


async def cases(settings: Settings) -> Sequence[Case]:
    """Read all differences with what is on record about those that wait for a person."""
    async with opened_state(settings) as database:
        ledger = SqlLedger(database)
        found = await ledger.conflicts()
        waiting = [each.link_id for each in found if each.quarantined_since is not None]
        evidence = await ledger.evidence_of(waiting)
    return [_case(each, evidence.get(each.link_id)) for each in found]


def _case(conflict: Conflict, evidence: Evidence | None) -> Case:
    return Case(conflict, evidence, None if evidence is None else propose(evidence))


def show(settings: Settings, wanted: Filter, *, brief: bool, json: bool) -> Exit:
    """List what waits for a person, and which differences were kept."""
    found = [each for each in run(lambda: cases(settings)) if wanted.fits(each)]
    if json:
        say_json([plain(each) for each in found])
        return Exit.DONE
    if not found:
        say("Nothing waits for a person, and no difference is kept.")
        return Exit.DONE
    show_table(("SKU", "Shopify", "should be", "by", "state"), [_row(each.conflict) for each in found])
    if not brief:
        for each in found:
            say_folded(*evidence_lines(each))
    conflicts = [each.conflict for each in found]
    if any(each.held_since or (each.quarantined_since and each.decision is None) for each in conflicts):
        say(
            "",
            "Take Lightspeed's number:   lightspeed-sync conflicts approve SKU",
            "Let the difference stand:   lightspeed-sync conflicts dismiss SKU",
        )
    if any(each.held_since for each in conflicts):
        say("Let it follow Lightspeed:   lightspeed-sync resume --held")
    return Exit.DONE


def evidence_lines(case: Case) -> Iterator[str]:
    """Yield what is on record about one difference, and what would be done in Lightspeed if Shopify were right."""
    evidence, proposed = case.evidence, case.proposed
    if evidence is None or proposed is None:
        return
    yield ""
    title = evidence.title or "without a title"
    yield f"{case.conflict.sku} ({title}): perhaps a {proposed.cause.value}; {proposed.because}."
    yield f"  {evidence.units:+d} units found at {written_minute(evidence.since)}, {evidence.drift:+d} of them left now"
    for order in evidence.orders:
        back = f", {order.put_back} put back" if order.put_back else ""
        given = ", given back" if order.given_back else ""
        moments = f"{written_minute(order.created_at)}, read {written_minute(order.known_at)}"
        yield f"  order {order.name}: {counted(order.units, 'unit')}{back}{given} ({moments})"
    for at, before, after in evidence.till:
        yield f"  till: {before} -> {after} on hand since {written_minute(at)}"
    for write in evidence.writes:
        yield f"  written {written_minute(write.at)}: {write.before} -> {write.after}, {write.reason} ({write.outcome})"
    for change in evidence.changes:
        yield f"  changed by others {written_minute(change.at)}: {change.units:+d}"
    if case.waits:
        count = right_count(evidence.on_hand, case.conflict.available, case.conflict.target)
        yield f"  {_if_shopify_is_right(count)}"


def _if_shopify_is_right(count: int) -> str:
    return f"If Shopify is right: count {count} in Lightspeed, then approve; or dismiss, and the difference is kept."


def plain(case: Case) -> dict[str, Any]:
    """Return a difference for programs, with its evidence."""
    told = asdict(case.conflict) | {"difference": case.difference}
    if case.evidence is None or case.proposed is None:
        return told
    evidence = asdict(case.evidence)
    evidence["till"] = [{"since": at, "before": one, "after": other} for at, one, other in case.evidence.till]
    count = right_count(case.evidence.on_hand, case.conflict.available, case.conflict.target)
    proposed = {"class": slug(case.proposed.cause.value), "because": case.proposed.because}
    return told | {"proposed": proposed, "evidence": evidence, "count_if_shopify_is_right": count}


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
    say(f"{', '.join(skus)}: {_DONE[decision]}; {_when(settings)}.")
    if decision is ConflictDecision.DISMISSED:
        say_folded(_KEPT)
    return Exit.DONE


def hash_of(found: Iterable[Case], decision: ConflictDecision) -> str:
    """Return by what a person confirms a decision on exactly these differences, in eight characters."""
    shown_to = sorted((each.conflict.link_id, each.difference) for each in found)
    return hashlib.sha256(repr((decision.value, shown_to)).encode()).hexdigest()[:8]


def decide_many(
    settings: Settings, wanted: Filter, decision: ConflictDecision, *, confirm: str | None, json: bool
) -> Exit:
    """Keep a person's word on all differences that are meant and wait for one; without `confirm` only show them.

    Nobody decides on what was not shown: where the hash is that of other differences, nothing is decided.
    """
    found = [each for each in run(lambda: cases(settings)) if each.waits and wanted.fits(each)]
    if confirm is None:
        return _would_decide(found, decision, json=json)
    if confirm.lower() != hash_of(found, decision):
        complain(f"What waits now is not what {shown(confirm)} was shown for: nothing was decided. Now it is:")
        _would_decide(found, decision, json=json)
        return Exit.REFUSED
    differences = {each.conflict.link_id: each.difference for each in found}
    order = DecideManyOrder(differences=differences, decision=decision, by=person())

    async def act() -> DecidedMany:
        answer = await ask(settings.state_dir, "decide_many", order)
        if answer is not None:
            return DecidedMany.model_validate(answer)
        async with here(settings) as shop:
            return await shop.actions.decide_many(order)

    done = run(act) if found else DecidedMany(decided=())
    if json:
        say_json(done.model_dump(mode="json") | {"decision": decision.value})
    else:
        say_folded(f"{counted(len(done.decided), 'SKU')}: {_DONE[decision]}; {_when(settings)}.")
        for sku, why in done.left_out.items():
            complain(f"{sku} was left out: {why}.")
        if done.decided and decision is ConflictDecision.DISMISSED:
            say_folded(_KEPT)
    return Exit.WRONG if done.left_out else Exit.DONE


def _would_decide(found: Sequence[Case], decision: ConflictDecision, *, json: bool) -> Exit:
    """Show what a word on many differences would be about; for want of --confirm nothing is decided."""
    confirm = hash_of(found, decision)
    if json:
        say_json({"confirm": confirm, "differences": [plain(each) for each in found]})
    elif not found:
        say("Nothing of that kind waits for a person.")
    else:
        rows = [(each.conflict.sku, each.conflict.available, each.conflict.target, _class(each)) for each in found]
        show_table(("SKU", "Shopify", "should be", "perhaps"), rows)
        units = sum(abs(each.difference) for each in found)
        say_folded(
            f"{counted(len(found), 'SKU')}, {counted(units, 'unit')} in all: would be {decision.value}. "
            f"Decide with: the same command and --confirm {confirm}"
        )
    return Exit.REFUSED if found else Exit.DONE


def _class(case: Case) -> str:
    return case.proposed.cause.value if case.proposed else ""


def _when(settings: Settings) -> str:
    return (
        "the next sync carries it out" if daemon_runs(settings.state_dir) else "the daemon carries it out when it runs"
    )
