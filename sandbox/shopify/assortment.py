"""What the store sells, and the only way it is changed: every change moves updatedAt, the index and the webhooks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sandbox.clock import Clock
from sandbox.goods import Good
from sandbox.shopify.index import Index
from sandbox.shopify.model import Collection, Event, Item, Location, Media, Product, ProductWrite, StockWrite, Variant
from sandbox.shopify.money import cents
from sandbox.shopify.opening import (
    FIRST_ITEM,
    FIRST_PRODUCT,
    FIRST_VARIANT,
    NO_HANDLE,
    Shelves,
    add_media,
    collection_of,
    join,
    slug,
)
from sandbox.shopify.stock import Stock

PROCESSING = timedelta(seconds=3)  # from the moment a picture is given until it can be looked at
ONLY_OPTION, ONLY_VALUE = "Title", "Default Title"  # of a product without options


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVariant:
    """What a variant is made of; `stock` are the units available by location (None: not told)."""

    options: tuple[tuple[str, str], ...] = ((ONLY_OPTION, ONLY_VALUE),)
    sku: str = ""
    barcode: str = ""
    price_cents: int = 0
    compare_cents: int | None = None
    cost_cents: int = 0
    tracked: bool = False
    requires_shipping: bool = True
    taxable: bool = True
    inventory_policy: str = "DENY"
    stock: Mapping[str, int] | None = None


class Assortment:
    """Products, variants, pictures and collections. `writes` is every field written through the API, oldest first."""

    def __init__(
        self,
        clock: Clock,
        shelves: Shelves,
        stock: Stock,
        locations: Mapping[str, Location],
        *,
        products: Index,
        variants: Index,
        items: Index,
        tell: Callable[[Event], None],
    ) -> None:
        self._clock = clock
        self._shelves = shelves
        self._stock = stock
        self._locations = locations
        self._products, self._variants, self._items = products, variants, items
        self._tell = tell
        self._made = {"product": len(shelves.products), "variant": len(shelves.variants)}
        self.writes: list[ProductWrite] = []

    # --- products

    def free_handle(self, title: str) -> str:
        """Return the handle that a title leads to; a taken one gets a number behind it, or the next number."""
        handle, taken = slug(title), {product.handle for product in self._shelves.products.values()}
        while handle in taken:
            base, _, number = handle.rpartition("-")
            handle = f"{base}-{int(number) + 1}" if base and number.isdigit() else f"{handle}-1"
        return handle

    def handle_of(self, wished: str, title: str) -> str:
        """Return the handle of a product with this title where one is wished for, or none ("")."""
        handle = slug(wished)
        return handle if wished.strip() and handle != NO_HANDLE else self.free_handle(wished.strip() or title)

    def create(self, handle: str, option_names: Sequence[str], **fields: object) -> Product:
        """List a new product without variants; `fields` are its other attributes, its title among them."""
        self._made["product"] += 1
        now = self._stock.now()
        product = Product(
            number=FIRST_PRODUCT + self._made["product"],
            handle=handle,
            title="",
            description_html="",
            vendor="",
            product_type="",
            tags=(),
            status="ACTIVE",
            created_at=now,
            updated_at=now,
            option_names=tuple(option_names) or (ONLY_OPTION,),
        )
        for name, value in fields.items():
            setattr(product, name, value)
        self._shelves.products[product.id] = product
        return product

    def put_up(self, good: Good, place: str) -> Variant:
        """Put a good up for sale as the store was opened with others; one with a known handle joins that product."""
        products = self._shelves.products.values()
        product = next((each for each in products if each.handle == good.handle), None)
        if product is not None:
            return self.add_variant(product, _variant_of(good, place))
        leaf = good.category.rpartition("/")[2].strip()
        product = self.create(
            self.free_handle(good.handle),
            [name for name, _ in good.options],
            title=good.title,
            description_html=good.description_html,
            vendor=good.vendor,
            product_type=leaf,
            tags=good.tags,
            status=good.status,
        )
        join(product, collection_of(self._shelves, leaf, self._stock.now()))
        for url in good.image_urls:
            add_media(self._shelves, product, url, self._stock.now(), ready_at=self._clock.now() + PROCESSING)
        variant = self.add_variant(product, _variant_of(good, place))
        self.listed(product)
        return variant

    def listed(self, product: Product) -> None:
        """Tell of a product that is complete now."""
        self._products.touch(product)
        self._tell(Event("products/create", product.id, self._clock.now()))

    def change(self, product: Product, fields: Mapping[str, object], mutation: str = "") -> None:
        """Change a product's fields; nothing moves where they are so already. `mutation` is "" for a person's deed."""
        if self._set(product, product.id, mutation, fields):
            self.touch(product)

    def touch(self, product: Product) -> None:
        """Note that a product, or what belongs to it, has changed."""
        product.updated_at = self._stock.now()
        self._products.touch(product)
        self._tell(Event("products/update", product.id, self._clock.now()))

    def remove(self, product: Product) -> None:
        """Delete a product with all its variants."""
        for variant in list(product.variants):
            self._take_off(variant)
        for collection in product.collections:
            collection.products.remove(product)
        del self._shelves.products[product.id]
        self._products.drop(product.number)
        self._tell(Event("products/delete", product.id, self._clock.now()))

    # --- variants

    def add_variant(self, product: Product, new: NewVariant, *, mutation: str = "") -> Variant:
        """Add a variant with its stock; where none is told it lies at the first location, with nothing there."""
        self._made["variant"] += 1
        now, number = self._stock.now(), self._made["variant"]
        item = Item(FIRST_ITEM + number, new.sku, new.cost_cents, new.tracked, now, now)
        item.requires_shipping = new.requires_shipping
        variant = Variant(
            number=FIRST_VARIANT + number,
            product=product,
            item=item,
            title=variant_title(new.options),
            price_cents=new.price_cents,
            compare_cents=new.compare_cents,
            barcode=new.barcode,
            position=len(product.variants) + 1,
            options=new.options,
            created_at=now,
            updated_at=now,
            inventory_policy=new.inventory_policy,
            taxable=new.taxable,
        )
        product.variants.append(variant)
        self._shelves.variants[variant.id] = variant
        self._shelves.items[item.id] = item
        if new.sku:
            self._shelves.by_sku.setdefault(new.sku, item)
        self._variants.touch(variant)
        self._items.touch(item)
        stock = dict.fromkeys(list(self._locations)[:1], 0) if new.stock is None else new.stock
        for place, units in stock.items():
            self.stock_up(item, place, units, mutation="" if new.stock is None else mutation)
        return variant

    def stock_up(self, item: Item, place: str, units: int, *, mutation: str = "") -> None:
        """Set what is available of an item at one location."""
        location = self._locations[place]
        level = item.levels.get(place) or self._stock.activate(item, location)
        before = level.quantities["available"]
        self._stock.move(level, available=units - before)
        if mutation:
            self._stock.writes.append(
                StockWrite(
                    at=self._clock.now(),
                    mutation=mutation,
                    item=item.id,
                    sku=item.sku,
                    location=place,
                    name="available",
                    before=before,
                    after=units,
                    reason="",
                    reference=None,
                    key="",
                )
            )

    def change_variant(self, variant: Variant, fields: Mapping[str, object], mutation: str = "") -> bool:
        """Change a variant's own fields and tell whether any was another; its product changes with it."""
        moved = self._set(variant, variant.id, mutation, fields)
        if "options" in fields:
            variant.title = variant_title(variant.options)
        if moved:
            variant.updated_at = self._stock.now()
            self._variants.touch(variant)
            self.touch(variant.product)
        return moved

    def change_item(self, item: Item, fields: Mapping[str, object], mutation: str = "") -> None:
        """Change an inventory item's fields; its variant and product change with it."""
        if "sku" in fields:
            self._name(item, str(fields["sku"]))
        self._set(item, item.variant.id, mutation, fields)
        item.updated_at = item.variant.updated_at = self._stock.now()
        self._items.touch(item)
        self._variants.touch(item.variant)
        self.touch(item.variant.product)
        self._tell(Event("inventory_items/update", item.id, self._clock.now()))

    def remove_variant(self, variant: Variant) -> None:
        """Delete a variant for good: its item is gone too, and order lines forget what it was."""
        self._take_off(variant)
        self.touch(variant.product)

    def _name(self, item: Item, sku: str) -> None:
        """Let a good that has no name yet be found by the SKU it is given."""
        if sku and item not in self._shelves.by_sku.values():
            self._shelves.by_sku.setdefault(sku, item)

    def _take_off(self, variant: Variant) -> None:
        item = variant.item
        variant.deleted = True
        variant.product.variants.remove(variant)
        del self._shelves.variants[variant.id], self._shelves.items[item.id]
        for sku in [sku for sku, known in self._shelves.by_sku.items() if known is item]:
            del self._shelves.by_sku[sku]
        self._variants.drop(variant.number)
        self._items.drop(item.number)
        for level in item.levels.values():
            self._stock.remove(level)

    # --- pictures and collections

    def picture(self, product: Product, sources: Iterable[tuple[str, str]], mutation: str = "") -> list[Media]:
        """Give a product further pictures, each as address and alternative text."""
        now, before = self._stock.now(), len(product.media)
        ready = self._clock.now() + PROCESSING
        made = [add_media(self._shelves, product, source, now, ready_at=ready, alt=alt) for source, alt in sources]
        if made:
            self._note(product.id, mutation, "media", before, len(product.media))
            self.touch(product)
        return made

    def unpicture(self, product: Product, kept: Sequence[Media] = (), mutation: str = "") -> None:
        """Take a product's pictures away, but for some."""
        if before := len(product.media) - len(kept):
            self._note(product.id, mutation, "media", before + len(kept), len(kept))
            product.media[:] = kept
            self.touch(product)

    def collect(self, product: Product, collections: Sequence[Collection], mutation: str = "") -> None:
        """Let a product lie in exactly these collections."""
        if set(collections) == set(product.collections):
            return
        before = [collection.title for collection in product.collections]
        for collection in set(product.collections) ^ set(collections):
            collection.updated_at = self._stock.now()
        for collection in product.collections:
            collection.products.remove(product)
        product.collections.clear()
        for collection in collections:
            join(product, collection)
        self._note(product.id, mutation, "collections", before, [collection.title for collection in collections])
        self.touch(product)

    # --- the log

    def _set(self, target: object, subject: str, mutation: str, fields: Mapping[str, object]) -> bool:
        """Set what differs; tell whether anything did."""
        moved = {name: value for name, value in fields.items() if getattr(target, name) != value}
        for name, value in moved.items():
            self._note(subject, mutation, name, getattr(target, name), value)
            setattr(target, name, value)
        return bool(moved)

    def _note(self, subject: str, mutation: str, field: str, before: object, after: object) -> None:
        if mutation:
            self.writes.append(ProductWrite(self._clock.now(), mutation, subject, field, before, after))


def _variant_of(good: Good, place: str) -> NewVariant:
    return NewVariant(
        options=good.options or ((ONLY_OPTION, ONLY_VALUE),),
        sku=good.sku if good.online_sku is None else good.online_sku,
        barcode=good.barcode,
        price_cents=cents(good.price if good.online_price is None else good.online_price),
        compare_cents=None if good.compare_at is None else cents(good.compare_at),
        cost_cents=cents(good.cost),
        tracked=good.tracked,
        stock={place: good.stock if good.online_stock is None else good.online_stock},
    )


def variant_title(options: Sequence[tuple[str, str]]) -> str:
    """Return what a variant is called: its values, `Small / Green`."""
    return " / ".join(value for _, value in options)
