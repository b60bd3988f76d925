"""The public listener: what reaches us through Shopify, and nothing that does not prove it."""
