"""Catalogue work: opening the account with goods, and what POST, PUT and DELETE do to items and categories."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from sandbox.goods import Good
from sandbox.lightspeed import fixtures
from sandbox.lightspeed.books import Books
from sandbox.lightspeed.details import Details
from sandbox.lightspeed.payload import Body, get_bool, get_decimal, get_int, get_text
from sandbox.lightspeed.rows import Category, Item
from sandbox.lightspeed.tables import Table
from sandbox.lightspeed.wire import ApiError, listed

_SKIPS = 0.02  # how often a system SKU is left out: they coincide with item ids in young accounts only
_CODE_DIGITS = range(11, 15)  # of a UPC or EAN
_PRICES = {1: "price", 2: "msrp", 3: "online_price"}


class Catalogue:
    """Makes and changes items, matrices, categories and manufacturers."""

    def __init__(self, books: Books, seed: int) -> None:
        self._books = books
        self.details = Details(books)
        self._random = Random(f"catalogue {seed}")
        self._last_sku = 0
        self._categories: dict[str, int] = {}
        self._manufacturers: dict[str, int] = {}
        self._matrices: dict[str, int] = {}

    def stock_up(self, goods: Sequence[Good], shop_id: int, age: timedelta) -> None:
        """Open the account with goods; all stock lies in one shop, and last moved at times spread over `age`."""
        self.details.furnish()
        in_store = [good for good in goods if good.in_store]
        variants = Counter(good.handle for good in in_store if good.options)
        for number, good in enumerate(in_store):
            since = age * (1 - number / (len(in_store) + 1))
            self._stock(
                good, shop_id, (self._books.now() - since).replace(microsecond=0), matrix=variants[good.handle] > 1
            )
        self._renumber()

    def add(self, good: Good, shop_id: int) -> Item:
        """Take one more good into the shop; one whose handle is that of a matrix joins it."""
        item = self._stock(good, shop_id, self._books.now(), matrix=good.handle in self._matrices)
        self._renumber()
        return item

    def _stock(self, good: Good, shop_id: int, at: datetime, *, matrix: bool) -> Item:
        item = self._item_of(good, self._matrix(good) if matrix else 0)
        item.create_time = item.time_stamp = at
        self._books.add_item(item, {shop_id: 0 if good.archived else good.stock})
        self.details.describe(item, good)
        return item

    def offer(self, services: Mapping[int, str], age: timedelta) -> None:
        """Add items without stock or price under ids of their own, older than all goods."""
        since = (self._books.now() - age).replace(microsecond=0)
        for item_id, name in services.items():
            item = Item(
                item_id=item_id,
                system_sku=self._system_sku(),
                description=name,
                create_time=since,
                time_stamp=since,
                item_type="non_inventory",
                tax=False,
                discountable=False,
            )
            self._books.add_item(item, {})

    def create(self, body: Body) -> Item:
        """Make an item (`POST Item`): only a description is needed. Raises ApiError."""
        if not get_text(body, "description").strip():
            raise ApiError(400, "Item not created. An Item must have a description.")
        self._check(body, None)
        now = self._books.now()
        item = Item(
            item_id=self._books.items.next_id(),
            system_sku=self._system_sku(),
            description="",
            create_time=now,
            time_stamp=now,
        )
        self._put(item, body)
        self._books.add_item(item, {})
        return item

    def update(self, item: Item, body: Body) -> Item:
        """Change an item (`PUT Item`), and its stock where ItemShops are given: absolute. Raises ApiError.

        It can come back from the archive so, but not go there: that takes a DELETE.
        """
        if "description" in body and not get_text(body, "description").strip():
            raise ApiError(400, "Item not updated. An Item must have a description.")
        self._check(body, item)
        rows = self._books.stock_rows(item.item_id)
        by_key = {row.item_shop_id: shop_id for shop_id, row in rows.items()}
        stock = []
        for row in listed(body.get("ItemShops"), "ItemShop"):
            shop_id = by_key.get(get_int(row, "itemShopID"), get_int(row, "shopID"))
            if shop_id not in self._books.shop_ids:
                raise ApiError(400, "Item not updated. The ItemShop is invalid.")
            stock.append((shop_id, get_int(row, "qoh", rows[shop_id].qoh)))
        for shop_id, qoh in stock:
            self._books.set_stock(item, shop_id, qoh)
        self._put(item, body)
        self._books.touch(item)
        return item

    def create_category(self, body: Body) -> Category:
        """Make a category; the nested set is renumbered, which touches its neighbours. Raises ApiError."""
        if not get_text(body, "name").strip():
            raise ApiError(400, "name cannot be blank.")
        parent = get_int(body, "parentID")
        if parent and self._books.categories.get(parent) is None:
            raise ApiError(400, f"Category '{parent}' is invalid.")
        category = self._add_category(get_text(body, "name"), parent)
        self._renumber()
        return category

    def _item_of(self, good: Good, matrix: int) -> Item:
        now = self._books.now()
        options = [value for _, value in good.options]
        barcode = good.barcode if good.barcode.isdigit() and 11 <= len(good.barcode) <= 14 else ""
        ean = barcode if len(barcode) == 13 else ""
        return Item(
            item_id=self._books.items.next_id(),
            system_sku=self._system_sku(),
            description=" ".join([good.title, *options]),
            create_time=now,
            time_stamp=now,
            custom_sku=good.sku,
            upc="" if ean else barcode,
            ean=ean,
            item_type=good.item_type,
            default_cost=good.cost,
            avg_cost=good.cost,
            price=good.price,
            msrp=good.price,
            online_price=Decimal(0) if good.online_price is None else good.online_price,
            archived=good.archived,
            publish_to_ecom=good.online,
            category_id=self._category(good.category),
            manufacturer_id=self._manufacturer(good.vendor),
            item_matrix_id=matrix,
            attribute_set_id=self._set_of(good) if matrix else 0,
            attributes=tuple(options[:3]) if matrix else (),
        )

    def _system_sku(self) -> str:
        self._last_sku += 2 if self._random.random() < _SKIPS else 1
        return f"21{self._last_sku:010d}"

    def _check(self, body: Body, item: Item | None) -> None:
        """Refuse a code that is none (400) or another item's (422, as was seen live), and what does not exist (400)."""
        done = "Item not created." if item is None else "Item not updated."
        for name in ("upc", "ean"):
            code = get_text(body, name)
            if code and not (code.isdigit() and len(code) in _CODE_DIGITS):
                raise ApiError(400, f"{done} The {name} must be 11 to 14 digits.")
            if code and any(code == getattr(other, name) for other in self._books.items if other is not item):
                raise ApiError(422, f"An Item with {name} '{code}' already exists.")
        tables: Mapping[str, Table[Any]] = {
            "categoryID": self._books.categories,
            "itemMatrixID": self._books.open_empty("ItemMatrix"),
            "manufacturerID": self._books.open_empty("Manufacturer"),
        }
        for name, table in tables.items():
            key = get_int(body, name)
            if key and table.get(key) is None:
                raise ApiError(400, f"{done} The {name} '{key}' is invalid.")
        for row in listed(body.get("Prices"), "ItemPrice"):
            get_decimal(row, "amount")
        self.details.check(body, done)

    def _put(self, item: Item, body: Body) -> None:
        """Put a body on an item; one that belongs to a matrix is named after it and its attributes."""
        _put(item, body)
        self.details.put(item, body)
        matrix = self._books.open_empty("ItemMatrix").get(item.item_matrix_id)
        if matrix is not None and "description" not in body and {"itemMatrixID", "ItemAttributes"} & body.keys():
            item.description = " ".join([str(matrix.fields["description"]), *item.attributes])

    def _set_of(self, good: Good) -> int:
        return self.details.attribute_set([name for name, _ in good.options])

    def _matrix(self, good: Good) -> int:
        if good.handle not in self._matrices:
            key = len(self._matrices) + 1
            self._matrices[good.handle] = key
            category = self._category(good.category)
            self._books.keep(
                "ItemMatrix", fixtures.item_matrix(key, good.title, category, self._set_of(good), self._books.now())
            )
        return self._matrices[good.handle]

    def _manufacturer(self, name: str) -> int:
        if name and name not in self._manufacturers:
            key = len(self._manufacturers) + 1
            self._manufacturers[name] = key
            self._books.keep("Manufacturer", fixtures.manufacturer(key, name, self._books.now()))
        return self._manufacturers.get(name, 0)

    def _category(self, path: str) -> int:
        """Return the category of a path (`Toys/Ducks`), making what is missing."""
        parent = 0
        names = [name.strip() for name in path.split("/") if name.strip()]
        for depth in range(1, len(names) + 1):
            full = "/".join(names[:depth])
            if full not in self._categories:
                self._categories[full] = self._add_category(names[depth - 1], parent).category_id
            parent = self._categories[full]
        return parent

    def _add_category(self, name: str, parent: int) -> Category:
        now, key = self._books.now(), self._books.categories.next_id()
        category = Category(category_id=key, name=name, parent_id=parent, create_time=now, time_stamp=now)
        return self._books.categories.add(key, category)

    def _renumber(self) -> None:
        """Renumber the nested set by name, as the live account does; moved categories get a new time stamp."""
        children: dict[int, list[Category]] = {}
        for category in self._books.categories:
            children.setdefault(category.parent_id, []).append(category)
        self._number(children, 0, 0, "", 1)

    def _number(self, children: dict[int, list[Category]], parent: int, depth: int, path: str, at: int) -> int:
        for category in sorted(children.get(parent, ()), key=lambda each: (each.name.casefold(), each.category_id)):
            full = f"{path}/{category.name}" if path else category.name
            right = self._number(children, category.category_id, depth + 1, full, at + 1)
            place = (at, right, depth, full)
            if place != (category.left_node, category.right_node, category.node_depth, category.full_path_name):
                category.left_node, category.right_node, category.node_depth, category.full_path_name = place
                category.time_stamp = self._books.now()
                self._books.categories.changed(category.category_id)
            at = right + 1
        return at


def _put(item: Item, body: Body) -> None:
    """Put a body's fields on an item: missing ones stay, empty ones clear."""
    item.description = get_text(body, "description", item.description)
    item.custom_sku = get_text(body, "customSku", item.custom_sku)
    item.manufacturer_sku = get_text(body, "manufacturerSku", item.manufacturer_sku)
    item.upc = get_text(body, "upc", item.upc)
    item.ean = get_text(body, "ean", item.ean)
    item.item_type = get_text(body, "itemType", item.item_type)
    item.default_cost = get_decimal(body, "defaultCost", item.default_cost)
    item.tax = get_bool(body, "tax", default=item.tax)
    item.discountable = get_bool(body, "discountable", default=item.discountable)
    item.archived = item.archived and get_bool(body, "archived", default=True)
    item.publish_to_ecom = get_bool(body, "publishToEcom", default=item.publish_to_ecom)
    item.category_id = get_int(body, "categoryID", item.category_id)
    item.manufacturer_id = get_int(body, "manufacturerID", item.manufacturer_id)
    item.item_matrix_id = get_int(body, "itemMatrixID", item.item_matrix_id)
    prices = body.get("Prices")
    for row in listed(prices, "ItemPrice"):
        name = _PRICES.get(get_int(row, "useTypeID", 1))
        if name:
            setattr(item, name, get_decimal(row, "amount", Decimal(0)))
