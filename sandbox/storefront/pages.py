"""The pretend shop's web pages. No inline script and no inline style, so that the strictest policy lets them work."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from sandbox.shopify.model import Product, Variant

POLICY = "default-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; form-action 'self'"

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="/assets/shop.css">
<script src="/assets/shop.js" defer></script>
{head}
</head>
<body>
<header><a href="/">The pretend shop</a></header>
<main><h1>{title}</h1>
{main}
</main>
<aside aria-labelledby="cart-title"><h2 id="cart-title">Cart</h2><ul id="cart"></ul>
<form action="/checkout" method="post"><button id="checkout" disabled>Check out and pay</button></form>
<p id="cart-note"></p></aside>
</body>
</html>
"""


def page(title: str, main: str, head: str) -> str:
    """Return a page; `title` is text, `main` and `head` are HTML."""
    return _PAGE.format(title=escape(title), main=main, head=head)


def product_list(products: Iterable[Product]) -> str:
    """Return links to products."""
    rows = (f'<li><a href="/products/{escape(each.handle)}">{escape(each.title)}</a></li>' for each in products)
    return f'<ul class="products">{"".join(rows)}</ul>'


def product(variants: Sequence[Variant]) -> str:
    """Return the form by which a product's variants are put into the cart."""
    options = "".join(
        f'<option value="{each.number}">{escape(each.title)} · ${each.price_cents / 100:.2f} · {escape(each.item.sku)}'
        "</option>"
        for each in variants
    )
    return (
        '<form action="/cart/add" method="post" id="buy">'
        f'<label>Variant <select name="id">{options}</select></label>'
        '<label>Quantity <input name="quantity" type="number" value="1" min="1"></label>'
        '<button>Add to cart</button><p id="buy-note" role="status"></p></form>'
    )
