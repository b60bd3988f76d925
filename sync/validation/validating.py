"""One validation: a full reading of both shops that writes nothing, and everything compared that it has read.

The reading is a pass with a watch, so stock is judged by the same equation and in the same order as before a write.
What else is compared stands in our own record by then, and is gone through a page at a time: a shop is never held
whole.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from sync.clock import Clock
from sync.errors import Code
from sync.findings import FIELDS, Finding, FindingClass, Named, Seller, Sold, Summary
from sync.records import RunOutcome
from sync.stock_sync import Job, PassReport, PassRequest, StockSync
from sync.validation.fields import field_findings
from sync.validation.linked import SkuStories, tells_apart
from sync.validation.loose import Sides, Suggest, gone, sort_out
from sync.validation.ports import Cards, FindingBook
from sync.validation.stock import UNNAMED, StockWatch

log = structlog.get_logger()

EVERY_CLASS = tuple(FindingClass)
_SOLD_FOR = timedelta(days=30)
_SELLERS = 10
_PAGE = 1000  # pairs handled between two turns of the event loop


@dataclass(frozen=True, slots=True)
class Validated:
    """How a validation ended; `summary` is None where a shop could not be read."""

    run_id: int
    outcome: RunOutcome
    code: Code | None
    detail: str
    summary: Summary | None


@dataclass(slots=True)
class _Kept:
    """The findings of one validation as they come, those of other classes than were asked for left out."""

    book: FindingBook
    validation_id: int
    classes: Collection[FindingClass]
    counts: Counter[FindingClass] = field(default_factory=Counter)
    kinds: dict[str, list[FindingClass]] = field(
        default_factory=dict
    )  # by variant, or product as a whole; of sellers only
    sellers: Collection[str] = ()

    async def keep(self, found: Sequence[Finding]) -> None:
        wanted = [each for each in found if each.kind in self.classes]
        await self.book.keep(self.validation_id, self.counts.total(), wanted)
        self.counts.update(each.kind for each in wanted)
        for each in wanted:
            place = each.variant_id or each.product_id  # of a product as a whole no variant is named
            if place in self.sellers:
                self.kinds.setdefault(place, []).append(each.kind)


class Validation:
    """Compares both shops whole; one comparison at a time."""

    def __init__(
        self, *, stock: StockSync, book: FindingBook, catalogue: Cards, clock: Clock, suggest: Suggest
    ) -> None:
        self._stock = stock
        self._book = book
        self._catalogue = catalogue
        self._clock = clock
        self._suggest = suggest
        self._turn = asyncio.Lock()

    async def run(self, classes: Sequence[FindingClass] = EVERY_CLASS) -> Validated:
        """Read both shops, compare, keep what was found; a failed reading is returned, not raised."""
        async with self._turn:
            started = self._clock.now()
            whole = set(FindingClass) <= set(
                classes
            )  # of a part nobody can tell whether a best seller is as it should be
            sold = await self._book.sold_since(started - _SOLD_FOR, _SELLERS) if whole else ()
            names = await self._book.names([each.inventory_item_id for each in sold])
            places = {place for each in names.values() for place in (each.variant_id, each.product_id)}
            kept = _Kept(self._book, await self._book.begin(started), classes, sellers=places)
            watch = StockWatch(kept.keep, self._book.names, wanted={each.inventory_item_id for each in sold})
            cards = not set(FIELDS).isdisjoint(classes)
            report = await self._stock.run(PassRequest(job=Job.FULL, dry_run=True, cards=cards, watch=watch))
            if report.outcome is RunOutcome.FAILED:
                return _failed(report)
            compared = await self._compare(kept, watch)
            if cards:
                await self._compare_fields(kept, watch)
            summary = Summary(
                validation_id=kept.validation_id,
                started_at=started,
                finished_at=self._clock.now(),
                classes=tuple(each for each in FindingClass if each in classes),
                counts={each: kept.counts[each] for each in FindingClass if each in classes},
                compared={"links": watch.compared, **compared},
                explained=dict(watch.explained),
                left_out=dict(watch.left_out),
                readings=tuple(watch.readings),
                sellers=tuple(await self._sellers(sold, watch, kept)),
            )
            await self._book.finish(summary)
            log.info("validation.finished", run=report.run_id, findings=summary.found, links=watch.compared)
            return Validated(report.run_id, report.outcome, None, "", summary)

    async def _compare(self, kept: _Kept, watch: StockWatch) -> Mapping[str, int]:
        """Compare the SKUs of all that is linked, then sort out the rest; return how much was compared."""
        products, renamed, lost = 0, list[int](), list[int]()
        after, page = ("", ""), await self._book.linked_skus(("", ""), _PAGE)
        while page:
            linked = [each for each in page if each.link_id is not None]
            products += len({each.product_id for each in linked} - {after[0]})
            lost += [each.link_id for each in linked if each.link_id and each.variant_id not in watch.variants]
            renamed += [each.link_id for each in linked if each.link_id and tells_apart(each)]
            after = (page[-1].product_id, page[-1].variant_id)
            page = await self._book.linked_skus(after, _PAGE) if len(page) == _PAGE else []
            await self._clock.sleep(0)
        watch.gone(len(lost))
        await kept.keep([gone(pair) for pair in await self._book.pairs_of(lost)])
        await self._tell_skus(kept, set(renamed) - set(lost))
        await self._sort_out(kept, watch)
        return {"products": products}

    async def _tell_skus(self, kept: _Kept, renamed: Collection[int]) -> None:
        """Tell of linked pairs whose SKUs differ, or stand on several items."""
        groups = [await self._book.pairs_of(ids) for ids in (await self._book.shared_keys()).values()]
        several = {pair.link_id for group in groups for pair in group}
        stories = SkuStories(await self._book.pairs_of(set(renamed) - several), groups)
        await kept.keep(list(stories.findings(await self._book.linked_names(stories.keys))))

    async def _compare_fields(self, kept: _Kept, watch: StockWatch) -> None:
        """Compare the fields of all products that Shopify has."""
        async for pairs in self._catalogue.pairs():
            there = [pair for pair in pairs if pair.variant.variant_id in watch.variants]
            await kept.keep(list(field_findings(there)))
            await self._clock.sleep(0)

    async def _sort_out(self, kept: _Kept, watch: StockWatch) -> None:
        items, every = await self._book.loose()
        variants = [each for each in every if each.key.id in watch.variants]
        keys = {key for each in (*items, *variants) for key in each.keys}
        archived = await self._book.archived({each.was for each in variants if each.was}, keys) if variants else ()
        sides = Sides(items, variants, archived, await self._book.linked_names(keys))
        found = sort_out(sides, self._suggest)
        watch.left_out.update(found.left_out)
        await kept.keep(found.findings)

    async def _sellers(self, sold: Sequence[Sold], watch: StockWatch, kept: _Kept) -> Sequence[Seller]:
        names = await self._book.names([each.inventory_item_id for each in sold])
        return [
            _seller(place, each, names.get(each.inventory_item_id, UNNAMED), watch, kept)
            for place, each in enumerate(sold, 1)
        ]


def _seller(place: int, sold: Sold, named: Named, watch: StockWatch, kept: _Kept) -> Seller:
    target, available = watch.noted.get(sold.inventory_item_id, (None, None))
    kinds = (*kept.kinds.get(named.variant_id, ()), *kept.kinds.get(named.product_id, ()))
    return Seller(place, sold.sku, named.subject, sold.units, target, available, tuple(dict.fromkeys(kinds)))


def _failed(report: PassReport) -> Validated:
    return Validated(report.run_id, report.outcome, report.code, report.detail, None)
