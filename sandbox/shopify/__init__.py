"""The pretend Shopify store: its stock, orders and Admin GraphQL API."""

from __future__ import annotations

from sandbox.shopify.app import shopify_app
from sandbox.shopify.model import RestockType, SoldOut, StockWrite, Truth
from sandbox.shopify.state import ShopifyStore

__all__ = ["RestockType", "ShopifyStore", "SoldOut", "StockWrite", "Truth", "shopify_app"]
