"""The parts of the pretend account that trade does not move: shops, registers, staff, taxes, ways to pay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from sandbox.lightspeed.rows import Record
from sandbox.lightspeed.wire import Value

SHIPPING, ONLINE_TAX, ONLINE_OTHER, UNLINKED = 900_001, 900_002, 900_003, 900_004
SERVICES: Mapping[int, str] = {
    SHIPPING: "Shipping",
    ONLINE_TAX: "Online sales tax",
    ONLINE_OTHER: "Online: other",
    UNLINKED: "Online: goods without a link",
}
"""What an online order pays for beside goods, as items without stock; their ids lie beyond those of any goods."""


def shop(shop_id: int, name: str, now: datetime) -> Mapping[str, Value]:
    """Return one shop."""
    return {
        "shopID": shop_id,
        "name": name,
        "serviceRate": 0,
        "timeZone": "US/Pacific",
        "taxLabor": False,
        "labelTitle": "Shop Name",
        "labelMsrp": False,
        "archived": False,
        "timeStamp": now,
        "companyRegistrationNumber": "",
        "vatNumber": "",
        "zebraBrowserPrint": False,
        "contactID": shop_id + 1,
        "taxCategoryID": 1,
        "receiptSetupID": 1,
        "vendorID": 0,
        "ccGatewayID": 1,
        "gatewayConfigID": 1,
        "priceLevelID": 1,
    }


def register(register_id: int, shop_id: int, now: datetime) -> Mapping[str, Value]:
    """Return one open till."""
    return {
        "registerID": register_id,
        "name": f"Register {register_id}",
        "open": True,
        "openTime": now,
        "archived": False,
        "tipEnabled": False,
        "openEmployeeID": 1,
        "shopID": shop_id,
        "ccTerminalID": 0,
    }


def employee(employee_id: int, first: str, last: str, now: datetime) -> Mapping[str, Value]:
    """Return one member of staff."""
    return {
        "employeeID": employee_id,
        "firstName": first,
        "lastName": last,
        "accessPin": "",
        "lockOut": False,
        "archived": False,
        "timeStamp": now,
        "contactID": 0,
        "clockInEmployeeHoursID": 0,
        "employeeRoleID": 1,
        "limitToShopID": 0,
        "lastShopID": 1,
        "lastSaleID": 0,
        "lastRegisterID": 1,
    }


def tax_category(rates: tuple[Decimal, Decimal], now: datetime) -> Mapping[str, Value]:
    """Return the default tax category."""
    return {
        "taxCategoryID": 1,
        "isTaxInclusive": False,
        "tax1Name": "Sales Tax",
        "tax2Name": "",
        "tax1Rate": rates[0],
        "tax2Rate": rates[1],
        "timeStamp": now,
    }


def tax_class(key: int, name: str, kind: str, now: datetime) -> Mapping[str, Value]:
    """Return one tax class."""
    return {"taxClassID": key, "name": name, "classType": kind, "timeStamp": now}


def payment_type(key: int, name: str, kind: str, *, reserved: bool) -> Mapping[str, Value]:
    """Return one way to pay."""
    return {
        "paymentTypeID": key,
        "code": name,
        "name": name,
        "requireCustomer": False,
        "archived": False,
        "internalReserved": reserved,
        "type": kind,
        "channel": "",
        "refundAsPaymentTypeID": 0,
    }


def payment_types() -> Sequence[Mapping[str, Value]]:
    """Return the account's ways to pay; 1 is cash, 7 the one for orders of the online shop."""
    return [
        payment_type(1, "Cash", "cash", reserved=True),
        payment_type(2, "Check", "user defined", reserved=False),
        payment_type(3, "Credit Card", "credit card", reserved=True),
        payment_type(4, "Gift Card", "gift card", reserved=True),
        payment_type(5, "Credit Account", "credit account", reserved=True),
        payment_type(6, "eCom", "ecom", reserved=True),
        payment_type(7, "Web Store", "user defined", reserved=False),
    ]


def customer(key: int, first: str, last: str, now: datetime) -> Mapping[str, Value]:
    """Return one customer."""
    return {
        "customerID": key,
        "firstName": first,
        "lastName": last,
        "archived": False,
        "title": "",
        "company": "",
        "companyRegistrationNumber": "",
        "vatNumber": "",
        "createTime": now,
        "timeStamp": now,
        "contactID": key,
        "creditAccountID": 0,
        "customerTypeID": 0,
        "discountID": 0,
        "employeeID": 0,
        "noteID": 0,
        "taxCategoryID": 0,
        "measurementID": 0,
    }


def contact(key: int, now: datetime) -> Mapping[str, Value]:
    """Return how to reach a customer; customers made through the API want no mail unless told otherwise."""
    return {"contactID": key, "custom": "", "noEmail": True, "noPhone": True, "noMail": True, "timeStamp": now}


def manufacturer(key: int, name: str, now: datetime) -> Mapping[str, Value]:
    """Return one manufacturer."""
    return {"manufacturerID": key, "name": name, "createTime": now, "timeStamp": now}


ATTRIBUTE_SETS: Sequence[tuple[str, ...]] = (
    ("Color", "Size"),
    ("Size",),
    ("Color",),
    ("Attribute 1", "Attribute 2", "Attribute 3"),
)
"""The sets of attributes that every account has, by their ids from 1 on."""


def attribute_set(key: int, names: Sequence[str], *, system: bool) -> Mapping[str, Value]:
    """Return one set of attributes that the items of a matrix differ by; there are three at the most."""
    first, second, third = (*names, "", "", "")[:3]
    return {
        "itemAttributeSetID": key,
        "name": "3 Attributes" if system and third else "/".join(names[:3]),
        "attributeName1": first,
        "attributeName2": second,
        "attributeName3": third,
        "system": system,
        "archived": False,
    }


def item_matrix(key: int, title: str, category_id: int, set_id: int, now: datetime) -> Mapping[str, Value]:
    """Return one matrix: what the variants of a product have in common."""
    return {
        "itemMatrixID": key,
        "description": title,
        "tax": True,
        "defaultCost": Decimal(0),
        "itemType": "default",
        "serialized": False,
        "modelYear": 0,
        "archived": False,
        "timeStamp": now,
        "itemAttributeSetID": set_id,
        "manufacturerID": 0,
        "categoryID": category_id,
        "defaultVendorID": 0,
        "taxClassID": 1,
        "seasonID": 0,
        "departmentID": 0,
    }


def tag(key: int, name: str) -> Mapping[str, Value]:
    """Return one tag."""
    return {"tagID": key, "name": name}


def as_record(fields: Mapping[str, Value], now: datetime) -> Record:
    """Return a row of a resource whose first field is its id."""
    key = next(iter(fields.values()))
    stamp = fields.get("timeStamp")
    if not isinstance(key, int):
        raise TypeError(f"the first field must be the id, not {key!r}")
    return Record(key=key, time_stamp=stamp if isinstance(stamp, datetime) else now, fields=dict(fields))


RIGHTS = (
    "admin",
    "admin_employees",
    "admin_inventory",
    "admin_purchases",
    "admin_shops",
    "admin_void_sale",
    "all_read",
    "allow_login",
    "categories",
    "customers",
    "customers_credit_limit",
    "customers_read",
    "ecom",
    "inventory_base",
    "inventory_counts",
    "inventory_import",
    "inventory_read",
    "manufacturers",
    "product_cost",
    "product_edit",
    "purchase_orders",
    "register",
    "register_catalogs",
    "register_close",
    "register_layaway",
    "register_line_discount",
    "register_open",
    "register_price",
    "register_read",
    "register_refund",
    "register_transaction_discount",
    "register_withdraw",
    "reports",
    "special_orders",
    "tags",
    "transfers",
    "vendor_returns",
    "vendors",
    "vr_reasons",
    "workbench",
)
