"""The till: how a sale is opened, added to, completed, refunded and archived, and what it does to stock."""

from __future__ import annotations

from decimal import Decimal

from sandbox.lightspeed.books import Books, Reason, found
from sandbox.lightspeed.payload import Body, get_bool, get_decimal, get_int, get_text, get_time
from sandbox.lightspeed.rows import ZERO, Item, Sale, SaleLine, SalePayment
from sandbox.lightspeed.wire import ApiError, Json, listed, number

_CENT = Decimal("0.01")
_MAX_QUANTITY = 1_000_000


def create(books: Books, body: Body) -> Sale:
    """Open a sale, and complete it if asked. Raises ApiError.

    Completing out of balance leaves the sale open, and the error names it (`saleID`).
    """
    for name in ("employeeID", "registerID", "shopID"):
        if get_int(body, name) <= 0:
            raise ApiError(400, f"Sale not created. {name} is required.")
    _check_till(books, body)
    wanted = listed(body.get("SaleLines"), "SaleLine")
    kept = [_checked_layaway(books, body, row) for row in wanted if get_int(row, "saleLineID")]
    lines = [_checked_line(books, line) for line in wanted if not get_int(line, "saleLineID")]
    payments = [_checked_payment(books, row) for row in listed(body.get("SalePayments"), "SalePayment")]
    completing = _check_completion(books, body)
    sale = _open(books, body)
    for layaway in kept:
        _take(books, sale, layaway)
    for line, item in lines:
        _add_line(books, sale, line, item)
    for payment in payments:
        _add_payment(books, sale, payment)
    recalculate(books, sale)
    if completing:
        complete(books, sale, body)
    return sale


def update(books: Books, sale: Sale, body: Body) -> Sale:
    """Change a sale: lines and payments without an id are ADDED, on every repetition. Raises ApiError."""
    if sale.archived:
        raise ApiError(400, "Sale not updated. The sale is archived.")
    lines = listed(body.get("SaleLines"), "SaleLine")
    payments = listed(body.get("SalePayments"), "SalePayment")
    if sale.completed and (lines or payments or not get_bool(body, "completed", default=True)):
        raise ApiError(400, "Sale not updated. The sale is already completed.")
    checked = [(line, *_checked_line(books, line, sale)) for line in lines]
    new_payments = [_checked_payment(books, row) for row in payments if not get_int(row, "salePaymentID")]
    completing = _check_completion(books, body)
    if completing:
        _check_register(books, sale.register_id)
    for line, _, item in checked:
        _put_line(books, sale, line, item)
    for payment in new_payments:
        _add_payment(books, sale, payment)
    _change_payments(books, sale, payments)
    _put_header(books, sale, body)
    recalculate(books, sale)
    if completing and not sale.completed:
        complete(books, sale, body)
    return sale


def add_line(books: Books, sale: Sale, body: Body) -> SaleLine:
    """Add one line to an open sale (`POST Sale/{id}/SaleLine`); raises ApiError."""
    if sale.completed or sale.archived:
        raise ApiError(400, "SaleLine not created. The sale is not open.")
    line, item = _checked_line(books, body)
    row = _add_line(books, sale, line, item)
    _stamp(books, sale)
    recalculate(books, sale)
    return row


def take_layaway(books: Books, sale: Sale, line: SaleLine) -> SaleLine:
    """Let a customer have what was laid away (`PUT SaleLine` with a saleID); raises ApiError."""
    if sale.completed or sale.archived:
        raise ApiError(400, "SaleLine not changed. The sale is not open.")
    _take(books, sale, _checked_layaway(books, {"customerID": sale.customer_id}, {"saleLineID": line.sale_line_id}))
    _stamp(books, sale)
    recalculate(books, sale)
    return line


def complete(books: Books, sale: Sale, body: Body) -> None:
    """Complete an open sale: it must balance, cash above the total becomes change, stock moves. Raises ApiError."""
    _give_change(books, sale)
    if sale.balance != 0:
        lacking = "Refunds" if sale.calc_total < 0 or sale.balance < 0 else "Payments"
        raise ApiError(
            400,
            f"Cannot complete an out of balance sale. {lacking} are insufficient.",
            "OutOfBalanceError",
            saleID=str(sale.sale_id),
            balance=number(sale.balance),
        )
    now = books.now()
    sale.completed = True
    sale.complete_time = get_time(body, "completeTime") or now
    _stamp(books, sale)
    for key in sale.line_ids:
        line = books.sale_lines[key]
        line.time_stamp = now
        books.sale_lines.changed(key)
        item = books.items.get(line.item_id)
        if item is not None:
            reason = Reason.SOLD if line.quantity > 0 else Reason.REFUNDED
            books.lay_away(item, line.shop_id, -line.reserved, employee_id=line.employee_id)  # what was put aside
            line.reserved = 0
            books.move(item, sale.shop_id, -line.quantity, reason, employee_id=line.employee_id, sale_id=sale.sale_id)


def refund(books: Books, sale: Sale, body: Body) -> Sale:
    """Refund a completed sale, whole or by the given lines, as a new sale. Raises ApiError."""
    if not sale.completed or sale.voided:
        raise ApiError(400, "Only completed sales can be refunded.")
    for name in ("employeeID", "registerID", "shopID"):
        if get_int(body, name) <= 0:
            raise ApiError(400, f"Sale not created. {name} is required.")
    _check_till(books, body)
    payments = listed(body.get("SalePayments"), "SalePayment")
    for row in payments:
        _checked_payment(books, row)
    wanted = _refund_quantities(books, sale, listed(body.get("SaleLines"), "SaleLine"))
    new = _open(books, {**body, "customerID": sale.customer_id, "taxCategoryID": sale.tax_category_id})
    for line, quantity in wanted:
        _add_refund_line(books, new, line, quantity)
    recalculate(books, new)
    for row in payments:
        _add_payment(books, new, {**row, "amount": get_decimal(row, "amount", new.balance)})
        recalculate(books, new)
    if get_bool(body, "completed", default=True):
        complete(books, new, body)
    return new


def archive(books: Books, sale: Sale) -> Sale:
    """Archive an open sale (`DELETE`); a completed one is refused with ApiError."""
    if sale.completed:
        raise ApiError(400, "Sale not archived. A completed sale cannot be archived.")
    sale.archived = True
    _stamp(books, sale)
    return sale


def void(books: Books, sale: Sale) -> Sale:
    """Void a completed sale at the till: its stock comes back. Raises ApiError."""
    if not sale.completed or sale.voided:
        raise ApiError(400, "Only completed sales can be voided.")
    sale.voided = True
    _stamp(books, sale)
    for key in sale.line_ids:
        line = books.sale_lines[key]
        item = books.items.get(line.item_id)
        if item is not None:
            books.move(item, sale.shop_id, line.quantity, Reason.VOIDED, sale_id=sale.sale_id)
    return sale


def by_ticket(books: Books, key: str) -> Sale:
    """Return a sale by its id or its ticket number; raises ApiError (404)."""
    if key.startswith("22") and len(key) == 12 and key.isdigit():
        key = str(int(key[2:]))
    return found(books.sales, key, "Sale")


def recalculate(books: Books, sale: Sale) -> None:
    """Work out a sale's totals: line taxes are summed unrounded, each tax is then rounded to cents."""
    lines = [books.sale_lines[key] for key in sale.line_ids]
    taxed = [line for line in lines if line.tax]
    sale.calc_subtotal = sum((line.calc_subtotal for line in lines), ZERO)
    sale.calc_discount = sum((line.calc_line_discount for line in lines), ZERO)
    sale.calc_taxable = sum((line.discounted for line in taxed), ZERO)
    sale.calc_non_taxable = sale.calc_subtotal - sale.calc_discount - sale.calc_taxable
    sale.calc_avg_cost = sum((line.avg_cost * line.quantity for line in lines), ZERO)
    sale.calc_tax1 = cents(sum((line.calc_tax1 for line in lines), ZERO))
    sale.calc_tax2 = cents(sum((line.calc_tax2 for line in lines), ZERO))
    sale.calc_total = cents(sale.calc_subtotal - sale.calc_discount) + sale.tax_total
    sale.calc_payments = sum((books.sale_payments[key].amount for key in sale.payment_ids), ZERO)


def cents(value: Decimal) -> Decimal:
    """Round to cents, half away from zero."""
    return value.quantize(_CENT, "ROUND_HALF_UP")


def _open(books: Books, body: Body) -> Sale:
    now, key = books.now(), books.sales.next_id()
    category = get_int(body, "taxCategoryID", 1)
    rates = books.tax_rates if category else (ZERO, ZERO)
    sale = Sale(
        sale_id=key,
        shop_id=get_int(body, "shopID"),
        register_id=get_int(body, "registerID"),
        employee_id=get_int(body, "employeeID"),
        create_time=now,
        time_stamp=now,
        update_time=now,
        searched_from=books.searched_from(),
        customer_id=get_int(body, "customerID"),
        tax_category_id=category,
        tax1_rate=rates[0],
        tax2_rate=rates[1],
        reference_number=get_text(body, "referenceNumber"),
        reference_number_source=get_text(body, "referenceNumberSource"),
        enable_promotions=get_bool(body, "enablePromotions"),
    )
    return books.sales.add(key, sale)


def _check_till(books: Books, body: Body) -> None:
    if get_int(body, "shopID") not in books.shop_ids:
        raise _bad_key("Shop")
    for resource, name in (("Register", "registerID"), ("Employee", "employeeID"), ("Customer", "customerID")):
        key = get_int(body, name)
        if key and books.records[resource].get(key) is None:
            raise _bad_key(resource)
    _check_register(books, get_int(body, "registerID"))
    if get_int(body, "taxCategoryID") not in (0, 1):
        raise _bad_key("TaxCategory")


def _check_register(books: Books, register_id: int) -> None:
    if books.register_must_be_open and not books.records["Register"][register_id].fields["open"]:
        raise ApiError(400, "The register is not open.")


def _bad_key(resource: str) -> ApiError:
    return ApiError(400, f"Invalid Foreign keys for {resource}")


def _check_completion(books: Books, body: Body) -> bool:
    """Say whether a sale is to be completed; raises ApiError before anything is stored."""
    get_bool(body, "enablePromotions")
    moment = get_time(body, "completeTime")
    if moment is not None and moment > books.now():
        raise ApiError(400, "completeTime cannot be in the future.")
    return get_bool(body, "completed")


def _checked_line(books: Books, body: Json | Body, sale: Sale | None = None) -> tuple[Body, Item | None]:
    """Return a line with the item it sells, None where it sells none; raises ApiError (400)."""
    key = get_int(body, "saleLineID")
    if sale is not None and key:
        if key not in sale.line_ids:
            raise ApiError(400, f"SaleLine '{key}' does not belong to the sale.")
        return body, books.items.get(books.sale_lines[key].item_id)
    if abs(get_int(body, "unitQuantity", 1)) > _MAX_QUANTITY:
        raise ApiError(400, "Invalid unitQuantity.")
    get_decimal(body, "unitPrice")
    get_decimal(body, "discountPercent")
    get_decimal(body, "discountAmount")
    parent = get_int(body, "parentSaleLineID")
    if parent and books.sale_lines.get(parent) is None:
        raise _bad_key("SaleLine")
    if get_text(body, "itemCode"):
        return body, _by_code(books, get_text(body, "itemCode"))
    item_id = get_int(body, "itemID")
    item = books.items.get(item_id)
    if item_id and item is None:
        raise _bad_key("Item")
    return body, item


def _checked_layaway(books: Books, sale: Body, body: Json | Body) -> SaleLine:
    """Return the layaway that a new sale of its customer names; raises ApiError (400)."""
    line = books.sale_lines.get(get_int(body, "saleLineID"))
    if line is None or line.sale_id or not line.is_layaway:
        raise _bad_key("SaleLine")
    if line.customer_id != get_int(sale, "customerID"):
        raise ApiError(400, "A layaway is sold to its customer only.")
    return line


def _take(books: Books, sale: Sale, line: SaleLine) -> None:
    """Make a layaway a line of a sale; what was put aside for it stays so until the sale is completed."""
    line.sale_id, line.is_layaway, line.time_stamp = sale.sale_id, False, books.now()
    taxed = line.tax and bool(sale.tax_category_id)
    line.tax, (line.tax1_rate, line.tax2_rate) = taxed, (sale.tax1_rate, sale.tax2_rate) if taxed else (ZERO, ZERO)
    sale.line_ids.append(line.sale_line_id)
    books.sale_lines.changed(line.sale_line_id)


def _by_code(books: Books, code: str) -> Item:
    """Return the item of an `itemCode`: its id, UPC, EAN or system SKU; raises ApiError (400)."""
    if code.isdigit() and books.items.get(int(code)) is not None:
        return books.items[int(code)]
    for item in books.items.having("systemSku", code):
        return item
    for item in books.items:
        if code in (item.upc, item.ean):
            return item
    raise ApiError(400, f"No item found for itemCode '{code}'.")


def _add_line(books: Books, sale: Sale, body: Body, item: Item | None) -> SaleLine:
    now, key = books.now(), books.sale_lines.next_id()
    taxed = bool(sale.tax_category_id) and get_bool(body, "tax", default=item.tax if item else False)
    line = SaleLine(
        sale_line_id=key,
        sale_id=sale.sale_id,
        shop_id=sale.shop_id,
        employee_id=get_int(body, "employeeID", sale.employee_id),
        create_time=now,
        time_stamp=now,
        item_id=item.item_id if item else 0,
        quantity=get_int(body, "unitQuantity", 1),
        unit_price=get_decimal(body, "unitPrice", item.price if item else ZERO),
        avg_cost=item.avg_cost if item else ZERO,
        discount_amount=get_decimal(body, "discountAmount"),
        discount_percent=get_decimal(body, "discountPercent"),
        tax=taxed,
        tax1_rate=sale.tax1_rate if taxed else ZERO,
        tax2_rate=sale.tax2_rate if taxed else ZERO,
        tax_class_id=get_int(body, "taxClassID", item.tax_class_id if item else 0),
        parent_sale_line_id=get_int(body, "parentSaleLineID"),
    )
    sale.line_ids.append(key)
    return books.sale_lines.add(key, line)


def _put_line(books: Books, sale: Sale, body: Body, item: Item | None) -> None:
    key = get_int(body, "saleLineID")
    if not key:
        _add_line(books, sale, body, item)
        return
    line = books.sale_lines[key]
    line.quantity = get_int(body, "unitQuantity", line.quantity)
    line.unit_price = get_decimal(body, "unitPrice", line.unit_price)
    line.discount_amount = get_decimal(body, "discountAmount", line.discount_amount)
    line.discount_percent = get_decimal(body, "discountPercent", line.discount_percent)
    line.time_stamp = books.now()
    books.sale_lines.changed(key)


def _add_refund_line(books: Books, sale: Sale, sold: SaleLine, quantity: int) -> None:
    body = {"unitQuantity": -quantity, "unitPrice": sold.unit_price, "discountPercent": sold.discount_percent}
    more = {"tax": sold.tax, "taxClassID": sold.tax_class_id, "parentSaleLineID": sold.sale_line_id}
    _add_line(books, sale, {**body, **more}, books.items.get(sold.item_id))


def _refund_quantities(books: Books, sale: Sale, wanted: list[Json]) -> list[tuple[SaleLine, int]]:
    """Return the sold lines with how many of each to take back; raises ApiError where none are left."""
    sold = [books.sale_lines[key] for key in sale.line_ids if books.sale_lines[key].quantity > 0]
    left = {line.sale_line_id: line.quantity for line in sold}
    for line in books.sale_lines:
        if line.parent_sale_line_id in left and books.sales[line.sale_id].completed:
            left[line.parent_sale_line_id] += line.quantity
    chosen = left
    if wanted:
        chosen = {get_int(row, "parentSaleLineID"): -get_int(row, "unitQuantity", -1) for row in wanted}
    for key, quantity in chosen.items():
        if quantity < 0 or quantity > left.get(key, 0):
            raise ApiError(400, "The quantity to refund is more than was sold.")
    result = [(line, chosen.get(line.sale_line_id, 0)) for line in sold]
    if not any(quantity for _, quantity in result):
        raise ApiError(400, "The sale has nothing left to refund.")
    return [(line, quantity) for line, quantity in result if quantity]


def _checked_payment(books: Books, body: Json) -> Json:
    key = get_int(body, "paymentTypeID")
    if books.records["PaymentType"].get(key) is None:
        raise _bad_key("PaymentType")
    get_decimal(body, "amount")
    return body


def _add_payment(books: Books, sale: Sale, body: Body) -> None:
    now, key = books.now(), books.sale_payments.next_id()
    payment = SalePayment(
        sale_payment_id=key,
        sale_id=sale.sale_id,
        payment_type_id=get_int(body, "paymentTypeID"),
        register_id=sale.register_id,
        employee_id=sale.employee_id,
        amount=cents(get_decimal(body, "amount")),
        create_time=now,
        time_stamp=now,
    )
    sale.payment_ids.append(key)
    books.sale_payments.add(key, payment)


def _change_payments(books: Books, sale: Sale, rows: list[Json]) -> None:
    for row in rows:
        key = get_int(row, "salePaymentID")
        if key in sale.payment_ids:
            payment = books.sale_payments[key]
            payment.amount = cents(get_decimal(row, "amount", payment.amount))


def _give_change(books: Books, sale: Sale) -> None:
    """Store cash above the total as the total, the rest as change."""
    over = -sale.balance
    for key in sale.payment_ids if over > 0 and sale.calc_total >= 0 else ():
        payment = books.sale_payments[key]
        kind = books.records["PaymentType"][payment.payment_type_id].fields["type"]
        if kind == "cash" and payment.amount >= over:
            payment.amount -= over
            sale.change = over
            recalculate(books, sale)
            return


def _put_header(books: Books, sale: Sale, body: Body) -> None:
    sale.reference_number = get_text(body, "referenceNumber", sale.reference_number)
    sale.reference_number_source = get_text(body, "referenceNumberSource", sale.reference_number_source)
    sale.customer_id = get_int(body, "customerID", sale.customer_id)
    _stamp(books, sale)


def _stamp(books: Books, sale: Sale) -> None:
    sale.time_stamp = sale.update_time = books.now()
    books.sales.changed(sale.sale_id)
