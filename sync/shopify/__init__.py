"""Shopify behind the port `Storefront`: Admin GraphQL over `sync.http`, one document per file in `documents/`."""
