"""Amounts of money as whole cents, so that every total is exact to the cent."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Self


def cents(amount: Decimal) -> int:
    """Return `amount` in cents, half a cent rounded up."""
    return int((amount * 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def part(total: int, share: int, whole: int) -> int:
    """Return the `share` of `whole` in `total` cents, half a cent rounded up; all of it when they are equal."""
    return total if share == whole else (2 * total * share + whole) // (2 * whole)


def tax_on(amount: int, rate: Decimal) -> int:
    """Return the tax in cents on `amount` cents at `rate` (0.0825 is 8.25 %)."""
    return int((amount * rate).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def tax_in(amount: int, rate: Decimal) -> int:
    """Return the tax in cents that `amount` cents hold already."""
    return int((amount - amount / (1 + rate)).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def price_text(amount: int) -> str:
    """Write cents as a price: "9.99", "20.00"."""
    return f"{Decimal(amount) / 100:.2f}"


@dataclass(frozen=True, slots=True)
class Money:
    """An amount, written as the API writes it inside a MoneyV2: "20.0", "19.5", "9.99"."""

    amount_cents: int
    currency_code: str

    @property
    def amount(self) -> str:
        """The amount without needless zeros, but with one decimal at least."""
        text = price_text(self.amount_cents)
        return text.removesuffix("0")

    @property
    def shop_money(self) -> Self:
        """A MoneyBag holds the same amount twice: the pretend shop sells in its own currency only."""
        return self

    @property
    def presentment_money(self) -> Self:
        """The amount as the customer saw it."""
        return self
