"""Every route and method against every proof and every forgery: the status told, and nothing changed by a refusal."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest

from sync.storefront.routes import PREFIX
from sync.storefront.signature import webhook_signature
from tests.sync.storefront.forgeries import GOOD, PLAIN, SHOP, STAMP, TOUCHED, UNKNOWN, changed, query
from tests.sync.storefront.listener import BODIES, METHODS, QUERIES, ROUTES, SECRET, Listener, call, hinted

pytestmark = pytest.mark.anyio

Pairs = list[tuple[str, str]]
Raw = Sequence[tuple[bytes, bytes]]
PATHS = [prefix + path for prefix in ("", PREFIX) for path in ROUTES]
HINTS = ("/sync", "/orders")
OTHER = base64.b64encode(b"another signature of 32 bytes ..").decode()


@dataclass(frozen=True, slots=True)
class Variant:
    """A query and headers; whether they prove anything: to all routes, or only to those that take hints."""

    query: bytes
    headers: Raw = ()
    proves: bool = False
    hint: bool = False


def raw(headers: Mapping[str, str]) -> Raw:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


def body_of(path: str, method: str = "POST") -> bytes:
    given = BODIES.get(path.removeprefix(PREFIX))
    if method == "PUT":
        given = {"reservationId": "hold-1", "quantity": 1}
    return json.dumps(given).encode() if given else b""


def own_of(path: str) -> Pairs:
    return list(QUERIES.get(path.removeprefix(PREFIX), {}).items())


def proofs(path: str) -> dict[str, Variant]:
    """Return what proves a request, each with the route's own parameters."""
    own = own_of(path)

    def proof(pairs: Pairs, secret: bytes = b"hush") -> Variant:
        return Variant(query([*pairs, *own], secret), proves=True)

    return {
        "plain": proof(PLAIN),
        "in another order": proof([*reversed(PLAIN)]),
        "signed in": proof(changed(logged_in_customer_id="7423424234")),
        "no word of a customer": proof(changed(logged_in_customer_id=None)),
        "no prefix": proof(changed(path_prefix=None)),
        "under another prefix": proof(changed(path_prefix="/tools/stock")),
        "another allowed shop": proof(changed(shop="second.myshopify.com")),
        "by the last secret": proof(PLAIN, b"the one before"),
        "90 s old": proof(changed(timestamp=str(int(STAMP) - 90))),
        "90 s ahead": proof(changed(timestamp=str(int(STAMP) + 90))),
        "escaped in small letters": Variant(query([*PLAIN, *own]).replace(b"%2F", b"%2f"), proves=True),
        "not escaped": Variant(query([*PLAIN, *own]).replace(b"%2F", b"/"), proves=True),
        "with a wrong signature in a header": Variant(query([*PLAIN, *own]), raw(hinted(b"another")), proves=True),
    }


def hints(path: str, body: bytes) -> dict[str, Variant]:
    """Return the second form of proof and its forgeries; the query is empty unless it says otherwise."""
    good, shop = webhook_signature(body, SECRET), ("x-shopify-shop-domain", SHOP)

    def forged(signature: str, *others: tuple[str, str], query: bytes = b"") -> Variant:
        headers = [("x-shopify-hmac-sha256", signature), *others]
        return Variant(query, [(name.encode(), value.encode("latin-1")) for name, value in headers])

    return {
        "the body's": Variant(b"", raw(hinted(body)), hint=bool(body)),
        "the body's by the last secret": Variant(b"", raw(hinted(body, secret="the one before")), hint=bool(body)),
        "the body's by another secret": Variant(b"", raw(hinted(body, secret="other"))),
        "of another body": Variant(b"", raw(hinted(body + b" "))),
        "of no body": Variant(b"", raw(hinted(b""))),
        "the body's, without a shop": forged(good),
        "the body's, of an unknown shop": forged(good, ("x-shopify-shop-domain", "third.myshopify.com")),
        "the body's, of two shops": forged(good, shop, shop),
        "the body's, twice": forged(good, ("x-shopify-hmac-sha256", good), shop),
        "the body's, in hexadecimal": forged(base64.b64decode(good).hex(), shop),
        "the body's, for addresses": forged(good.translate(str.maketrans("+/=", "-_ ")), shop),
        "the body's, and more": forged(good + "=", shop),
        "another": forged(OTHER, shop),
        "blank": forged("", shop),
        "beyond ASCII": forged(good[:-2] + "é=", shop),
        "the body's, beside a forged query": forged(good, shop, query=GOOD[:-1].encode() + b"x"),
        "the body's, beside an unsigned query": forged(good, shop, query=b"limit=1"),
    }


def variants(path: str, body: bytes) -> dict[str, Variant]:
    own = own_of(path)
    return {
        **proofs(path),
        **hints(path, body),
        **{f"unknown: {name}": Variant(query([*pairs, *own])) for name, pairs in UNKNOWN.items()},
        **{f"touched: {name}": Variant(raw_query.encode()) for name, raw_query in TOUCHED.items()},
        "by another secret": Variant(query([*PLAIN, *own], b"other")),
        "91 s old": Variant(query([*changed(timestamp=str(int(STAMP) - 91)), *own])),
        "91 s ahead": Variant(query([*changed(timestamp=str(int(STAMP) + 91)), *own])),
    }


def expected(path: str, method: str, variant: Variant) -> set[int]:
    bare = path.removeprefix(PREFIX)
    if method not in ROUTES[bare]:
        return {405}
    proven = variant.proves or (variant.hint and bare in HINTS)
    return {200, 202, 409} if proven else {401}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", PATHS)
async def test_the_battery(path: str, method: str) -> None:
    listener = Listener()
    body = body_of(path, method)
    tried = variants(path, body)
    assert len(tried) >= 80
    for name, variant in tried.items():
        before = listener.state()
        reply = await call(listener.app, method, path, variant.query, headers=variant.headers, body=[body])
        assert reply.status in expected(path, method, variant), name
        if reply.status in (401, 405):
            assert listener.state() == before, name
            assert set(json.loads(reply.body)) == {"error", "message"}
        assert reply.headers[b"cache-control"] == b"no-store"
        assert b"location" not in reply.headers
        assert b"signature" not in reply.body


@pytest.mark.parametrize("path", PATHS)
async def test_a_refusal_is_the_same_bytes_whatever_was_wrong(path: str) -> None:
    listener, method, body = Listener(), ROUTES[path.removeprefix(PREFIX)][0], body_of(path)
    replies = [
        await call(listener.app, method, path, variant.query, headers=variant.headers, body=[body])
        for variant in variants(path, body).values()
    ]
    assert len({(reply.body, tuple(reply.headers.items())) for reply in replies if reply.status == 401}) == 1


@pytest.mark.parametrize(
    ("steps", "status"),
    [
        pytest.param({"host": b"elsewhere.example", "path": "/nowhere"}, 400, id="host before path"),
        pytest.param({"path": "/nowhere", "method": "DELETE"}, 404, id="path before method"),
        pytest.param({"method": "DELETE", "size": 65_537}, 405, id="method before size"),
        pytest.param({"size": 65_537, "query": b""}, 413, id="size before signature"),
        pytest.param({"size": 65_537, "query": b"", "untold": True}, 413, id="a size that is not told, too"),
        pytest.param({"size": 65_536, "query": b""}, 401, id="signature before body"),
        pytest.param({"size": 65_536, "query": b"", "untold": True}, 401, id="of a size that is not told, too"),
        pytest.param({"size": 65_536}, 400, id="body last"),
        pytest.param({}, 200, id="all well"),
    ],
)
async def test_the_order_of_checks(steps: Mapping[str, object], status: int) -> None:
    listener = Listener()
    size = steps.get("size")
    body = b"x" * size if isinstance(size, int) else json.dumps(BODIES["/reserve"]).encode()
    told = [] if steps.get("untold") else [(b"content-length", b"%d" % len(body))]
    reply = await call(
        listener.app,
        str(steps.get("method", "POST")),
        str(steps.get("path", "/reserve")),
        steps.get("query", query(PLAIN)),  # type: ignore[arg-type]
        headers=told,
        body=[body[at : at + 8192] for at in range(0, len(body), 8192)],
        host=steps.get("host", b"hooks.example"),  # type: ignore[arg-type]
    )
    assert reply.status == status


@pytest.mark.parametrize("length", [b"-1", b"1e3", b"0x10", b"\xb2", b"", b"1, 1"])
async def test_a_length_that_is_none_is_refused(length: bytes) -> None:
    reply = await call(Listener().app, "POST", "/reserve", query(PLAIN), headers=[(b"content-length", length)])
    assert reply.status == 400


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/inventory/", 404),
        ("//inventory", 404),
        ("/Inventory", 404),
        ("/inventor%79", 404),
        (f"{PREFIX}/", 404),
        ("/openapi.json", 404),
        ("/metrics", 404),
    ],
)
async def test_an_address_is_taken_as_it_is_written_and_never_redirected(path: str, status: int) -> None:
    reply = await call(Listener().app, "GET", path, query(PLAIN))
    assert reply.status == status
    assert b"location" not in reply.headers


async def test_a_wrong_method_is_told_the_right_ones() -> None:
    reply = await call(Listener().app, "DELETE", "/reserve")
    assert (reply.status, reply.headers[b"allow"]) == (405, b"POST, PUT")


async def test_endless_headers_are_refused() -> None:
    headers = [(b"x-%d" % number, b"1") for number in range(10_000)]
    assert (await call(Listener().app, "GET", "/inventory", query(PLAIN), headers=headers)).status == 400


@pytest.mark.parametrize(("path", "method"), [("/inventory", "GET"), ("/webhooks/shopify", "POST")])
async def test_a_name_may_be_an_ipv6_address(path: str, method: str) -> None:
    app = Listener(host="::1").app
    for host in (b"[::1]", b"[::1]:8443"):
        assert (await call(app, method, path, query(PLAIN), host=host)).status == 200
    for host in (b"[::2]:8443", b"[::1", b"::1]:8443", b"[[::1]]", b"[::1]:8443:1"):
        assert (await call(app, method, path, query(PLAIN), host=host)).status == 400


@pytest.mark.parametrize("host", [b"", b"hooks.example.evil", b"hooks.example@evil", b"hooks.example:80:80"])
async def test_only_our_own_name_is_served(host: bytes) -> None:
    assert (await call(Listener().app, "GET", "/inventory", query(PLAIN), host=host)).status == 400
    again = [(b"host", b"hooks.example")]
    assert (await call(Listener().app, "GET", "/inventory", query(PLAIN), headers=again)).status == 400
    assert (await call(Listener(host=None).app, "GET", "/inventory", query(PLAIN), host=host)).status == 200


async def test_what_else_the_listener_serves_stays_behind() -> None:
    listener = Listener()
    reply = await call(listener.app, "POST", "/webhooks/shopify", body=[b"{}"])
    assert (reply.status, len(listener.webhooks)) == (200, 1)
    assert listener.counts.met == []
