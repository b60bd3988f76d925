"""What `check` finds: each thing that can be wrong is named with its remedy, and nothing is raised."""

from __future__ import annotations

import pytest

from sandbox.faults import Fault, FaultKind
from sync.http import RetryPolicy
from sync.model import Finding
from tests.sync.lightspeed.support import goods, stage

pytestmark = pytest.mark.anyio


def by_name(findings: object) -> dict[str, Finding]:
    assert isinstance(findings, list)
    return {finding.name.removeprefix("Lightspeed "): finding for finding in findings}


async def test_a_good_connection_is_found_good_all_over() -> None:
    findings = by_name(await stage(goods(3)).lightspeed.check())
    assert {name: finding.ok for name, finding in findings.items()} == {
        "sign-in": True,
        "account": True,
        "shop": True,
        "stock": True,
        "rights": True,
        "register": True,
    }
    assert findings["account"].detail == "Sandbox Shop (123456)"


async def test_without_sign_in_nothing_else_is_tried() -> None:
    scene = stage(goods(3), environment_token="dead")
    (finding,) = await scene.lightspeed.check()
    assert (finding.ok, finding.name) == (False, "Lightspeed sign-in")
    assert "LS005" in finding.detail
    assert "connect lightspeed" in finding.remedy
    assert scene.paths("/API/") == []


async def test_another_account_than_the_one_that_consented_is_named() -> None:
    findings = by_name(await stage(goods(3), account_id="777").lightspeed.check())
    assert findings["account"].ok is False
    assert "777" in findings["account"].detail
    assert "123456" in findings["account"].detail
    assert "LIGHTSPEED_ACCOUNT_ID" in findings["account"].remedy


async def test_a_shop_that_does_not_exist_is_found() -> None:
    findings = by_name(await stage(goods(3), shop_id="9").lightspeed.check())
    assert [name for name, finding in findings.items() if not finding.ok] == ["shop", "stock", "register"]
    assert "LS009" in findings["shop"].detail
    assert "LIGHTSPEED_SHOP_ID" in findings["stock"].remedy


async def test_an_archived_shop_and_register_are_found() -> None:
    scene = stage(goods(3))
    for resource in ("Shop", "Register"):
        for row in scene.shop.books.records[resource]:
            row.fields["archived"] = True
    findings = by_name(await scene.lightspeed.check())
    assert findings["shop"].ok is False
    assert "archived" in findings["shop"].detail
    assert findings["register"].ok is False
    assert "LIGHTSPEED_REGISTER_ID" in findings["register"].remedy


async def test_a_register_in_another_shop_is_found() -> None:
    scene = stage(goods(3), other_shops=("7",))
    for row in scene.shop.books.records["Register"]:
        row.fields["shopID"] = 7
    findings = by_name(await scene.lightspeed.check())
    assert findings["register"].detail.endswith("stands in shop 7.")


async def test_a_missing_scope_is_found_by_reading_stock() -> None:
    scene = stage(goods(3))
    scene.faults.add("lightspeed", "ItemShop", Fault(FaultKind.SERVER_ERROR, code="403"))
    findings = by_name(await scene.lightspeed.check())
    assert "LS010" in findings["stock"].detail
    assert "employee:inventory_read" in findings["stock"].remedy


async def test_without_a_register_in_the_settings_none_is_looked_for() -> None:
    findings = by_name(await stage(goods(3), register_id="").lightspeed.check())
    assert "register" not in findings


async def test_a_server_in_trouble_is_a_finding_too() -> None:
    scene = stage(goods(3), policy=RetryPolicy(attempts=2))
    scene.faults.add("lightspeed", "Shop", Fault(FaultKind.BAD_GATEWAY, times=0))
    findings = by_name(await scene.lightspeed.check())
    assert (findings["shop"].ok, findings["account"].ok) == (False, True)
    assert "LS006" in findings["shop"].detail
