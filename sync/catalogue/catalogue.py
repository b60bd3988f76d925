"""Product fields as a whole: where both shops differ, what is proposed, and carrying out what a person confirmed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime, timedelta
from itertools import groupby

from sync.catalogue.changes import field_changes
from sync.catalogue.compare import Found, by_product, compare
from sync.catalogue.creation import creation
from sync.catalogue.making import Maker
from sync.catalogue.policy import CataloguePolicy, NewItems
from sync.catalogue.ports import CatalogueBook, Products, Shelves
from sync.catalogue.present import by_kind, is_so, value_of
from sync.catalogue.retirement import retirement
from sync.catalogue.retiring import Retirer
from sync.catalogue.writer import FieldWriter
from sync.clock import Clock
from sync.errors import Code, Refused
from sync.matching import sku_key
from sync.ports import Ledger
from sync.products import (
    ChangeKind,
    Field,
    NewItem,
    ProductChange,
    ProductOutcome,
    ProductResult,
    ProductWrite,
)
from sync.records import PauseKind

_SETTLED_AFTER = timedelta(minutes=1)  # nothing that was sent is carried out later than that


class Catalogue:
    """What may be asked of product fields. All of it goes by the cards as they were last read."""

    def __init__(
        self,
        *,
        book: CatalogueBook,
        products: Products,
        shelves: Shelves,
        ledger: Ledger,
        clock: Clock,
        policy: CataloguePolicy,
    ) -> None:
        self.book = book
        self._products = products
        self._shelves = shelves
        self._ledger = ledger
        self._clock = clock
        self._policy = policy
        self._fields = FieldWriter(book=book, products=products, shelves=shelves, clock=clock)
        self._maker = Maker(book=book, products=products, ledger=ledger, clock=clock)
        self._retirer = Retirer(book=book, products=products, shelves=shelves, ledger=ledger, clock=clock)

    async def differences(self) -> AsyncIterator[Found]:
        """Hand out every field in which both shops differ, whatever the policy says, product by product."""
        async for pairs in self.book.pairs():
            for group in by_product(pairs):
                for found in compare(group):
                    yield found

    async def propose(self, skus: Collection[str] | None = None) -> list[ProductChange]:
        """Return what the policy makes of the differences: changes of fields, new products, discontinued ones.

        With `skus` only those about one of these. What Shopify would refuse is among them, with its refusal.
        """
        wanted = None if skus is None else {sku_key(sku) for sku in skus}
        changes = [change async for change in self._field_changes(wanted)]
        changes += await self._creations(wanted)
        return changes + await self._retirements(wanted)

    async def carry_out(
        self, changes: Sequence[ProductChange], run_id: int, *, anyway: bool = False
    ) -> list[ProductResult]:
        """Write these changes, which a person has confirmed, and return how each ended, in no particular order.

        Each is compared with what is there first: what is no longer `before` is not written. Raises Refused (BR004)
        while writing is paused by hand, unless it is done `anyway`, and what kept Shopify from being reached; what was
        carried out until then is on record, and is found to be so the next time.
        """
        for pause in () if anyway else await self._ledger.pauses():
            if pause.kind is PauseKind.WRITES:
                raise Refused(Code.BR004, f"Their reason: {pause.reason.rstrip('.')}.")
        pending = {write.change.key for write in await self.settle()}
        results = [_refused(change) for change in changes if change.refusal]
        results += [_in_doubt(change) for change in changes if not change.refusal and change.key in pending]
        kinds = by_kind([change for change in changes if not change.refusal and change.key not in pending])
        results += await self._fields.write(kinds.get(ChangeKind.FIELD, ()), run_id)
        results += await self._maker.make(kinds.get(ChangeKind.CREATE, ()), run_id)
        return results + await self._retirer.retire(kinds.get(ChangeKind.RETIRE, ()), run_id)

    async def sent(self, changes: Sequence[ProductChange], run_id: int) -> list[ProductResult]:
        """Return how those of these changes ended that were sent in a run, as is on record."""
        keys = {change.key for change in changes}
        writes = await self.book.writes_in(run_id)
        return [_as_recorded(write) for write in writes if write.change.key in keys]

    async def hindrances(self, changes: Sequence[ProductChange]) -> list[ProductResult]:
        """Return which of these changes of fields would not be written now, and why; nothing is."""
        return await self._fields.hindrances(changes)

    async def settle(self) -> Sequence[ProductWrite]:
        """Read what became of writes that nobody answered, and record it.

        Return those too young to tell, and those still on their way: whoever sent them tells how they end.
        """
        writes, now = await self.book.unanswered(), self._clock.now()
        old = [write for write in writes if _given_up(write, now)]
        if old:
            await self.book.settle({write.write_id: await self._became(write) for write in old}, now)
        return [write for write in writes if write not in old]

    async def _became(self, write: ProductWrite) -> ProductOutcome:
        change = write.change
        if change.kind is ChangeKind.CREATE:
            made = await self._products.with_handle(change.after["handle"])
            if made is not None:
                await self._maker.link(change, made)
            return _found(made is not None)
        if change.field is Field.PRICE:
            row = (await self._shelves.variants_of([change.subject], cards=True)).get(change.subject)
            return _found(row is not None and row.price == change.after)
        product = (await self._products.products_of([change.subject])).get(change.subject)
        if change.kind is ChangeKind.RETIRE:
            off = await self._retirer.is_off(change)
            return _found(product is not None and product.status == change.after["status"] and off)
        return _found(product is not None and is_so(change, value_of(change.field, product)))

    # --- proposing ---

    async def _field_changes(self, wanted: Collection[str] | None) -> AsyncIterator[ProductChange]:
        async for pairs in self.book.pairs():
            for group in by_product(pairs):
                meant = [pair for pair in group if wanted is None or sku_key(pair.sku) in wanted]
                for change in field_changes(group, self._policy) if meant else ():
                    if change.field is not Field.PRICE or change.subject in {pair.variant.variant_id for pair in meant}:
                        yield change

    async def _creations(self, wanted: Collection[str] | None) -> list[ProductChange]:
        if self._policy.new_items is NewItems.NEVER:
            return []
        return [
            creation(items, self._policy)
            for items in _products_of(await self.book.new_items())
            if wanted is None or any(sku_key(item.sku) in wanted for item in items)
        ]

    async def _retirements(self, wanted: Collection[str] | None) -> list[ProductChange]:
        found = [
            (each, retirement(each, self._policy))
            for each in await self.book.retiring()
            if wanted is None or any(sku_key(gone.sku) in wanted for gone in each.gone)
        ]
        return [change for _, change in found if change is not None]


def _products_of(items: Sequence[NewItem]) -> list[list[NewItem]]:
    """Return the items that become one product each: those of one matrix, that are new with it; others alone."""
    found: list[list[NewItem]] = []
    for (matrix, linked), same_matrix in groupby(items, key=lambda item: (item.card.matrix_id, item.linked_matrix)):
        together = list(same_matrix)
        found += [together] if matrix and not linked else [[item] for item in together]
    return found


def _as_recorded(write: ProductWrite) -> ProductResult:
    outcome = write.outcome or ProductOutcome.UNANSWERED
    return ProductResult(write.change, outcome, write.code, write.detail, made=write.made)


def _refused(change: ProductChange) -> ProductResult:
    return ProductResult(change, ProductOutcome.REFUSED, change.refusal, change.reason)


def _in_doubt(change: ProductChange) -> ProductResult:
    detail = "The same was written a moment ago, and nobody answered; try again in a minute."
    return ProductResult(change, ProductOutcome.UNANSWERED, detail=detail)


def _given_up(write: ProductWrite, now: datetime) -> bool:
    """Tell whether nobody waits for an answer any more, and long enough for what was sent to have been carried out."""
    ended = write.outcome_at if write.outcome is ProductOutcome.UNANSWERED else None
    return ended is not None and now - ended >= _SETTLED_AFTER


def _found(applied: bool) -> ProductOutcome:  # noqa: FBT001 - the question is the name
    return ProductOutcome.FOUND_APPLIED if applied else ProductOutcome.FOUND_NOT_APPLIED
