"""Layaways: sale lines that belong to no sale and keep goods aside for a customer."""

from __future__ import annotations

from sandbox.lightspeed.books import Books, found
from sandbox.lightspeed.payload import Body, get_bool, get_int
from sandbox.lightspeed.rows import Item, SaleLine
from sandbox.lightspeed.wire import ApiError

_MAX_UNITS = 1_000_000


def create(books: Books, body: Body) -> SaleLine:
    """Lay goods away (`POST SaleLine`): as many as there are, or none at all where all are required. Raises ApiError.

    The line keeps the quantity that was asked for; its `reserved` units are what was really put aside.
    """
    if not get_bool(body, "isLayaway"):
        raise ApiError(400, "SaleLine not created. Only layaways can be made without a sale.")
    item = _checked(books, body)
    units, shop_id = _units(body, 1), get_int(body, "shopID")
    free = books.unreserved(item, shop_id)
    if get_bool(body, "requireFullReservation") and free < units:
        raise ApiError(400, "SaleLine not created. The quantity could not be fully reserved.")
    now, key = books.now(), books.sale_lines.next_id()
    line = SaleLine(
        sale_line_id=key,
        sale_id=0,
        shop_id=shop_id,
        employee_id=get_int(body, "employeeID"),
        create_time=now,
        time_stamp=now,
        item_id=item.item_id,
        quantity=units,
        unit_price=item.price,
        avg_cost=item.avg_cost,
        tax=get_bool(body, "tax", default=item.tax),
        tax_class_id=item.tax_class_id,
        customer_id=get_int(body, "customerID"),
        is_layaway=True,
    )
    books.sale_lines.add(key, line)
    _reserve(books, line, min(units, free))
    return line


def update(books: Books, line: SaleLine, body: Body) -> SaleLine:
    """Change how much is laid away (`PUT SaleLine`): the difference is put aside, or back. Raises ApiError."""
    _check_standing(line)
    units = _units(body, line.quantity)
    if units > line.quantity:
        item = books.items[line.item_id]
        _reserve(books, line, min(units - line.quantity, books.unreserved(item, line.shop_id)))
    else:
        _reserve(books, line, min(0, units - line.reserved))
    line.quantity = units
    _stamp(books, line)
    return line


def cancel(books: Books, line: SaleLine) -> SaleLine:
    """Put laid away goods back (`DELETE SaleLine`): the line is gone for good. Raises ApiError."""
    _check_standing(line)
    _reserve(books, line, -line.reserved)
    books.sale_lines.remove(line.sale_line_id)
    return line


def line_of(books: Books, key: str) -> SaleLine:
    """Return a sale line by its id; raises ApiError (404)."""
    return found(books.sale_lines, key, "SaleLine")


def _checked(books: Books, body: Body) -> Item:
    for name, resource in (("customerID", "Customer"), ("employeeID", "Employee")):
        key = get_int(body, name)
        if key <= 0:
            raise ApiError(400, f"SaleLine not created. {name} is required.")
        if books.records[resource].get(key) is None:
            raise ApiError(400, f"Invalid Foreign keys for {resource}")
    if get_int(body, "shopID") not in books.shop_ids:
        raise ApiError(400, "Invalid Foreign keys for Shop")
    item = books.items.get(get_int(body, "itemID"))
    if item is None:
        raise ApiError(400, "Invalid Foreign keys for Item")
    return item


def _units(body: Body, default: int) -> int:
    units = get_int(body, "unitQuantity", default)
    if not 0 < units <= _MAX_UNITS:
        raise ApiError(400, "Invalid unitQuantity.")
    return units


def _check_standing(line: SaleLine) -> None:
    if not line.is_layaway or line.sale_id:
        raise ApiError(400, "SaleLine not changed. It is no layaway any more.")


def _reserve(books: Books, line: SaleLine, units: int) -> None:
    """Put so many more units aside; negative: back."""
    books.lay_away(books.items[line.item_id], line.shop_id, units, employee_id=line.employee_id)
    line.reserved += units


def _stamp(books: Books, line: SaleLine) -> None:
    line.time_stamp = books.now()
    books.sale_lines.changed(line.sale_line_id)
