"""What the pretend Lightspeed account stores: plain rows with native values, the API's names in snake case."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

ZERO = Decimal(0)


@dataclass(slots=True, kw_only=True)
class Image:
    """One picture of an item; where it lies is put together of `base_image_url`, `public_id` and an extension."""

    image_id: int
    item_id: int
    filename: str
    public_id: str
    base_image_url: str
    ordering: int
    create_time: datetime
    time_stamp: datetime


@dataclass(slots=True, kw_only=True)
class ECommerce:
    """What a web shop is told of an item."""

    item_ecommerce_id: int
    long_description: str = ""
    short_description: str = ""
    weight: Decimal = ZERO
    width: Decimal = ZERO
    height: Decimal = ZERO
    length: Decimal = ZERO
    list_on_store: bool = False


class TagRelation(NamedTuple):
    """That an item bears a tag."""

    tag_relation_id: int
    item_id: int
    tag_id: int


@dataclass(slots=True, kw_only=True)
class Item:
    """One thing the shop sells. `time_stamp` moves with the catalogue, never with stock."""

    item_id: int
    system_sku: str
    description: str
    create_time: datetime
    time_stamp: datetime
    custom_sku: str = ""
    manufacturer_sku: str = ""
    upc: str = ""
    ean: str = ""
    item_type: str = "default"
    default_cost: Decimal = ZERO
    avg_cost: Decimal = ZERO
    price: Decimal = ZERO
    msrp: Decimal = ZERO
    online_price: Decimal = ZERO
    tax: bool = True
    discountable: bool = True
    archived: bool = False
    publish_to_ecom: bool = False
    category_id: int = 0
    manufacturer_id: int = 0
    item_matrix_id: int = 0
    default_vendor_id: int = 0
    tax_class_id: int = 1
    attribute_set_id: int = 0
    attributes: tuple[str, ...] = ()
    images: tuple[Image, ...] = ()
    tags: tuple[TagRelation, ...] = ()
    ecommerce: ECommerce | None = None


@dataclass(slots=True, kw_only=True)
class ItemShop:
    """The stock of one item in one shop; `shop_id` 0 sums up all shops. `time_stamp` moves with stock only."""

    item_shop_id: int
    item_id: int
    shop_id: int
    qoh: int
    sellable: int
    time_stamp: datetime
    average_cost: Decimal = ZERO
    on_layaway: int = 0
    reorder_point: int = 0
    reorder_level: int = 0


@dataclass(slots=True, kw_only=True)
class Sale:
    """One sale. The `calc_*` figures are worked out by `sales.recalculate` whenever lines or payments move."""

    sale_id: int
    shop_id: int
    register_id: int
    employee_id: int
    create_time: datetime
    time_stamp: datetime
    update_time: datetime
    searched_from: datetime
    complete_time: datetime | None = None
    customer_id: int = 0
    tax_category_id: int = 0
    tax1_rate: Decimal = ZERO
    tax2_rate: Decimal = ZERO
    reference_number: str = ""
    reference_number_source: str = ""
    completed: bool = False
    archived: bool = False
    voided: bool = False
    enable_promotions: bool = False
    change: Decimal = ZERO
    calc_discount: Decimal = ZERO
    calc_subtotal: Decimal = ZERO
    calc_total: Decimal = ZERO
    calc_taxable: Decimal = ZERO
    calc_non_taxable: Decimal = ZERO
    calc_avg_cost: Decimal = ZERO
    calc_tax1: Decimal = ZERO
    calc_tax2: Decimal = ZERO
    calc_payments: Decimal = ZERO
    line_ids: list[int] = field(default_factory=list)
    payment_ids: list[int] = field(default_factory=list)

    @property
    def ticket_number(self) -> str:
        """Return "22" and ten digits."""
        return f"22{self.sale_id:010d}"

    @property
    def tax_total(self) -> Decimal:
        """Return both taxes, each rounded to cents."""
        return self.calc_tax1 + self.calc_tax2

    @property
    def balance(self) -> Decimal:
        """Return what is still to be paid; negative on an overpaid open sale."""
        return self.calc_total - self.calc_payments


@dataclass(slots=True, kw_only=True)
class SaleLine:
    """One line of a sale; `item_id` 0 is a line that sells no item."""

    sale_line_id: int
    sale_id: int
    shop_id: int
    employee_id: int
    create_time: datetime
    time_stamp: datetime
    item_id: int = 0
    quantity: int = 1
    unit_price: Decimal = ZERO
    avg_cost: Decimal = ZERO
    discount_amount: Decimal = ZERO
    discount_percent: Decimal = ZERO
    tax: bool = False
    tax1_rate: Decimal = ZERO
    tax2_rate: Decimal = ZERO
    tax_class_id: int = 0
    customer_id: int = 0
    parent_sale_line_id: int = 0
    is_layaway: bool = False
    reserved: int = 0  # units put aside by a layaway

    @property
    def calc_subtotal(self) -> Decimal:
        """Return price times quantity."""
        return self.unit_price * self.quantity

    @property
    def calc_line_discount(self) -> Decimal:
        """Return the discount, rounded to cents (24.99 at 40 % is 10)."""
        share = (self.calc_subtotal * self.discount_percent).quantize(Decimal("0.01"), "ROUND_HALF_UP")
        return share + self.discount_amount

    @property
    def discounted(self) -> Decimal:
        """Return what is taxed."""
        return self.calc_subtotal - self.calc_line_discount

    @property
    def calc_tax1(self) -> Decimal:
        """Return the first tax, not rounded."""
        return self.discounted * self.tax1_rate

    @property
    def calc_tax2(self) -> Decimal:
        """Return the second tax, not rounded."""
        return self.discounted * self.tax2_rate

    @property
    def calc_total(self) -> Decimal:
        """Return the line with its taxes, not rounded."""
        return self.discounted + self.calc_tax1 + self.calc_tax2


@dataclass(slots=True, kw_only=True)
class SalePayment:
    """One payment of a sale."""

    sale_payment_id: int
    sale_id: int
    payment_type_id: int
    register_id: int
    employee_id: int
    amount: Decimal
    create_time: datetime
    time_stamp: datetime


@dataclass(slots=True, kw_only=True)
class InventoryLog:
    """One movement of stock."""

    inventory_log_id: int
    shop_id: int
    item_id: int
    employee_id: int
    qoh_change: int
    reason: str
    create_time: datetime
    automated: bool = False
    caused_negative: bool = False
    sale_id: int = 0
    order_id: int = 0
    inventory_count_id: int = 0


@dataclass(slots=True, kw_only=True)
class Category:
    """One category of a nested set."""

    category_id: int
    name: str
    parent_id: int
    create_time: datetime
    time_stamp: datetime
    node_depth: int = 0
    full_path_name: str = ""
    left_node: int = 0
    right_node: int = 0


@dataclass(slots=True, kw_only=True)
class Record:
    """A row of a resource that the pretend shop only keeps and shows: its fields under the API's own names."""

    key: int
    time_stamp: datetime
    fields: dict[str, str | int | bool | Decimal | datetime | None]
