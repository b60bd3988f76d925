"""The resources of the API: where their rows lie, what may be sorted by, and how rows and relations are printed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sandbox.lightspeed import columns, fixtures
from sandbox.lightspeed.books import Books
from sandbox.lightspeed.columns import Column, Columns
from sandbox.lightspeed.query import Kind
from sandbox.lightspeed.rows import Item, Record, SaleLine
from sandbox.lightspeed.tables import Table
from sandbox.lightspeed.wire import ApiError, Json, Value, collection, text

Rows = Iterable[Any]


@dataclass(frozen=True, slots=True)
class Relation:
    """A loadable relation: its rows' resource, and how they are found. `wrapper` is the key inside a collection."""

    resource: str
    many: bool
    find: Callable[[Books, Any], Rows]
    wrapper: str = ""
    by_default: tuple[str, ...] = ()  # relations of its rows that come along unasked


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of the API. `extras` prints what is neither a field nor a relation (an item's prices)."""

    name: str
    key: str
    table: Callable[[Books], Table[Any]]
    columns: Columns
    sortable: tuple[str, ...]
    relations: Mapping[str, Relation] = field(default_factory=dict)
    extras: Callable[[Books, Any], Json] | None = None
    pseudo: Mapping[str, Callable[[Any], Sequence[Value]]] = field(default_factory=dict)
    hides_archived: bool = False
    searched: Callable[[Books, Any], bool] | None = None  # lists leave out rows that are not searched yet

    def key_of(self, row: Any) -> int:
        """Return a row's id."""
        value = self.columns[self.key].read(row)
        if not isinstance(value, int):
            raise TypeError(f"{self.name}.{self.key} is no id: {value!r}")
        return value


def render(books: Books, resource: Resource, row: Any, relations: Sequence[str] = ()) -> Json:
    """Return a row as the API prints it, with the relations asked for (`SalePayments.PaymentType` for nested ones)."""
    shown: Json = {}
    for name, column in resource.columns.items():
        value = column.read(row)
        if value is not None:
            shown[name] = text(value)
    for name, nested in _grouped(relations).items():
        relation = resource.relations[name]
        target = RESOURCES[relation.resource]
        inner = (*relation.by_default, *(each for each in nested if each not in relation.by_default))
        rows = [render(books, target, each, inner) for each in relation.find(books, row)]
        if relation.many:
            shown[name] = collection(relation.wrapper or target.name, rows)
        elif rows:
            shown[name] = rows[0]
    if resource.extras is not None:
        shown.update(resource.extras(books, row))
    return shown


def _grouped(relations: Sequence[str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for path in relations:
        name, _, rest = path.partition(".")
        nested = groups.setdefault(name, [])
        if rest:
            nested.append(rest)
    return groups


def check_relations(resource: Resource, relations: Sequence[str]) -> None:
    """Refuse relations the resource does not have; raises ApiError (400)."""
    for path in relations:
        target = resource
        for name in path.split("."):
            relation = target.relations.get(name)
            if relation is None:
                raise ApiError(400, f"Invalid relation '{path}' for {resource.name}.")
            target = RESOURCES[relation.resource]


def many_of(resource: Resource) -> dict[str, bool]:
    """Return each relation of a resource, nested ones included, with whether it is to-many."""
    many: dict[str, bool] = {}
    for name, relation in resource.relations.items():
        many[name] = relation.many
        for nested, inner in RESOURCES[relation.resource].relations.items():
            many[f"{name}.{nested}"] = inner.many
    return many


def _record(name: str, key: str) -> Callable[[Books, Any], Rows]:
    """Find the kept row whose id a foreign key holds; 0 finds none."""

    def find(books: Books, row: Any) -> Rows:
        value = row.fields[key] if isinstance(row, Record) else getattr(row, key)
        kept = books.records[name].get(value) if isinstance(value, int) and value else None
        return [] if kept is None else [kept]

    return find


def _prices(item: Item) -> Json:
    kinds = (("1", "Default", item.price), ("2", "MSRP", item.msrp), ("3", "Online", item.online_price))
    rows = [{"amount": text(amount), "useTypeID": key, "useType": name} for key, name, amount in kinds]
    return {"Prices": {"ItemPrice": rows}}


def _item_of(books: Books, row: Any) -> Rows:
    item = books.items.get(row.item_id)
    return [] if item is None else [item]


def _stock_rows(books: Books, item: Item) -> Rows:
    """Return an item's ItemShop rows in the recorded order: the shops', then the summary."""
    rows = books.stock_rows(item.item_id)
    return [rows[shop_id] for shop_id in sorted(rows, key=lambda shop_id: (shop_id == 0, shop_id))]


def _category_of(books: Books, item: Item) -> Rows:
    category = books.categories.get(item.category_id)
    return [] if category is None else [category]


def _item_relations() -> dict[str, Relation]:
    return {
        "Category": Relation("Category", many=False, find=_category_of),
        "TaxClass": Relation("TaxClass", many=False, find=_record("TaxClass", "tax_class_id")),
        "ItemAttributes": Relation("ItemAttributes", many=False, find=_attributes),
        "ItemECommerce": Relation("ItemECommerce", many=False, find=_text_of),
        "Manufacturer": Relation("Manufacturer", many=False, find=_record("Manufacturer", "manufacturer_id")),
        "ItemShops": Relation("ItemShop", many=True, find=_stock_rows),
        "Images": Relation("Image", many=True, find=lambda _books, item: item.images),
        "TagRelations": Relation("TagRelation", many=True, find=lambda _books, item: item.tags),
        "ItemVendorNums": Relation("ItemVendorNum", many=True, find=_none),
        "ItemComponents": Relation("ItemComponent", many=True, find=_none),
        "CustomFieldValues": Relation("CustomFieldValue", many=True, find=_none),
    }


def _text_of(_books: Books, item: Item) -> Rows:
    return [] if item.ecommerce is None else [item.ecommerce]


def _category_of_record(books: Books, row: Record) -> Rows:
    category = books.categories.get(int(str(row.fields["categoryID"])))
    return [] if category is None else [category]


def _items_of(books: Books, row: Record) -> Rows:
    return books.items.having("itemMatrixID", row.key)


def _matrix_extras(books: Books, row: Record) -> Json:
    """Print a matrix's prices (those of its first item) and the values that its items have."""
    items = books.items.having("itemMatrixID", row.key)
    values = {
        f"attribute{place + 1}Values": list(
            dict.fromkeys(item.attributes[place] for item in items if item.attributes[place:])
        )
        for place in range(3)
    }
    prices = _prices(items[0]) if items else {}
    return {**prices, **{name: found for name, found in values.items() if found}}


def _none(_books: Books, _row: Any) -> Rows:
    """Find nothing: the pretend account keeps no such rows."""
    return ()


def _attributes(_books: Books, item: Item) -> Rows:
    return [item] if item.item_matrix_id else []


def _contact_of(books: Books, row: Record) -> Rows:
    kept = books.records["Contact"].get(row.key)
    return [] if kept is None else [kept]


def _lines(books: Books, sale: Any) -> Rows:
    return [books.sale_lines[key] for key in sale.line_ids]


def _payments(books: Books, sale: Any) -> Rows:
    return [books.sale_payments[key] for key in sale.payment_ids]


def _sale_relations() -> dict[str, Relation]:
    return {
        "Customer": Relation("Customer", many=False, find=_record("Customer", "customer_id")),
        "Shop": Relation("Shop", many=False, find=_record("Shop", "shop_id")),
        "TaxCategory": Relation("TaxCategory", many=False, find=_record("TaxCategory", "tax_category_id")),
        "SaleLines": Relation("SaleLine", many=True, find=_lines),
        "SalePayments": Relation("SalePayment", many=True, find=_payments, by_default=("PaymentType",)),
        "SaleNotes": Relation("SaleNote", many=True, find=_none),
    }


def _reserved(_books: Books, line: SaleLine) -> Rows:
    """Find what a layaway put aside; all of it comes from one lot here."""
    return [line] if line.reserved else []


def _kept(name: str) -> Callable[[Books], Table[Any]]:
    return lambda books: books.records[name]


def _reference(name: str, key: str, sortable: tuple[str, ...], example: Mapping[str, Value]) -> Resource:
    return Resource(name, key, _kept(name), columns.record(example), sortable, hides_archived="archived" in example)


def _attribute(at: int) -> Column:
    return Column(Kind.TEXT, lambda item: item.attributes[at] if at < len(item.attributes) else "")


_ATTRIBUTES: Columns = {
    "attribute1": _attribute(0),
    "attribute2": _attribute(1),
    "attribute3": _attribute(2),
    "itemAttributeSetID": Column(Kind.INT, lambda item: item.attribute_set_id),
}

RESOURCES: dict[str, Resource] = {
    "Item": Resource(
        "Item",
        "itemID",
        lambda books: books.items,
        columns.ITEM,
        ("itemID", "timeStamp", "description"),
        _item_relations(),
        extras=lambda _books, item: _prices(item),
        pseudo={"itemCode": lambda item: (str(item.item_id), item.upc, item.ean)},
        hides_archived=True,
    ),
    "ItemShop": Resource(
        "ItemShop", "itemShopID", lambda books: books.item_shops, columns.ITEM_SHOP, ("itemShopID", "timeStamp")
    ),
    "Sale": Resource(
        "Sale",
        "saleID",
        lambda books: books.sales,
        columns.SALE,
        ("saleID", "timeStamp", "completeTime", "updateTime", "updatetime"),
        _sale_relations(),
        extras=lambda _books, sale: {"taxTotal": text(sale.tax_total)},
        searched=lambda books, sale: books.is_searched(sale),
    ),
    "SaleLine": Resource(
        "SaleLine",
        "saleLineID",
        lambda books: books.sale_lines,
        columns.SALE_LINE,
        ("saleLineID", "timeStamp", "saleID"),
        {
            "Item": Relation("Item", many=False, find=_item_of),
            "TaxClass": Relation("TaxClass", many=False, find=_record("TaxClass", "tax_class_id")),
            "InventorySales": Relation("InventorySale", many=True, find=_reserved),
        },
    ),
    "SalePayment": Resource(
        "SalePayment",
        "salePaymentID",
        lambda books: books.sale_payments,
        columns.SALE_PAYMENT,
        ("salePaymentID", "timeStamp", "saleID"),
        {"PaymentType": Relation("PaymentType", many=False, find=_record("PaymentType", "payment_type_id"))},
    ),
    "InventoryLog": Resource(
        "InventoryLog",
        "inventoryLogID",
        lambda books: books.logs,
        columns.INVENTORY_LOG,
        ("inventoryLogID", "itemID"),
        {"Item": Relation("Item", many=False, find=_item_of)},
    ),
    "Category": Resource(
        "Category",
        "categoryID",
        lambda books: books.categories,
        columns.CATEGORY,
        ("categoryID", "timeStamp", "leftNode", "rightNode"),
    ),
}

_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_RATES = (Decimal(0), Decimal(0))
_CONTACT = fixtures.contact(1, _NOW)

RESOURCES |= {
    resource.name: resource
    for resource in (
        _reference("Shop", "shopID", ("shopID",), fixtures.shop(1, "", _NOW)),
        _reference("Register", "registerID", ("registerID",), fixtures.register(1, 1, _NOW)),
        _reference("Employee", "employeeID", ("employeeID", "timeStamp"), fixtures.employee(1, "", "", _NOW)),
        _reference("PaymentType", "paymentTypeID", ("paymentTypeID",), fixtures.payment_types()[0]),
        _reference("TaxCategory", "taxCategoryID", ("taxCategoryID", "timeStamp"), fixtures.tax_category(_RATES, _NOW)),
        _reference("TaxClass", "taxClassID", ("taxClassID", "timeStamp"), fixtures.tax_class(1, "", "item", _NOW)),
        _reference("Manufacturer", "manufacturerID", ("id", "timeStamp", "name"), fixtures.manufacturer(1, "", _NOW)),
        _reference(
            "ItemMatrix",
            "itemMatrixID",
            ("itemMatrixID", "timeStamp", "description"),
            fixtures.item_matrix(1, "", 0, 0, _NOW),
        ),
        _reference(
            "ItemAttributeSet",
            "itemAttributeSetID",
            ("itemAttributeSetID",),
            fixtures.attribute_set(1, (), system=True),
        ),
        _reference("Tag", "tagID", ("tagID", "name"), fixtures.tag(1, "")),
    )
}
RESOURCES["Customer"] = replace(
    _reference(
        "Customer",
        "customerID",
        ("customerID", "timeStamp", "firstName", "lastName"),
        fixtures.customer(1, "", "", _NOW),
    ),
    relations={"Contact": Relation("Contact", many=False, find=_contact_of)},
)
RESOURCES["Contact"] = replace(
    _reference("Contact", "contactID", (), _CONTACT),
    extras=lambda _books, _row: {"Addresses": "", "Phones": "", "Emails": "", "Websites": ""},
)
RESOURCES["InventorySale"] = Resource("InventorySale", "", lambda books: books.sale_lines, columns.INVENTORY_SALE, ())
RESOURCES["ItemMatrix"] = replace(
    RESOURCES["ItemMatrix"],
    relations={
        "Category": Relation("Category", many=False, find=_category_of_record),
        "ItemAttributeSet": Relation(
            "ItemAttributeSet", many=False, find=_record("ItemAttributeSet", "itemAttributeSetID")
        ),
        "Items": Relation("Item", many=True, find=_items_of),
    },
    extras=_matrix_extras,
)
RESOURCES["ItemAttributes"] = Resource(
    "ItemAttributes",
    "",
    lambda books: books.items,
    _ATTRIBUTES,
    (),
    {
        "ItemAttributeSet": Relation(
            "ItemAttributeSet", many=False, find=_record("ItemAttributeSet", "attribute_set_id")
        )
    },
)
RESOURCES["ItemECommerce"] = Resource("ItemECommerce", "", lambda books: books.items, columns.ECOMMERCE, ())
RESOURCES["Image"] = Resource("Image", "", lambda books: books.items, columns.IMAGE, ())
RESOURCES["TagRelation"] = Resource(
    "TagRelation",
    "",
    lambda books: books.items,
    columns.TAG_RELATION,
    (),
    {"Tag": Relation("Tag", many=False, find=_record("Tag", "tag_id"))},
)
RESOURCES |= {
    name: Resource(name, "", lambda books: books.items, {}, ())
    for name in ("ItemVendorNum", "ItemComponent", "CustomFieldValue", "SaleNote")
}

ENDPOINTS = frozenset(
    {
        "Item",
        "ItemShop",
        "Sale",
        "SaleLine",
        "SalePayment",
        "InventoryLog",
        "Category",
        "Shop",
        "Register",
        "Employee",
        "PaymentType",
        "TaxCategory",
        "TaxClass",
        "Manufacturer",
        "ItemMatrix",
        "ItemAttributeSet",
        "Tag",
        "Customer",
    }
)
"""The resources that can be asked for by path; the others only come as relations."""
