"""What one side sells and the other does not: items without a variant, and variants whose items were archived."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from sync.matching import LINKABLE, alike, sku_key
from sync.products import Gone, NewItem, Retiring
from sync.records import SkuKey
from sync.storage.card_tables import item_cards
from sync.storage.cards import item_card, item_columns
from sync.storage.linking import kept_apart_of
from sync.storage.statements import batches, one_of, streamed
from sync.storage.tables import items, levels, links, variants

_LIVE = links.c.state.in_(("suggested", "confirmed"))
_ARCHIVED = "archived in Lightspeed"  # why their links ended
_ON_SALE = ("ACTIVE", "UNLISTED")


def new_items(connection: sa.Connection) -> list[NewItem]:
    """Return the live items with a SKU that no variant has, nor almost has; those of one matrix side by side.

    Where a variant's SKU is nearly the item's, or its barcode is, the two may be one: that is for people to see. What
    was not read whole, and what shares its matrix, is left out until it is.
    """
    found = {row["item_item_id"]: _new_item(row) for row in streamed(connection, _UNSOLD).mappings()}
    if not found:
        return []
    keys, codes = _sold(connection)
    partly = {_place(each) for each in found.values() if not each.card.whole}
    fresh = {
        item_id: each
        for item_id, each in found.items()
        if sku_key(each.sku) not in keys
        and (not each.barcode or each.barcode.lstrip("0") not in codes)
        and _place(each) not in partly
    }
    near = alike([SkuKey(item_id, "", (each.sku,), (), "") for item_id, each in fresh.items()], _unlinked(connection))
    return [each for item_id, each in fresh.items() if item_id not in near]


_SIBLING = item_cards.alias("sibling")
_SOLD_SIBLING = sa.exists().where(
    _SIBLING.c.matrix_id == item_cards.c.matrix_id,
    item_cards.c.matrix_id != "",
    links.c.item_id == _SIBLING.c.item_id,
    links.c.state == "confirmed",
)
_UNSOLD = (
    sa.select(items.c.custom_sku, items.c.upc, items.c.ean, _SOLD_SIBLING.label("sold_sibling"), *item_columns())
    .join_from(items, item_cards, item_cards.c.item_id == items.c.item_id)
    .where(
        items.c.archived == sa.false(),
        items.c.item_type.in_(LINKABLE),
        items.c.custom_sku != "",
        sa.not_(sa.exists().where(links.c.item_id == items.c.item_id, _LIVE)),
    )
    .order_by(item_cards.c.matrix_id, items.c.item_id)
)


def _new_item(row: Mapping[Any, Any]) -> NewItem:
    return NewItem(row["custom_sku"].strip(), row["upc"] or row["ean"], item_card(row), bool(row["sold_sibling"]))


def _place(item: NewItem) -> tuple[str, str]:
    """Return what becomes one product: an item's matrix, or the item alone."""
    return (item.card.matrix_id, "" if item.card.matrix_id else item.card.item_id)


def _sold(connection: sa.Connection) -> tuple[set[str], set[str]]:
    """Return the SKUs, as they are compared, and the barcodes of all variants; a blank SKU is never a new one."""
    keys, codes = {""}, set[str]()
    for row in streamed(connection, sa.select(variants.c.sku, variants.c.barcode)):
        sku, barcode = row.sku, row.barcode
        keys.add(sku_key(sku))
        if barcode:
            codes.add(barcode.strip().lstrip("0"))
    return keys, codes


_NOBODYS = sa.not_(sa.exists().where(links.c.variant_id == variants.c.variant_id, _LIVE))


def _unlinked(connection: sa.Connection) -> list[SkuKey]:
    chosen = sa.select(variants.c.variant_id, variants.c.inventory_item_id, variants.c.sku).where(_NOBODYS)
    return [SkuKey(row.variant_id, row.inventory_item_id, (row.sku,), (), "") for row in streamed(connection, chosen)]


def retiring(connection: sa.Connection) -> list[Retiring]:
    """Return the products on sale with variants whose items were archived in Lightspeed, in the order of their ids."""
    orphans = {row["variant_id"]: row for row in streamed(connection, _ORPHANS).mappings()}
    archived = _archived_of(connection, orphans)
    by_product: defaultdict[str, list[Gone]] = defaultdict(list)
    for variant_id, item_id in archived.items():
        row = orphans[variant_id]
        gone = Gone(item_id, row["sku"], variant_id, row["inventory_item_id"], row["available"])
        by_product[row["product_id"]].append(gone)
    counts = _counted(connection, list(by_product))
    return [
        _retiring(orphans[gone[0].variant_id], gone, counts[product_id])
        for product_id, gone in sorted(by_product.items())
    ]


_ORPHANS = (
    sa.select(
        variants.c.variant_id,
        variants.c.product_id,
        variants.c.inventory_item_id,
        variants.c.sku,
        variants.c.product_title,
        variants.c.product_status,
        levels.c.available,
    )
    .outerjoin_from(variants, levels, levels.c.inventory_item_id == variants.c.inventory_item_id)
    .where(variants.c.product_status.in_(_ON_SALE), _NOBODYS)
    .order_by(variants.c.variant_id)
)


def _archived_of(connection: sa.Connection, orphans: Mapping[str, Mapping[Any, Any]]) -> dict[str, str]:
    """Return the archived item of each variant that has one: by the link that ended with it, or by the same SKU.

    What a person keeps apart from a variant says nothing of it.
    """
    apart = kept_apart_of(connection)
    ended = [(variant_id, item_id) for variant_id, item_id in connection.execute(_ENDED) if variant_id in orphans]
    found = {variant_id: item_id for variant_id, item_id in ended if item_id not in apart.get(variant_id, ())}
    wanted = {sku_key(row["sku"]) for row in orphans.values()} - {""}
    archived, live = defaultdict[str, list[str]](list), set[str]()
    for item_id, sku, is_archived in _items(connection):
        key = sku_key(sku)
        if key in wanted and is_archived:
            archived[key].append(item_id)
        elif key in wanted:
            live.add(key)
    for variant_id, row in orphans.items():
        key = sku_key(row["sku"])
        same = [each for each in archived.get(key, ()) if each not in apart.get(variant_id, ())]
        if same and key not in live:
            found.setdefault(variant_id, same[-1])
    return {variant_id: found[variant_id] for variant_id in orphans if variant_id in found}


_ENDED = (
    sa.select(links.c.variant_id, links.c.item_id)
    .join(items, items.c.item_id == links.c.item_id)
    .where(links.c.state == "tombstoned", links.c.reason == _ARCHIVED, items.c.archived == sa.true())
    .order_by(links.c.link_id)
)


def _items(connection: sa.Connection) -> Iterator[Any]:
    yield from streamed(connection, sa.select(items.c.item_id, items.c.custom_sku, items.c.archived))


def _counted(connection: sa.Connection, product_ids: Sequence[str]) -> Counter[str]:
    counts = Counter[str]()
    count = sa.select(variants.c.product_id, sa.func.count()).where(one_of(variants.c.product_id))
    for batch in batches(product_ids):
        rows = connection.execute(count.group_by(variants.c.product_id), {"ids": batch})
        counts.update(dict(rows.all()))
    return counts


def _retiring(row: Mapping[Any, Any], gone: Sequence[Gone], variants_in_all: int) -> Retiring:
    return Retiring(
        product_id=row["product_id"],
        title=row["product_title"],
        status=row["product_status"],
        gone=tuple(gone),
        others=variants_in_all - len(gone),
    )
