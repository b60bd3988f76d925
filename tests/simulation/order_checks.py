"""The invariants about orders in Lightspeed: one sale for each document, and in the end all of it, to the cent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal

from sandbox.lightspeed.rows import Sale
from sandbox.shopify.order_model import Order
from sandbox.world import World
from tests.simulation.stock_checks import Accuse, is_linked_by_itself
from tests.simulation.truth import REFERENCE, Truth

_CENT = Decimal("0.01")


class OrderChecks:
    """Looks at the sales that Lightspeed has, by their references `SH-<order number>-<n>`."""

    def __init__(self, world: World, truth: Truth, accuse: Accuse) -> None:
        self._world = world
        self._truth = truth
        self._accuse = accuse
        self.doubled = 0
        self.lost = 0

    def look(self) -> None:
        """Check what must hold at any moment: no document was booked twice, and no test order at all."""
        by_number = {str(order.sequence): order for order in self._world.shopify.orders}
        doubled = 0
        for reference, sales in self._booked().items():
            number = reference.removeprefix(REFERENCE).rpartition("-")[0]
            order = by_number.get(number)
            if order is None or order.test:
                self._accuse("3 only real orders", f"{reference} was booked, and there is no such order to be booked")
            if len(sales) > 1:
                doubled += len(sales) - 1
                ids = [sale.sale_id for sale in sales]
                self._accuse("3 one sale for each document", f"{reference} stands in the sales {ids}")
        self.doubled = max(self.doubled, doubled)

    def settled(self) -> None:
        """Check what must hold once faults have stopped: units and money of every eligible order are booked."""
        self.look()
        self._nothing_left_open()
        by_order: Mapping[str, list[Sale]] = self._by_order()
        for order in self._world.shopify.orders:
            if order.test or not self._eligible(order):
                continue
            sales = by_order.get(str(order.sequence), [])
            cents = sum(int((sale.calc_total / _CENT).to_integral_value()) for sale in sales)
            if cents != order.current_cents:
                self.lost += 1
                self._accuse(
                    "3 every order booked to the cent",
                    f"{order.name} is worth {order.current_cents} cents, its {len(sales)} sales come to {cents}",
                )
            units = self._units(sales)
            for item, taken in self._truth.taken_by(order).items():
                if units.get(item, 0) != taken:
                    self._accuse(
                        "3 every unit booked", f"{order.name} takes {taken} of {item}, {units.get(item, 0)} booked"
                    )

    def _nothing_left_open(self) -> None:
        """Demand that no sale of ours lies open at the till, where a cashier could complete it once more."""
        for sale in self._world.lightspeed.books.sales:
            ours = sale.reference_number.startswith(REFERENCE)
            if ours and not (sale.completed or sale.archived or sale.voided):
                self._accuse("3 no sale left open", f"{sale.reference_number} lies open in sale {sale.sale_id}")

    def _eligible(self, order: Order) -> bool:
        """Tell whether all that the order is for is linked, and always was."""
        things = [self._truth.of_item(line.variant.item.id) for line in order.lines]
        return all(
            thing is not None and not thing.exempt and is_linked_by_itself(thing.good, self._world.goods)
            for thing in things
        )

    def _booked(self) -> dict[str, list[Sale]]:
        """Return the completed sales that were made for orders and not voided, by reference."""
        found: dict[str, list[Sale]] = defaultdict(list)
        for sale in self._world.lightspeed.books.sales:
            if sale.reference_number.startswith(REFERENCE) and sale.completed and not sale.voided and not sale.archived:
                found[sale.reference_number].append(sale)
        return found

    def _by_order(self) -> dict[str, list[Sale]]:
        found: dict[str, list[Sale]] = defaultdict(list)
        for reference, sales in self._booked().items():
            found[reference.removeprefix(REFERENCE).rpartition("-")[0]] += sales
        return found

    def _units(self, sales: list[Sale]) -> dict[str, int]:
        """Return the units of each thing in some sales, by inventory item."""
        units: dict[str, int] = defaultdict(int)
        for sale in sales:
            for key in sale.line_ids:
                line = self._world.lightspeed.books.sale_lines[key]
                thing = self._truth.of_till(line.item_id)
                if thing is not None:
                    units[thing.online.id] += line.quantity
        return units
