"""Putting the engine together: what the settings must name before sales are made."""

from __future__ import annotations

import pytest

from sync.app_settings import sales_settings
from sync.config import Settings, load_settings
from sync.lightspeed.sales import SalesSettings


def settings(**more: str) -> Settings:
    return load_settings({"ENVIRONMENT": "sandbox", "LIGHTSPEED_SHOP_ID": "3", "LIGHTSPEED_REGISTER_ID": "4"} | more)


def test_sales_are_made_by_the_employee_and_paid_by_the_type_that_the_settings_name() -> None:
    named = settings(LIGHTSPEED_EMPLOYEE_ID="5", LIGHTSPEED_PAYMENT_TYPE_ID="7", LIGHTSPEED_CUSTOMER_ID="8")
    assert sales_settings(named) == SalesSettings("3", "4", "5", "7", customer_id="8")


@pytest.mark.parametrize("lacking", ["lightspeed_employee_id", "lightspeed_payment_type_id"])
def test_without_one_of_them_none_are_made(lacking: str) -> None:
    named = settings(LIGHTSPEED_EMPLOYEE_ID="5", LIGHTSPEED_PAYMENT_TYPE_ID="7")
    assert sales_settings(named.model_copy(update={lacking: None})) is None
