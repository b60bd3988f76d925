"""What is known of a thing for sale beside its stock, as frozen values: one card for each side's own record.

A card is None where it was not read; "" or () in it: the shop has nothing there. Money is in hundredths of the
shop's currency. Ids are the services' own, as in `sync.model`.
"""

from __future__ import annotations

from dataclasses import dataclass

Named = tuple[tuple[str, str], ...]
"""Names with their values, in the shop's order: (("Size", "Small"), ("Colour", "Green"))."""


@dataclass(frozen=True, slots=True)
class ItemCard:
    """One Lightspeed item.

    `price` is the level Default, `online_price` the level Online; None: not set, or zero. `text` is what it is
    described by, as it was typed, markup included. `category` is the whole path, "Drinks/Tea". `attributes` are those
    of a matrix item; `matrix_title` is what the matrix is called as far as the item's own title shows it. `whole`: what
    only new products are made of was read, too: the tags, and what the attributes are called.
    """

    item_id: str
    title: str
    price: int | None
    online_price: int | None
    text: str = ""
    category: str = ""
    tags: tuple[str, ...] = ()
    image_urls: tuple[str, ...] = ()
    matrix_id: str = ""
    matrix_title: str = ""
    attributes: Named = ()
    whole: bool = True

    @property
    def selling_price(self) -> int | None:
        """Return what the web shop should ask for one unit: the level Online where it is set, else Default."""
        return self.online_price or self.price or None


@dataclass(frozen=True, slots=True)
class ProductCard:
    """One Shopify product. `images` is their number: Shopify keeps copies, whose addresses say nothing.

    `collections` are titles.
    """

    product_id: str
    title: str
    html: str
    status: str
    product_type: str = ""
    tags: tuple[str, ...] = ()
    collections: tuple[str, ...] = ()
    images: int = 0
    option_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VariantCard:
    """One Shopify variant with its product. `compare_at` is the price that is crossed out, None: none is."""

    variant_id: str
    product_id: str
    price: int | None
    compare_at: int | None
    options: Named
    product: ProductCard


def matrix_title_of(title: str, values: tuple[str, ...]) -> str:
    """Return an item's title without the attribute values that Lightspeed puts behind its matrix's name.

    Where they do not end it, somebody has renamed the item: then it is returned as it is.
    """
    rest = title.strip()
    for value in reversed([each.strip() for each in values if each.strip()]):
        if not rest.endswith(value):
            return title.strip()
        rest = rest[: -len(value)].rstrip()
    return rest or title.strip()
