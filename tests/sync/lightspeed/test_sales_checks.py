"""What `check` finds about making sales: each thing that a sale will name, with its remedy in a manager's words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sandbox.faults import Fault, FaultKind
from sandbox.lightspeed.fixtures import SERVICES, SHIPPING
from sync.lightspeed.sales import SalesSettings
from sync.model import Finding
from tests.sync.lightspeed.support import SALES, Stage, goods, stage

pytestmark = pytest.mark.anyio

ITEM = "LIGHTSPEED_SHIPPING_ITEM_ID"
WITH_CUSTOMER = replace(SALES, customer_id="1")


def scene(sales: SalesSettings = WITH_CUSTOMER, item_id: str = str(SHIPPING)) -> Stage:
    return stage(goods(3), sales=sales, sale_items={ITEM: item_id}, services=SERVICES)


async def wrong(staged: Stage) -> list[Finding]:
    return [finding for finding in await staged.lightspeed.check() if not finding.ok]


async def the_wrong_one(staged: Stage) -> Finding:
    (finding,) = await wrong(staged)
    return finding


async def test_all_that_sales_need_is_found_good() -> None:
    findings = [one for one in await scene().lightspeed.check() if one.name.startswith("Lightspeed sales")]
    assert [(one.name.removeprefix("Lightspeed sales: "), one.ok, one.detail) for one in findings] == [
        ("Lightspeed sales", True, "searchable"),
        ("rights", True, "employee 1 has what is needed"),
        ("employee", True, "Sandbox Owner (1)"),
        ("payment type", True, "Web Store (7)"),
        ("customer", True, "Online Orders (1)"),
        (ITEM, True, f"Shipping ({SHIPPING})"),
    ]


async def test_without_settings_for_sales_none_is_looked_for() -> None:
    assert not [one for one in await stage(goods(3)).lightspeed.check() if "sales" in one.name]


@pytest.mark.parametrize(
    ("changes", "name", "setting"),
    [
        pytest.param({"employee_id": "99"}, "employee", "LIGHTSPEED_EMPLOYEE_ID", id="employee"),
        pytest.param({"payment_type_id": "99"}, "payment type", "LIGHTSPEED_PAYMENT_TYPE_ID", id="payment type"),
        pytest.param({"customer_id": "99"}, "customer", "LIGHTSPEED_CUSTOMER_ID", id="customer"),
    ],
)
async def test_what_is_not_there_is_named_with_its_setting(changes: dict[str, str], name: str, setting: str) -> None:
    finding = await the_wrong_one(scene(replace(WITH_CUSTOMER, **changes)))
    assert finding.name == f"Lightspeed sales: {name}"
    assert "99" in finding.detail
    assert setting in finding.remedy


@pytest.mark.parametrize(
    ("resource", "key", "fields", "words"),
    [
        pytest.param("Employee", 1, {"archived": True}, "archived", id="employee archived"),
        pytest.param("Employee", 1, {"lockOut": True}, "locked out", id="employee locked out"),
        pytest.param("PaymentType", 7, {"archived": True}, "archived", id="payment type archived"),
        pytest.param("PaymentType", 7, {"type": "gift card"}, "gift card payments", id="payment type reserved"),
        pytest.param("Customer", 1, {"archived": True}, "archived", id="customer archived"),
    ],
)
async def test_what_cannot_be_used_is_told(resource: str, key: int, fields: dict[str, Any], words: str) -> None:
    staged = scene()
    staged.shop.books.records[resource][key].fields.update(fields)
    finding = await the_wrong_one(staged)
    assert words in finding.detail
    assert finding.remedy


async def test_a_payment_type_that_asks_for_a_customer_needs_one() -> None:
    for sales, found in ((SALES, 1), (WITH_CUSTOMER, 0)):
        staged = scene(sales)
        staged.shop.books.records["PaymentType"][7].fields["requireCustomer"] = True
        assert len(await wrong(staged)) == found


@pytest.mark.parametrize(
    ("item_id", "words"),
    [pytest.param("1", "has stock", id="goods"), pytest.param("77", "nothing under Item 77", id="missing")],
)
async def test_an_item_that_moves_stock_or_is_not_there_is_told(item_id: str, words: str) -> None:
    finding = await the_wrong_one(scene(item_id=item_id))
    assert words in finding.detail
    assert ITEM in finding.remedy


async def test_an_archived_item_is_told() -> None:
    staged = scene()
    staged.shop.books.archive(staged.shop.books.items[SHIPPING])
    assert "archived" in (await the_wrong_one(staged)).detail


async def test_a_missing_scope_is_found_by_searching_sales() -> None:
    staged = scene()
    staged.faults.add("lightspeed", "Sale", Fault(FaultKind.SERVER_ERROR, code="403"))
    finding = await the_wrong_one(staged)
    assert (finding.name, "employee:register" in finding.remedy) == ("Lightspeed sales", True)


async def test_without_sign_in_nothing_of_sales_is_tried() -> None:
    staged = stage(goods(1), environment_token="dead", sales=SALES)
    assert [finding.name for finding in await staged.lightspeed.check()] == ["Lightspeed sign-in"]
