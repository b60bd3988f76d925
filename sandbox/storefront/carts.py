"""Carts of the pretend shop, in the shapes that themes read and write by `/cart/*.js`."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.shopify.model import Variant
from sandbox.shopify.state import ShopifyStore

MOST_UNITS = 10_000


class CartError(ValueError):
    """What cannot be put into a cart; `status` and `description` as Shopify answers them."""

    def __init__(self, description: str, status: int = 422) -> None:
        super().__init__(description)
        self.status = status
        self.description = description

    def body(self) -> dict[str, Any]:
        """Return the answer's body."""
        return {"status": self.status, "message": "Cart Error", "description": self.description}


@dataclass(slots=True)
class CartLine:
    """So many units of one variant."""

    key: str
    variant: Variant
    units: int

    @property
    def title(self) -> str:
        """The product's title, with the variant's behind it where it has one."""
        product, own = self.variant.product.title, self.variant.title
        return product if own == "Default Title" else f"{product} - {own}"

    def body(self) -> dict[str, Any]:
        """Return the line as `/cart.js` lists it."""
        product, price = self.variant.product, self.variant.price_cents
        return {
            "id": self.variant.number,
            "variant_id": self.variant.number,
            "product_id": product.number,
            "key": self.key,
            "quantity": self.units,
            "title": self.title,
            "product_title": product.title,
            "variant_title": None if self.variant.title == "Default Title" else self.variant.title,
            "handle": product.handle,
            "url": f"/products/{product.handle}?variant={self.variant.number}",
            "sku": self.variant.item.sku,
            "price": price,
            "line_price": price * self.units,
        }


@dataclass(slots=True)
class Cart:
    """One visitor's cart. `key` is what the token in `/cart.js` has behind its `?`; orders leave it out."""

    token: str
    key: str
    lines: list[CartLine] = field(default_factory=list)

    def body(self) -> dict[str, Any]:
        """Return the cart as `/cart.js` answers it."""
        return {
            "token": f"{self.token}?key={self.key}",
            "note": "",
            "attributes": {},
            "currency": "USD",
            "item_count": sum(line.units for line in self.lines),
            "total_price": sum(line.units * line.variant.price_cents for line in self.lines),
            "items": [line.body() for line in self.lines],
        }


class Carts:
    """All carts by token. As at Shopify, stock is checked when something is put in, and then only at the checkout."""

    def __init__(self, store: ShopifyStore, *, seed: int = 1) -> None:
        self._store = store
        self._random = random.Random(f"carts {seed}")
        self._open: dict[str, Cart] = {}

    def of(self, token: str) -> Cart:
        """Return the cart of a token, a new one where there is none."""
        return self._open.get(token) or self._new()

    def _new(self) -> Cart:
        cart = Cart(f"c1-{self._random.getrandbits(128):032x}", f"{self._random.getrandbits(128):032x}")
        self._open[cart.token] = cart
        return cart

    def add(self, cart: Cart, body: Mapping[str, Any]) -> dict[str, Any]:
        """Put in what `/cart/add.js` asks for; raises CartError."""
        wanted = body.get("items")
        if not isinstance(wanted, list):
            return self._add(cart, body).body()
        return {"items": [self._add(cart, each).body() for each in wanted]}

    def _add(self, cart: Cart, asked: Mapping[str, Any]) -> CartLine:
        variant = self._variant(asked.get("id"))
        units = _units(asked.get("quantity", 1))
        line = next((each for each in cart.lines if each.variant is variant), None)
        had = 0 if line is None else line.units
        self._check(variant, had + units)
        if line is None:
            line = CartLine(f"{variant.number}:{self._random.getrandbits(128):032x}", variant, 0)
            cart.lines.insert(0, line)
        line.units = had + units
        return line

    def change(self, cart: Cart, body: Mapping[str, Any]) -> None:
        """Give one line another quantity, as `/cart/change.js` asks; raises CartError."""
        if "line" in body:
            place = _units(body["line"])
            line = cart.lines[place - 1] if 1 <= place <= len(cart.lines) else None
        else:
            line = self._line(cart, str(body.get("id", "")))
        if line is None:
            raise CartError("no valid id or line parameter", 400)
        self._set(cart, line, _units(body.get("quantity", 1)))

    def update(self, cart: Cart, body: Mapping[str, Any]) -> None:
        """Give several lines other quantities, as `/cart/update.js` asks; raises CartError."""
        updates = body.get("updates", {})
        if not isinstance(updates, Mapping):
            updates = dict(zip([each.key for each in cart.lines], updates, strict=False))  # the first lines only
        for name, units in updates.items():
            line = self._line(cart, str(name))
            if line is None and _units(units):
                line = self._add(cart, {"id": name, "quantity": units})
            if line is not None:
                self._set(cart, line, _units(units))

    def _set(self, cart: Cart, line: CartLine, units: int) -> None:
        if units > line.units:
            self._check(line.variant, units)
        line.units = units
        if units == 0:
            cart.lines.remove(line)

    def check_out(self, cart: Cart) -> str:
        """Order what is in the cart, pay, and return the order's gid; raises SoldOut and leaves the cart as it was."""
        if not cart.lines:
            raise CartError("the cart is empty", 400)
        names = {id(item): sku for sku, item in self._store.shelves.by_sku.items()}
        units = {names[id(line.variant.item)]: line.units for line in cart.lines}
        order = self._store.place_order(units, cart_token=cart.token)
        del self._open[cart.token]
        return order

    def _check(self, variant: Variant, units: int) -> None:
        """Refuse what Shopify itself has not got."""
        if not variant.item.tracked or variant.inventory_policy == "CONTINUE":
            return
        level = variant.item.levels.get(self._store.home.id)
        there = level.quantities["available"] if level is not None else 0
        if there <= 0:
            raise CartError(f"The product '{variant.product.title}' is already sold out.")
        if there < units:
            raise CartError(f"You can only add {there} {variant.product.title} to the cart.")

    def _variant(self, given: object) -> Variant:
        variant = self._store.shelves.variants.get(f"gid://shopify/ProductVariant/{given}")
        if variant is None or variant.product.status != "ACTIVE":
            raise CartError("Cannot find variant", 404)
        return variant

    def _line(self, cart: Cart, name: str) -> CartLine | None:
        return next((line for line in cart.lines if name in {line.key, str(line.variant.number)}), None)


def _units(given: object) -> int:
    """Return a quantity out of JSON or a form."""
    try:
        units = int(str(given))
    except ValueError:
        units = -1
    if not 0 <= units <= MOST_UNITS:
        raise CartError("quantity is not a number that can be used", 400)
    return units
