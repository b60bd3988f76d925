"""The storefront as AWS Lambda calls it: events as API Gateway makes them, over a real PostgreSQL."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import anyio
import pytest
from structlog.testing import capture_logs

from sync.reservations import HoldLimits, digest
from sync.storage.database import Database
from sync.storage.ledger import SqlLedger
from sync.storage.opening import Shop, open_database
from sync.storage.visitor_limits import VisitorLimits, keep_limits
from sync.storefront.aws import Event, Function, Reply
from sync.storefront.routes import PREFIX
from sync.storefront.signature import proxy_signature
from tests.conftest import ROOT
from tests.postgres_server import PostgresServer
from tests.sync.storage.build import NOW, order, query, stocked
from tests.sync.storefront.listener import SECRET, SHOP, SetClock, hinted, parameters, signed

pytestmark = pytest.mark.peer

VISITOR, SHOPIFY = "203.0.113.7", "198.51.100.1"
Shape = Callable[..., dict[str, Any]]


class MovingClock(SetClock):
    """Moves on by as much as somebody waits."""

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


# --- events ---


def headers_of(visitor: str = VISITOR, **more: str) -> dict[str, str]:
    """Return the headers that reach a function: API Gateway has added whom it heard to the addresses."""
    return {
        "accept": "application/json",
        "host": "abc123.execute-api.us-east-1.amazonaws.com",
        "x-amzn-trace-id": "Root=1-5e6722a7-cc56xmpl46db7ae02d4da47e",
        "x-forwarded-for": f"{visitor}, {SHOPIFY}",
        "x-forwarded-port": "443",
        "x-forwarded-proto": "https",
        **more,
    }


def version_2(
    method: str, path: str, raw_query: str = "", body: bytes | None = None, *, stage: str = "$default", **more: Any
) -> dict[str, Any]:
    """Return an event of an HTTP API in payload format 2.0."""
    front = "" if stage == "$default" else f"/{stage}"
    event = {
        "version": "2.0",
        "routeKey": f"{method} {path}",
        "rawPath": front + path,
        "rawQueryString": raw_query,
        "cookies": ["cart=c1-abc", "_shopify_y=1"],
        "headers": headers_of(**more.pop("headers", {})),
        "queryStringParameters": _joined(raw_query),
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abc123",
            "domainName": "abc123.execute-api.us-east-1.amazonaws.com",
            "domainPrefix": "abc123",
            "http": {
                "method": method,
                "path": front + path,
                "protocol": "HTTP/1.1",
                "sourceIp": SHOPIFY,
                "userAgent": "Shopify",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": f"{method} {path}",
            "stage": stage,
            "time": "22/Nov/2026:10:00:00 +0000",
            "timeEpoch": 1795341600000,
        },
        "isBase64Encoded": False,
    }
    return event | ({} if body is None else {"body": body.decode()}) | more


def encoded(method: str, path: str, raw_query: str = "", body: bytes | None = None, **more: Any) -> dict[str, Any]:
    """Return the same event with its body as API Gateway hands over what it takes for binary."""
    event = version_2(method, path, raw_query, body, **more)
    if body is None:
        return event
    return event | {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}


def staged(method: str, path: str, raw_query: str = "", body: bytes | None = None, **more: Any) -> dict[str, Any]:
    return version_2(method, path, raw_query, body, stage="prod", **more)


def prefixed(method: str, path: str, raw_query: str = "", body: bytes | None = None, **more: Any) -> dict[str, Any]:
    return version_2(method, PREFIX + path, raw_query, body, **more)


def version_1(
    method: str, path: str, raw_query: str = "", body: bytes | None = None, *, rest: bool = True, **more: Any
) -> dict[str, Any]:
    """Return an event of a REST API; or of an HTTP API in payload format 1.0, whose path begins with the stage."""
    values: dict[str, list[str]] = {}
    for name, value in parse_qsl(raw_query, keep_blank_values=True):
        values.setdefault(name, []).append(value)
    headers = headers_of(**more.pop("headers", {}))
    event = {
        "resource": "/{proxy+}",
        "path": path if rest else f"/prod{path}",
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": {name: each[-1] for name, each in values.items()} or None,
        "multiValueQueryStringParameters": values or None,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abc123",
            "httpMethod": method,
            "identity": {"sourceIp": SHOPIFY, "userAgent": "Shopify"},
            "path": f"/prod{path}",
            "protocol": "HTTP/1.1",
            "requestId": "id=",
            "resourcePath": "/{proxy+}",
            "stage": "prod",
        },
        "pathParameters": {"proxy": path[1:]},
        "stageVariables": None,
        "body": None if body is None else body.decode(),
        "isBase64Encoded": False,
    }
    return (event if rest else event | {"version": "1.0"}) | more


def http_api_1(method: str, path: str, raw_query: str = "", body: bytes | None = None, **more: Any) -> dict[str, Any]:
    return version_1(method, path, raw_query, body, rest=False, **more)


def _joined(raw_query: str) -> dict[str, str]:
    """Return parameters as payload 2.0 gives them beside the raw query: several values of a name joined by commas."""
    found: dict[str, str] = {}
    for name, value in parse_qsl(raw_query, keep_blank_values=True):
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


# --- the function ---


class Lambda:
    """A function's process: one thread that answers one event after the other, as AWS does it."""

    def __init__(self, **environ: str) -> None:
        self.clock = MovingClock()
        self._function = Function(environ, self.clock)
        self._thread = ThreadPoolExecutor(1)

    def __call__(self, event: Event) -> Reply:
        return self._thread.submit(self._function, event, None).result(30)

    def close(self) -> None:
        self._thread.submit(self._close).result(30)
        self._thread.shutdown()

    def _close(self) -> None:
        if (adapter := self._function._adapter) is not None:
            database: Any = self._function.database
            asyncio.get_event_loop().run_until_complete(database.close())
            asyncio.get_event_loop().close()
            assert adapter.lifespan == "off"


def environment(url: str, **more: str) -> dict[str, str]:
    known = {"DATABASE_URL": url, "SHOPIFY_STORE_DOMAIN": SHOP, "SHOPIFY_PROXY_SHARED_SECRET": SECRET}
    return known | more


@pytest.fixture
def url(postgres_url: str, tmp_path: Path) -> str:
    """Return the address of a database with five units of item 1, none of item 2 and one of item 3."""

    async def fill() -> None:
        database = open_database(tmp_path, Shop("1000", "1", SHOP, "7"), NOW, url=postgres_url, threads=False)
        await stocked(database, {1: 5, 2: 0, 3: 1})
        await SqlLedger(database).keep_orders([order(1, 1, 1, of=9)], NOW)
        await database.close()

    anyio.run(fill)
    return postgres_url


@pytest.fixture
def made(request: pytest.FixtureRequest) -> Iterator[Callable[..., Lambda]]:
    functions: list[Lambda] = []

    def make(**environ: str) -> Lambda:
        functions.append(Lambda(**environ))
        return functions[-1]

    yield make
    for function in functions:
        function.close()


@pytest.fixture
def function(url: str, made: Callable[..., Lambda]) -> Lambda:
    return made(**environment(url))


def rows(url: str, text: str) -> list[tuple[object, ...]]:
    from sync.storage.opening import open_for_reading  # noqa: PLC0415

    async def look() -> list[tuple[object, ...]]:
        database: Database = open_for_reading(Path(), url=url)
        found = await query(database, text)
        await database.close()
        return found

    return anyio.run(look)


def body_of(reply: Reply) -> Any:
    return json.loads(reply["body"])


def sent(value: object) -> bytes:
    return json.dumps(value).encode()


SHAPES = [version_2, encoded, staged, prefixed, version_1, http_api_1]
each_shape = pytest.mark.parametrize("shape", SHAPES, ids=[shape.__name__ for shape in SHAPES])


# --- what it answers ---


@each_shape
def test_the_seven_routes_answer(function: Lambda, url: str, shape: Shape) -> None:
    page = function(shape("GET", "/inventory", signed()))
    assert page["statusCode"] == 200, page
    assert [(item["itemID"], item["available"]) for item in body_of(page)["items"]] == [("1", 5), ("2", 0), ("3", 1)]
    assert page["headers"]["content-type"] == "application/json"
    known = function(shape("GET", "/inventory", signed(), headers={"if-none-match": page["headers"]["etag"]}))
    assert known["statusCode"] == 304

    told = function(shape("GET", "/availability", signed({"variant_id": "101"})))
    assert (told["statusCode"], body_of(told)["quantity"]) == (200, 5)

    taken = function(shape("POST", "/reserve", signed(), sent({"lightspeedId": 1, "quantity": 2, "cartToken": "c1"})))
    assert taken["statusCode"] == 200, taken
    hold = body_of(taken)["reservationId"]
    more = function(shape("PUT", "/reserve", signed(), sent({"reservationId": hold, "quantity": 3})))
    assert (more["statusCode"], body_of(more)["quantity"]) == (200, 3)
    other = function(shape("GET", "/availability", signed({"lightspeed_id": "1"}), headers={"visitor": "192.0.2.9"}))
    assert body_of(other)["quantity"] == 2
    too_many = function(
        shape("POST", "/reserve", signed(), sent({"lightspeedId": 3, "quantity": 2, "cartToken": "c1"}))
    )
    assert (too_many["statusCode"], body_of(too_many)["quantity"]) == (409, 1)
    assert rows(url, "SELECT hold_id, units, client FROM holds") == [(hold, 3, digest(VISITOR))]
    freed = function(shape("POST", "/release", signed(), sent({"reservationId": hold})))
    assert (freed["statusCode"], body_of(freed)["status"]) == (200, "released")

    looked = function(shape("POST", "/sync", signed(), sent({"updates": [{"variantId": 101}, {"lightspeedId": "3"}]})))
    assert (looked["statusCode"], body_of(looked)["status"]) == (200, "queued")
    assert [each["variantId"] for each in body_of(looked)["results"]] == ["101", "103"]
    placed = {"orderNumber": 1001, "lineItems": [{"variantId": 101, "quantity": 1}]}
    assert function(shape("POST", "/orders", signed(), sent(placed)))["statusCode"] == 202
    hints = "SELECT topic, subject, state FROM webhooks ORDER BY number"
    assert [row[2] for row in rows(url, hints)] == ["due", "due"], "they wait for the daemon"


REFUSED: Mapping[str, tuple[str, str, str, bytes | None, int]] = {
    "unsigned": ("GET", "/inventory", "", None, 401),
    "signed with another secret": ("GET", "/inventory", signed(secret="another"), None, 401),
    "a name twice": ("GET", "/inventory", f"{signed()}&shop={SHOP}", None, 401),
    "an unknown name": ("GET", "/inventory", f"{signed()}&extra=1", None, 401),
    "unsigned body": ("POST", "/reserve", signed(secret="another"), b"{}", 401),
    "no JSON": ("POST", "/reserve", signed(), b"{", 400),
    "no body": ("POST", "/reserve", signed(), None, 400),
    "no item": ("GET", "/availability", signed(), None, 400),
    "wrong method": ("DELETE", "/reserve", signed(), None, 405),
    "wrong method with a body": ("POST", "/inventory", signed(), b"{}", 405),
    "no such path": ("GET", "/nothing", signed(), None, 404),
    "slash at the end": ("GET", "/inventory/", signed(), None, 404),
    "too large": ("POST", "/sync", signed(), b"[" + b" " * 65_536 + b"]", 413),
}


@each_shape
def test_what_is_refused_is_refused_in_fixed_words(function: Lambda, url: str, shape: Shape) -> None:
    replies = {name: function(shape(*request)) for name, (*request, _) in REFUSED.items()}
    statuses = {name: reply["statusCode"] for name, reply in replies.items()}
    assert statuses == {name: status for name, (*_, status) in REFUSED.items()}
    assert {frozenset(body_of(reply)) for reply in replies.values()} == {frozenset({"error", "message"})}
    counted = "SELECT (SELECT count(*) FROM holds), (SELECT count(*) FROM webhooks)"
    assert rows(url, counted) == [(0, 0)], "a refusal changes nothing"


@each_shape
def test_a_signature_holds_whatever_the_values_and_their_order(function: Lambda, shape: Shape) -> None:
    own = {"updated_since": "2026-11-22T11:00:30+01:00", "limit": "2"}
    pairs = parameters(own)
    pairs = dict(reversed(list(pairs.items()))) | {"signature": proxy_signature(pairs.items(), SECRET.encode())}
    reply = function(shape("GET", "/inventory", urlencode(pairs)))
    assert (reply["statusCode"], body_of(reply)["pagination"]["limit"]) == (200, 2)


@pytest.mark.parametrize("shape", [version_2, encoded], ids=["text", "base64"])
def test_a_hint_may_be_signed_over_its_raw_body(function: Lambda, shape: Shape) -> None:
    body = b'{ "updates" : [{"variantId":101, "note":"\xc3\xa9"}] }'
    headers = {name.lower(): value for name, value in hinted(body).items()}
    assert function(shape("POST", "/sync", "", body, headers=headers))["statusCode"] == 200
    assert function(shape("POST", "/sync", "", body + b" ", headers=headers))["statusCode"] == 401


def test_many_who_want_a_check_at_once_are_one_hint_whatever_process_they_meet(
    made: Callable[..., Lambda], url: str
) -> None:
    for number in (1, 2, 3, 1):
        reply = made(**environment(url))(
            version_2("POST", "/sync", signed(), sent({"updates": [{"variantId": 100 + number}]}))
        )
        assert body_of(reply)["status"] == "queued"
    assert rows(url, "SELECT count(*) FROM webhooks") == [(1,)]


def test_a_check_that_the_daemon_made_a_moment_ago_is_not_wanted_again(
    function: Lambda, url: str, postgres: PostgresServer
) -> None:
    postgres.execute(
        "INSERT INTO runs (job, started_at, finished_at, outcome, numbers) "
        "VALUES ('stock', '2026-11-22 09:59:50Z', '2026-11-22 09:59:52Z', 'ok', '{}')",
        database="shop",
    )
    reply = function(version_2("POST", "/sync", signed(), sent({"updates": [{"variantId": 101}]})))
    assert body_of(reply)["status"] == "synced"
    assert rows(url, "SELECT count(*) FROM webhooks") == [(0,)]


def test_the_limits_are_those_that_the_daemon_had_at_its_last_start(
    made: Callable[..., Lambda], url: str, tmp_path: Path
) -> None:
    body = sent({"lightspeedId": 1, "quantity": 2})
    assert made(**environment(url))(version_2("POST", "/reserve", signed(), body))["statusCode"] == 200

    async def keep() -> None:
        database = open_database(tmp_path, Shop("1000", "1", SHOP, "7"), NOW, url=url, threads=False)
        await keep_limits(database, VisitorLimits(holds=HoldLimits(ttl=timedelta(minutes=5), client_units=3)))
        await database.close()

    anyio.run(keep)
    refused = made(**environment(url))(version_2("POST", "/reserve", signed(), body))
    assert (refused["statusCode"], body_of(refused)["error"]) == (409, "client_units")


def test_a_role_with_the_rights_that_the_documentation_names_is_enough(
    made: Callable[..., Lambda], url: str, postgres: PostgresServer
) -> None:
    told = (ROOT / "docs" / "lambda.md").read_text(encoding="utf-8")
    (script,) = re.findall(r"```sql\n(.+?)```", told, re.DOTALL)
    postgres.execute(*filter(str.strip, script.replace("'…'", "'x'").split(";")), database="shop")
    try:
        function = made(**environment(url.replace("sync@", "storefront@")))
        assert function(version_2("GET", "/availability", signed({"variant_id": "101"})))["statusCode"] == 200
        body = sent({"lightspeedId": 1, "quantity": 1})
        taken = function(version_2("POST", "/reserve", signed(), body))
        assert taken["statusCode"] == 200
        hold = sent({"reservationId": body_of(taken)["reservationId"]})
        assert function(version_2("POST", "/release", signed(), hold))["statusCode"] == 200
        looked = function(version_2("POST", "/sync", signed(), sent({"updates": [{"variantId": 101}]})))
        assert body_of(looked)["status"] == "queued"
        for number in (1, 1001):  # known, and not
            placed = {"orderNumber": number, "lineItems": [{"variantId": 101, "quantity": 1}]}
            assert function(version_2("POST", "/orders", signed(), sent(placed)))["statusCode"] == 202
    finally:
        postgres.execute("DROP OWNED BY storefront", "DROP ROLE storefront", database="shop")


# --- who asks ---


@pytest.mark.parametrize(
    ("proxies", "forwarded", "client"),
    [
        (None, f"{VISITOR}, {SHOPIFY}", VISITOR),
        ("1", f"6.6.6.6, {VISITOR}, {SHOPIFY}", VISITOR),
        ("2", f"{VISITOR}, {SHOPIFY}, 192.0.2.1", VISITOR),
        (None, SHOPIFY, SHOPIFY),
    ],
    ids=["API Gateway", "what a visitor says first", "another proxy", "no visitor named"],
)
def test_a_visitor_is_the_address_that_shopify_saw(
    made: Callable[..., Lambda], url: str, proxies: str | None, forwarded: str, client: str
) -> None:
    more = {} if proxies is None else {"STOREFRONT_PROXIES": proxies}
    event = version_2("POST", "/reserve", signed(), sent({"lightspeedId": 1, "quantity": 1}))
    event["headers"]["x-forwarded-for"] = forwarded
    assert made(**environment(url, **more))(event)["statusCode"] == 200
    assert rows(url, "SELECT client FROM holds") == [(digest(client),)]


@pytest.mark.parametrize(("networks", "status"), [("198.51.100.0/24", 200), ("192.0.2.0/24", 401)])
def test_only_allowed_networks_may_connect_to_api_gateway(
    made: Callable[..., Lambda], url: str, networks: str, status: int
) -> None:
    function = made(**environment(url, STOREFRONT_ALLOWED_NETWORKS=networks))
    assert function(version_2("GET", "/inventory", signed()))["statusCode"] == status


def test_the_last_unit_goes_to_one_of_two_processes(made: Callable[..., Lambda], url: str) -> None:
    functions = [made(**environment(url)) for _ in range(4)]

    def take(number: int) -> int:
        body = sent({"lightspeedId": 3, "quantity": 1, "cartToken": f"cart-{number}"})
        headers = {"visitor": f"203.0.113.{number}"}
        return int(functions[number](version_2("POST", "/reserve", signed(), body, headers=headers))["statusCode"])

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(take, range(4))) == [200, 409, 409, 409]


# --- where it cannot ---


def test_without_its_database_it_asks_for_patience_and_goes_on_when_it_is_back(
    made: Callable[..., Lambda], url: str, postgres: PostgresServer
) -> None:
    function = made(**environment(url))
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'shop'"
    postgres.execute("ALTER DATABASE shop ALLOW_CONNECTIONS false")
    try:
        assert _unavailable(function(version_2("GET", "/inventory", signed())))
        postgres.execute("ALTER DATABASE shop ALLOW_CONNECTIONS true")
        assert function(version_2("GET", "/inventory", signed()))["statusCode"] == 200
        postgres.execute("ALTER DATABASE shop ALLOW_CONNECTIONS false", cut)
        body = sent({"lightspeedId": 1, "quantity": 1})
        assert _unavailable(function(version_2("POST", "/reserve", signed(), body)))
        assert _unavailable(function(version_2("GET", "/availability", signed({"variant_id": "101"}))))
    finally:
        postgres.execute("ALTER DATABASE shop ALLOW_CONNECTIONS true")
    assert function(version_2("POST", "/reserve", signed(), body))["statusCode"] == 200


def _unavailable(reply: Reply) -> bool:
    assert reply["statusCode"] == 503, reply
    return (body_of(reply)["error"], reply["headers"]["retry-after"]) == ("unavailable", "5")


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"DATABASE_URL": ""}, "DATABASE_URL must be postgresql://"),
        ({"SHOPIFY_PROXY_SHARED_SECRET": ""}, "CF001 SHOPIFY_PROXY_SHARED_SECRET"),
        ({"DATABASE_URL": "sqlite:///x.db"}, "postgresql://"),
        ({"DATABASE_URL": "postgresql://sync:pg-s3cret@127.0.0.1:1/shop"}, "ST010"),
        ({"SHOPIFY_STORE_DOMAIN": "second.myshopify.com"}, "ST007"),
    ],
    ids=["no database", "no secret", "a file", "out of reach", "another shop"],
)
def test_what_it_cannot_begin_with_is_in_its_log_and_nobody_elses_business(
    made: Callable[..., Lambda], url: str, environ: dict[str, str], named: str
) -> None:
    function = made(**(environment(url) | environ))
    with capture_logs() as logs:
        assert _unavailable(function(version_2("GET", "/inventory", signed())))
    (line,) = [each for each in logs if each["event"] == "storefront.not_opened"]
    assert named in line["detail"]
    assert "s3cret" not in str(line)


def test_a_timers_event_only_makes_it_ready(function: Lambda) -> None:
    assert function({"source": "aws.events", "detail-type": "Scheduled Event"}) == {"statusCode": 204}


def test_it_loads_nothing_of_the_daemon() -> None:
    script = "import sys, sync.storefront.aws; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, text=True)
    daemons = {"monitor", "apscheduler", "alembic", "uvicorn", "aiohttp", "slack_sdk", "httpx", "typer", "sandbox"}
    assert {name.partition(".")[0] for name in done.stdout.split()} & daemons == set()
