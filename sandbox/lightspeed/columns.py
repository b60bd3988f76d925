"""The fields of every resource as the API names them, in the order it prints them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from sandbox.lightspeed.query import Kind
from sandbox.lightspeed.wire import Value


@dataclass(frozen=True, slots=True)
class Column:
    """One field: how it is read from a row and how a filter's operand is read. A value of None is not printed."""

    kind: Kind
    read: Callable[[Any], Value]


Columns = Mapping[str, Column]


def _int(name: str) -> Column:
    return Column(Kind.INT, attrgetter(name))


def _text(name: str) -> Column:
    return Column(Kind.TEXT, attrgetter(name))


def _number(name: str) -> Column:
    return Column(Kind.NUMBER, attrgetter(name))


def _bool(name: str) -> Column:
    return Column(Kind.BOOL, attrgetter(name))


def _time(name: str) -> Column:
    return Column(Kind.TIME, attrgetter(name))


def _fixed(value: Value) -> Column:
    kind = Kind.BOOL if isinstance(value, bool) else Kind.INT if isinstance(value, int) else Kind.TEXT
    return Column(kind, lambda _row: value)


ITEM: Columns = {
    "itemID": _int("item_id"),
    "systemSku": _text("system_sku"),
    "defaultCost": _number("default_cost"),
    "avgCost": _number("avg_cost"),
    "discountable": _bool("discountable"),
    "tax": _bool("tax"),
    "archived": _bool("archived"),
    "itemType": _text("item_type"),
    "laborDurationMinutes": _fixed(0),
    "serialized": Column(Kind.BOOL, lambda item: item.item_type == "serialized"),
    "description": _text("description"),
    "modelYear": _fixed(0),
    "upc": _text("upc"),
    "ean": _text("ean"),
    "customSku": _text("custom_sku"),
    "manufacturerSku": _text("manufacturer_sku"),
    "createTime": _time("create_time"),
    "timeStamp": _time("time_stamp"),
    "publishToEcom": _bool("publish_to_ecom"),
    "categoryID": _int("category_id"),
    "taxClassID": _int("tax_class_id"),
    "departmentID": _fixed(0),
    "itemMatrixID": _int("item_matrix_id"),
    "itemAttributesID": _int("item_matrix_id"),
    "manufacturerID": _int("manufacturer_id"),
    "noteID": _fixed(0),
    "seasonID": _fixed(0),
    "defaultVendorID": _int("default_vendor_id"),
}

IMAGE: Columns = {
    "imageID": _int("image_id"),
    "description": _fixed(""),
    "filename": _text("filename"),
    "ordering": _int("ordering"),
    "publicID": _text("public_id"),
    "baseImageURL": _text("base_image_url"),
    "size": _fixed(380_994),
    "createTime": _time("create_time"),
    "timeStamp": _time("time_stamp"),
    "itemID": _int("item_id"),
    "itemMatrixID": _fixed(0),
}

ECOMMERCE: Columns = {
    "itemECommerceID": _int("item_ecommerce_id"),
    "longDescription": _text("long_description"),
    "shortDescription": _text("short_description"),
    "weight": _number("weight"),
    "width": _number("width"),
    "height": _number("height"),
    "length": _number("length"),
    "listOnStore": _bool("list_on_store"),
}

TAG_RELATION: Columns = {
    "tagRelationID": _int("tag_relation_id"),
    "itemID": _int("item_id"),
    "tagID": _int("tag_id"),
}

ITEM_SHOP: Columns = {
    "itemShopID": _int("item_shop_id"),
    "qoh": _int("qoh"),
    "sellable": _int("sellable"),
    "backorder": _fixed(0),
    "componentQoh": _fixed(0),
    "componentBackorder": _fixed(0),
    "onLayaway": _int("on_layaway"),
    "onSpecialOrder": _fixed(0),
    "onWorkorder": _fixed(0),
    "onTransferOut": _fixed(0),
    "onTransferIn": _fixed(0),
    "averageCost": _number("average_cost"),
    "nextFifoLotID": _fixed(0),
    "nextFifoLotCost": _number("average_cost"),
    "lastReceivedLotID": _fixed(0),
    "lastReceivedCost": _number("average_cost"),
    "totalValueFifo": Column(Kind.NUMBER, lambda row: row.average_cost * max(0, row.qoh)),
    "totalValueAvgCost": Column(Kind.NUMBER, lambda row: row.average_cost * max(0, row.qoh)),
    "totalValueNegativeInventory": Column(Kind.NUMBER, lambda row: row.average_cost * min(0, row.qoh)),
    "reorderPoint": _int("reorder_point"),
    "reorderLevel": _int("reorder_level"),
    "timeStamp": _time("time_stamp"),
    "itemID": _int("item_id"),
    "shopID": _int("shop_id"),
}

SALE: Columns = {
    "saleID": _int("sale_id"),
    "timeStamp": _time("time_stamp"),
    "discountPercent": _fixed(0),
    "completed": _bool("completed"),
    "archived": _bool("archived"),
    "voided": _bool("voided"),
    "enablePromotions": _bool("enable_promotions"),
    "isTaxInclusive": _fixed(value=False),
    "tipEnabled": _fixed(value=False),
    "createTime": _time("create_time"),
    "updateTime": _time("update_time"),
    "completeTime": _time("complete_time"),
    "referenceNumber": _text("reference_number"),
    "referenceNumberSource": _text("reference_number_source"),
    "tax1Rate": _number("tax1_rate"),
    "tax2Rate": _number("tax2_rate"),
    "change": _number("change"),
    "receiptPreference": _fixed("printed"),
    "displayableSubtotal": _number("calc_subtotal"),
    "ticketNumber": _text("ticket_number"),
    "calcDiscount": _number("calc_discount"),
    "calcTotal": _number("calc_total"),
    "calcSubtotal": _number("calc_subtotal"),
    "calcTaxable": _number("calc_taxable"),
    "calcNonTaxable": _number("calc_non_taxable"),
    "calcAvgCost": _number("calc_avg_cost"),
    "calcFIFOCost": _number("calc_avg_cost"),
    "calcTax1": _number("calc_tax1"),
    "calcTax2": _number("calc_tax2"),
    "calcPayments": _number("calc_payments"),
    "calcTips": _fixed(0),
    "calcItemFees": _fixed(0),
    "total": _number("calc_total"),
    "totalDue": _number("calc_total"),
    "displayableTotal": _number("calc_total"),
    "balance": _number("balance"),
    "customerID": _int("customer_id"),
    "discountID": _fixed(0),
    "employeeID": _int("employee_id"),
    "tipEmployeeID": _fixed(0),
    "quoteID": _fixed(0),
    "registerID": _int("register_id"),
    "shipToID": _fixed(0),
    "shopID": _int("shop_id"),
    "taxCategoryID": _int("tax_category_id"),
}
"""`taxTotal` is printed after the relations, as the live API does: see `resources.render`."""

SALE_LINE: Columns = {
    "saleLineID": _int("sale_line_id"),
    "createTime": _time("create_time"),
    "timeStamp": _time("time_stamp"),
    "unitQuantity": _int("quantity"),
    "unitPrice": _number("unit_price"),
    "normalUnitPrice": _fixed(0),
    "discountAmount": _number("discount_amount"),
    "discountPercent": _number("discount_percent"),
    "avgCost": _number("avg_cost"),
    "fifoCost": _number("avg_cost"),
    "tax": _bool("tax"),
    "tax1Rate": _number("tax1_rate"),
    "tax2Rate": _number("tax2_rate"),
    "isLayaway": _bool("is_layaway"),
    "isWorkorder": _fixed(value=False),
    "isSpecialOrder": _fixed(value=False),
    "displayableSubtotal": _number("discounted"),
    "displayableUnitPrice": _number("unit_price"),
    "lineType": _fixed(""),
    "calcLineDiscount": _number("calc_line_discount"),
    "calcTransactionDiscount": _fixed(0),
    "calcTotal": _number("calc_total"),
    "calcSubtotal": _number("calc_subtotal"),
    "calcTax1": _number("calc_tax1"),
    "calcTax2": _number("calc_tax2"),
    "taxClassID": _int("tax_class_id"),
    "customerID": _int("customer_id"),
    "discountID": _fixed(0),
    "employeeID": _int("employee_id"),
    "itemID": _int("item_id"),
    "noteID": _fixed(0),
    "parentSaleLineID": _int("parent_sale_line_id"),
    "shopID": _int("shop_id"),
    "saleID": _int("sale_id"),
    "itemFeeID": _fixed(0),
}

INVENTORY_SALE: Columns = {
    "inventorySaleID": _int("sale_line_id"),
    "quantity": _int("reserved"),
    "createTime": _time("create_time"),
    "inventoryID": _int("item_id"),
}

SALE_PAYMENT: Columns = {
    "salePaymentID": _int("sale_payment_id"),
    "amount": _number("amount"),
    "tipAmount": _fixed(0),
    "createTime": _time("create_time"),
    "archived": _fixed(value=False),
    "remoteReference": _fixed(""),
    "paymentID": _fixed(""),
    "saleID": _int("sale_id"),
    "paymentTypeID": _int("payment_type_id"),
    "ccChargeID": _fixed(0),
    "refPaymentID": _fixed(0),
    "registerID": _int("register_id"),
    "employeeID": _int("employee_id"),
    "creditAccountID": _fixed(0),
}

INVENTORY_LOG: Columns = {
    "inventoryLogID": _int("inventory_log_id"),
    "shopID": _int("shop_id"),
    "employeeID": _int("employee_id"),
    "itemID": _int("item_id"),
    "qohChange": _int("qoh_change"),
    "costChange": _fixed(0),
    "createTime": _time("create_time"),
    "automated": _bool("automated"),
    "causedNegative": _bool("caused_negative"),
    "reason": _text("reason"),
    "customerID": _fixed(0),
    "inventoryCountID": _int("inventory_count_id"),
    "itemImportID": _fixed(0),
    "orderID": _int("order_id"),
    "saleID": _int("sale_id"),
    "transferID": _fixed(0),
    "vendorReturnID": _fixed(0),
}

CATEGORY: Columns = {
    "categoryID": _int("category_id"),
    "name": _text("name"),
    "nodeDepth": _int("node_depth"),
    "fullPathName": _text("full_path_name"),
    "leftNode": _int("left_node"),
    "rightNode": _int("right_node"),
    "createTime": _time("create_time"),
    "timeStamp": _time("time_stamp"),
    "parentID": _int("parent_id"),
}

_RECORD_KINDS = {bool: Kind.BOOL, int: Kind.INT, str: Kind.TEXT}


def record(example: Mapping[str, Value]) -> Columns:
    """Return the columns of a resource kept as `Record`s, by the types of one row's fields."""
    return {name: Column(_kind(value), _field(name)) for name, value in example.items()}


def _kind(value: Value) -> Kind:
    if hasattr(value, "isoformat"):
        return Kind.TIME
    return _RECORD_KINDS.get(type(value), Kind.NUMBER)


def _field(name: str) -> Callable[[Any], Value]:
    return lambda row: row.fields.get(name)
