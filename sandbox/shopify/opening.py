"""Opens a store: turns a list of goods into products, variants and inventory items."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sandbox.goods import Good
from sandbox.shopify.model import Collection, Item, Media, Product, Variant
from sandbox.shopify.money import cents

NO_HANDLE = "product"  # of what has no letter and no digit
FIRST_PRODUCT = 8_100_000_000_000
FIRST_VARIANT = 45_200_000_000_000
FIRST_ITEM = 47_300_000_000_000
FIRST_MEDIA = 33_900_000_000_000
FIRST_COLLECTION = 298_000_000_000


@dataclass(slots=True)
class Shelves:
    """All that the store sells. `by_sku` knows an item by its good's SKU, `products` and the rest by gid.

    `collections` are known by their titles; `media` counts the pictures there have ever been.
    """

    products: dict[str, Product] = field(default_factory=dict)
    variants: dict[str, Variant] = field(default_factory=dict)
    items: dict[str, Item] = field(default_factory=dict)
    by_sku: dict[str, Item] = field(default_factory=dict)
    collections: dict[str, Collection] = field(default_factory=dict)
    media: int = 0


def online(goods: Iterable[Good]) -> list[Good]:
    """Return what Shopify is to sell, variants of one product side by side, in the order of first mention."""
    families: dict[str, list[Good]] = {}
    for good in goods:
        if good.online:
            families.setdefault(good.handle, []).append(good)
    return [good for family in families.values() for good in family]


def open_shelves(goods: Sequence[Good], at: datetime) -> Shelves:
    """Put up one product per handle and one variant per good, all created `at`."""
    shelves = Shelves()
    last: Product | None = None
    for place, good in enumerate(goods):
        if last is None or last.handle != good.handle:
            last = _product(good, FIRST_PRODUCT + len(shelves.products) + 1, at)
            shelves.products[last.id] = last
            join(last, collection_of(shelves, last.product_type, at))
        _put_up(shelves, last, good, place + 1, at)
    return shelves


def collection_of(shelves: Shelves, title: str, at: datetime) -> Collection | None:
    """Return the collection of that title, made `at` where there is none yet; None for no title."""
    if title and title not in shelves.collections:
        number = FIRST_COLLECTION + len(shelves.collections) + 1
        shelves.collections[title] = Collection(number, title, slug(title), at)
    return shelves.collections.get(title)


def join(product: Product, collection: Collection | None) -> None:
    """Put a product into a collection."""
    if collection is not None and collection not in product.collections:
        product.collections.append(collection)
        collection.products.append(product)


def slug(text: str) -> str:
    """Return a text as a handle: small letters, digits and hyphens."""
    return "-".join(re.findall(r"[^\W_]+", text.lower())) or NO_HANDLE


def add_media(
    shelves: Shelves, product: Product, source: str, at: datetime, *, ready_at: datetime, alt: str = ""
) -> Media:
    """Give a product one more picture."""
    shelves.media += 1
    media = Media(FIRST_MEDIA + shelves.media, source, alt, at, ready_at)
    product.media.append(media)
    return media


def _product(good: Good, number: int, at: datetime) -> Product:
    return Product(
        number=number,
        handle=good.handle,
        title=good.title,
        description_html=good.description_html,
        vendor=good.vendor,
        product_type=good.category.rpartition("/")[2].strip(),
        tags=good.tags,
        status="ARCHIVED" if good.archived and good.status == "ACTIVE" else good.status,
        created_at=at,
        updated_at=at,
        option_names=tuple(name for name, _ in good.options) or ("Title",),
    )


def _put_up(shelves: Shelves, product: Product, good: Good, place: int, at: datetime) -> None:
    sku = good.sku if good.online_sku is None else good.online_sku
    item = Item(FIRST_ITEM + place, sku, cents(good.cost), good.tracked, at, at)
    variant = Variant(
        number=FIRST_VARIANT + place,
        product=product,
        item=item,
        title=" / ".join(value for _, value in good.options) or "Default Title",
        price_cents=cents(good.price if good.online_price is None else good.online_price),
        compare_cents=None if good.compare_at is None else cents(good.compare_at),
        barcode=good.barcode,
        position=len(product.variants) + 1,
        options=good.options or (("Title", "Default Title"),),
        created_at=at,
        updated_at=at,
    )
    product.variants.append(variant)
    present = {media.source for media in product.media}
    for url in good.image_urls:
        if url not in present:
            add_media(shelves, product, url, at, ready_at=at)
    shelves.variants[variant.id] = variant
    shelves.items[item.id] = item
    shelves.by_sku.setdefault(good.sku, item)
