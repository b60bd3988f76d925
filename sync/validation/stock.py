"""Stock as a validation sees it: findings where the equation does not come out, reasons where raw numbers differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sync.errors import Code
from sync.findings import EXPLAINED, Finding, FindingClass, Named, WholeReading
from sync.model import Certificate
from sync.records import by_letter
from sync.second_look import Looked
from sync.stock import Verdict

UNNAMED = Named("", "", "")

Keep = Callable[[Sequence[Finding]], Awaitable[None]]
Names = Callable[[Sequence[str]], Awaitable[Mapping[str, Named]]]
"""Returns by inventory item what goods are called."""


@dataclass(slots=True)
class StockWatch:
    """A pass's `Watch`: keeps findings as they come, counts the rest. `wanted` are goods whose numbers are noted."""

    keep: Keep
    names: Names
    wanted: Collection[str] = ()
    counts: Counter[FindingClass] = field(default_factory=Counter)
    compared: int = 0
    explained: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    readings: list[WholeReading] = field(default_factory=list)
    variants: Container[str] = frozenset()  # that Shopify has
    noted: dict[str, tuple[int, int]] = field(default_factory=dict)  # what should be shown and what is

    def read(self, certificates: Sequence[Certificate], variants: Container[str]) -> None:
        """Keep how both shops were read, and which variants Shopify has."""
        self.variants = variants
        self.readings = [reading_of(each) for each in certificates]

    def seen(self, looked: Looked) -> None:
        """Count a link, and why its raw numbers differ where they do and may."""
        self.compared += 1
        if looked.work.inventory_item_id in self.wanted:
            self.noted[looked.work.inventory_item_id] = (looked.decision.target, looked.level.available)
        if looked.decision.verdict is Verdict.HELD and not looked.agrees:
            self.left_out["set back by a person, and held"] += 1
        if looked.agrees:
            self.explained.update(reasons(looked))

    def unreadable(self, count: int) -> None:
        """Count links of which a number is not known."""
        if count:
            self.left_out["stock not known"] += count

    def gone(self, count: int) -> None:
        """Take note that so many of the unreadable links have lost their variant, which is a finding."""
        self.left_out["stock not known"] -= count
        self.left_out += Counter()

    def moving(self, count: int) -> None:
        """Count links that did not stand still."""
        if count:
            self.left_out["stock was moving"] += count

    async def differ(self, found: Sequence[Looked]) -> None:
        """Keep the findings."""
        if not found:
            return
        names = await self.names([each.work.inventory_item_id for each in found])
        findings = [stock_finding(each, names.get(each.work.inventory_item_id, UNNAMED)) for each in found]
        self.counts.update(each.kind for each in findings)
        for each in found:
            if each.work.inventory_item_id in self.wanted:
                self.noted[each.work.inventory_item_id] = (each.decision.target, each.level.available)
        await self.keep(findings)


def reading_of(certificate: Certificate) -> WholeReading:
    """Return what a certificate proves, as a report shows it."""
    return WholeReading(
        certificate.source, certificate.rows, certificate.pages, certificate.started_at, certificate.finished_at
    )


def reasons(looked: Looked) -> Iterator[str]:
    """Yield why a link's raw numbers differ and are right all the same; first that they do."""
    work, level, terms = looked.work, looked.level, looked.decision.equation
    if max(0, work.on_hand or 0) == max(0, level.available):
        return
    yield EXPLAINED
    if work.demand.taken != work.demand.booked or terms.unseen:
        yield "online orders"
    if terms.spoken_for - work.demand.taken - terms.unseen:
        yield "set aside in Shopify"
    if work.mirrored:
        yield "laid away for shoppers"
    if work.buffer:
        yield "kept off sale, or kept as a difference"


def stock_finding(looked: Looked, named: Named) -> Finding:
    """Return what is wrong with a link's stock, in words."""
    work, level, target = looked.work, looked.level, looked.decision.target
    shown = max(0, level.available)
    units = shown - target
    many = FindingClass.STOCK_HIGHER if units > 0 else FindingClass.STOCK_LOWER
    away = f"{abs(units)} {'unit' if abs(units) == 1 else 'units'} too {'many' if units > 0 else 'few'}"
    return Finding(
        kind=many,
        sku=work.sku,
        subject=named.subject,
        lightspeed=str(target),
        shopify=str(level.available),
        sentence=f"Shopify offers {shown} and should offer {target}: {away}.",
        remedy=_remedy(looked),
        difference=units,
        item_id=work.item_id,
        variant_id=named.variant_id,
        product_id=named.product_id,
        equation=by_letter(looked.decision, level, work.demand, on_hand=work.on_hand or 0, buffer=work.buffer),
    )


def _remedy(looked: Looked) -> str:
    """Return what a person can do, which depends on what keeps the number from being corrected by itself."""
    work, decision = looked.work, looked.decision
    if work.parked is not None:
        return Code.SH012.remedy
    if decision.memory.quarantine is not None or decision.verdict is Verdict.QUARANTINED:
        return (
            f"It waits for a person: `lightspeed-sync conflicts approve {work.sku}` takes Lightspeed's number, "
            "`conflicts dismiss` lets Shopify's stand."
        )
    if work.memory.base is None:
        return "`lightspeed-sync sync --full --dry-run` puts it into a plan, `sync --full --confirm` carries it out."
    return f"The next sync corrects it; `lightspeed-sync why {work.sku}` tells how it came about."
