"""Moves stock, products and orders between Lightspeed Retail and Shopify.

`stock.py` decides, `stock_sync.py` acts; everything else serves those two. `monitor` imports this package,
never the other way round.
"""
