"""What the shop sells, as both pretend systems are told when they open."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Good:
    """One sellable thing: a Lightspeed item and, when `online`, a Shopify variant.

    `category` is a path (`Drinks/THC`); Shopify's product type is its last part, and a collection bears that name.
    Goods with the same `handle` are variants of one Shopify product (and of one Lightspeed matrix).
    `stock` is what lies in the store; `online_stock` is what Shopify starts with (None: the same).
    """

    sku: str
    title: str
    handle: str
    options: tuple[tuple[str, str], ...] = ()  # (("Size", "Small"), ("Colour", "Green"))
    price: Decimal = Decimal("9.99")
    online_price: Decimal | None = None  # where it differs online: Lightspeed's `Online` level, Shopify's price
    compare_at: Decimal | None = None  # Shopify's struck-through price
    cost: Decimal = Decimal("4.00")
    barcode: str = ""
    vendor: str = "WTF"
    category: str = "Merchandise"
    description_html: str = ""
    tags: tuple[str, ...] = ()
    image_urls: tuple[str, ...] = ()
    stock: int = 0
    online_stock: int | None = None
    in_store: bool = True  # False: an online-only good, no Lightspeed item
    online: bool = True  # False: sold in store only, no Shopify variant
    online_sku: str | None = None  # the SKU as typed in Shopify, where it differs ("kava-001 ")
    archived: bool = False
    item_type: str = "default"  # default, non_inventory, serialized, box, assembly
    tracked: bool = True
    status: str = "ACTIVE"  # Shopify's ProductStatus
    metadata: dict[str, str] = field(default_factory=dict)
