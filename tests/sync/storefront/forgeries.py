"""Requests signed as Shopify signs them, and what may come instead of them."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from urllib.parse import urlencode

SHOP, SECRET = "example-shop.myshopify.com", b"hush"
NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
STAMP = str(int(NOW.timestamp()))
PLAIN = [("shop", SHOP), ("logged_in_customer_id", ""), ("path_prefix", "/apps/wtf/lightspeed"), ("timestamp", STAMP)]


def sign_again(pairs: list[tuple[str, str]], secret: bytes) -> str:
    """Sign as Shopify documents it, in another way than the product does."""
    names = dict.fromkeys(name for name, _ in pairs)
    lines = [name + "=" + ",".join(value for other, value in pairs if other == name) for name in names]
    mac = hmac.new(secret, digestmod=hashlib.sha256)
    for line in sorted(lines, key=lambda text: text.encode()):
        mac.update(line.encode())
    return mac.hexdigest()


def query(pairs: list[tuple[str, str]], secret: bytes = SECRET) -> bytes:
    return urlencode([*pairs, ("signature", sign_again(pairs, secret))]).encode()


def changed(**values: str | None) -> list[tuple[str, str]]:
    """Return the plain parameters with some of them changed, added or (None) left out."""
    merged = {**dict(PLAIN), **values}
    return [(name, value) for name, value in merged.items() if value is not None]


GOOD = query(PLAIN).decode()
SIGNATURE = GOOD.rpartition("=")[2]
BARE = GOOD.partition("&signature")[0]

UNKNOWN = {
    "no timestamp": changed(timestamp=None),
    "blank timestamp": changed(timestamp=""),
    "timestamp no number": changed(timestamp="NaN"),
    "blank before the timestamp": changed(timestamp=f" {STAMP}"),
    "signed timestamp": changed(timestamp=f"+{STAMP[1:]}"),
    "timestamp with a fraction": changed(timestamp=f"{STAMP}.0"),
    "timestamp of eleven digits": changed(timestamp=f"0{STAMP}"),
    "full-width digits": changed(timestamp="１７９５３４１６００"),
    "timestamp with an underscore": changed(timestamp=f"{STAMP[:4]}_{STAMP[5:]}"),
    "endless timestamp": changed(timestamp="9" * 5000),
    "no shop": changed(shop=None),
    "blank shop": changed(shop=""),
    "unknown shop": changed(shop="third.myshopify.com"),
    "the shop in capitals": changed(shop=SHOP.upper()),
    "the shop with a dot": changed(shop=f"{SHOP}."),
    "a comma": changed(logged_in_customer_id="1,2"),
    "a moved boundary": changed(logged_in_customer_id="1path_prefix=/x"),
    "line end": changed(path_prefix="/apps/wtf\n"),
    "prefix without a slash": changed(path_prefix="apps"),
    "equals sign in a value": changed(variant_id="1=2"),
    "comma in a value": changed(variant_id="1,2"),
    "blank in a value": changed(variant_id="1 2"),
    "NUL": changed(variant_id="1\x00"),
    "beyond ASCII": changed(variant_id="é"),
    "endless value": changed(variant_id="1" * 65),
    "unknown name": changed(extra="1"),
    "no name": changed(**{"": "1"}),
    "name in capitals": changed(Shop=SHOP),
    "array": changed(**{"variant_id[]": "1"}),
    "the same twice": [*PLAIN, ("variant_id", "1"), ("variant_id", "1")],
    "shop twice": [*PLAIN, ("shop", SHOP)],
}
"""Parameters that Shopify would sign for a visitor, and that prove nothing to us."""

TOUCHED = {
    "nothing": "",
    "no signature": BARE,
    "blank": f"{BARE}&signature=",
    "in capitals": f"{BARE}&signature={SIGNATURE.upper()}",
    "cut": f"{BARE}&signature={SIGNATURE[:-1]}",
    "longer": f"{BARE}&signature={SIGNATURE}0",
    "beyond ASCII": f"{BARE}&signature={SIGNATURE[:-1]}%C3%A9",
    "beyond ASCII, raw": f"{BARE}&signature={SIGNATURE[:-1]}é",
    "twice": f"{GOOD}&signature={SIGNATURE}",
    "under another name": f"{BARE}&hmac={SIGNATURE}",
    "empty part behind": f"{GOOD}&",
    "empty part before": f"&{GOOD}",
    "name without a value": f"{GOOD}&limit",
    "semicolons": GOOD.replace("&", ";"),
    "encoded twice": GOOD.replace("%2F", "%252F"),
    "broken escape": GOOD.replace("%2F", "%2G"),
    "lonely percent sign": GOOD.replace("%2F", "%"),
    "encoded name": GOOD.replace("shop=", "%73hop="),
    "fragment": f"{GOOD}#",
    "many parts": GOOD + "&limit=1" * 40,
    "long": f"{GOOD}&limit={'1' * 3000}",
}
"""Queries that are not as Shopify signed them."""
