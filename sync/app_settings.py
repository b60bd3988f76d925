"""What the parts of the engine need of the settings, in their own terms; pure."""

from __future__ import annotations

from pydantic import SecretStr

from sync.booking import BookingItems
from sync.config_values import YesNo
from sync.lightspeed.auth import Client
from sync.lightspeed.layaways import LayawaySettings
from sync.lightspeed.sales import SalesSettings
from sync.mirroring import MirrorPolicy
from sync.settings import Settings


def named_items(settings: Settings) -> dict[str, str]:
    """Return the ids of the items that `booking_items` takes, each under its setting's name."""
    named = {
        "LIGHTSPEED_SHIPPING_ITEM_ID": settings.lightspeed_shipping_item_id,
        "LIGHTSPEED_TAX_ITEM_ID": settings.lightspeed_tax_item_id,
        "LIGHTSPEED_OTHER_ITEM_ID": settings.lightspeed_other_item_id,
        "LIGHTSPEED_UNLINKED_ITEM_ID": settings.lightspeed_unlinked_item_id,
    }
    return {name: item_id for name, item_id in named.items() if item_id}


def booking_items(settings: Settings) -> BookingItems:
    """Return the Lightspeed items that carry money without goods, as the settings name them."""
    return BookingItems(
        shipping=settings.lightspeed_shipping_item_id or "",
        tax=settings.lightspeed_tax_item_id or "",
        other=settings.lightspeed_other_item_id or "",
        unlinked=settings.lightspeed_unlinked_item_id or "",
    )


def lightspeed_client(settings: Settings) -> Client:
    """Return our registration at Lightspeed, as the settings name it."""
    token = settings.lightspeed_refresh_token
    return Client(
        client_id=settings.lightspeed_client_id,
        client_secret=settings.lightspeed_client_secret.get_secret_value(),
        account_id=settings.lightspeed_account_id,
        auth_url=settings.lightspeed_auth_url,
        refresh_token=revealed(token) or "",
    )


def sales_settings(settings: Settings) -> SalesSettings | None:
    """Return how sales are made at Lightspeed; None where the settings name no employee or payment type for them."""
    employee, payment_type = settings.lightspeed_employee_id, settings.lightspeed_payment_type_id
    if employee is None or payment_type is None:
        return None
    return SalesSettings(
        shop_id=settings.lightspeed_shop_id,
        register_id=settings.lightspeed_register_id,
        employee_id=employee,
        payment_type_id=payment_type,
        customer_id=settings.lightspeed_customer_id or "",
    )


def layaway_settings(settings: Settings) -> LayawaySettings:
    """Return whose layaways mirror reservations; nobody's where the settings name no customer for them."""
    return LayawaySettings(
        shop_id=settings.lightspeed_shop_id,
        employee_id=settings.lightspeed_employee_id or "",
        customer_id=settings.lightspeed_holds_customer_id or "",
    )


def mirror_policy(settings: Settings) -> MirrorPolicy:
    """Return how reservations are mirrored, as the settings say."""
    return MirrorPolicy(
        keeping=settings.lightspeed_holds_customer_id is not None,
        lowers=settings.lightspeed_layaway_lowers_stock is YesNo.YES,
    )


def revealed(secret: SecretStr | None) -> str | None:
    """Return a secret as it is sent; None where there is none."""
    return secret.get_secret_value() if secret else None
