"""The ops listener, asked as a browser, a probe and Prometheus would."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from monitor.channels.base import ChannelRefused
from monitor.hiding import Matcher, Silence
from monitor.reports.page import Facts
from monitor.web.app import allowed_hosts, ops_app
from monitor.web.status import Beat, HealthLimits, Status
from monitor.web.validated import Validated
from sync.errors import Code, Permanent
from sync.order_records import OrderStanding, OrderState
from sync.records import Pause, PauseKind, RunOutcome, RunRecord
from sync.storage.finding_book import SqlFindingBook
from tests.monitor.reports.made import finding, summary
from tests.monitor.support import START, World

pytestmark = pytest.mark.anyio

TOKEN = "a-token-of-some-length"
HOSTS = ("localhost", "127.0.0.1", "[::1]")


class Ops(World):
    """A world with its ops listener; `token` None leaves the API off."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.beat = Beat(self.clock)
        self.status = self.opened_status(books=True)

    def opened_status(self, *, books: bool) -> Status:
        """Return what reads for the listener."""
        return Status(
            ledger=self.history,
            orders=self.history,
            books=books,
            store=self.store,
            beat=self.beat,
            limits=HealthLimits(),
            clock=self.clock,
            version="0.1.0",
            facts=lambda: self.judge.facts,
            validated=Validated(self.database, Facts("shop.example", "0.1.0")),
        )

    async def get(self, path: str, *, token: str | None = TOKEN, method: str = "GET", **headers: str) -> httpx.Response:
        app = ops_app(self.status, self.metrics.registry, hosts=HOSTS, description={"openapi": "3.1.0"}, token=token)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:9464") as client:
            return await client.request(method, path, headers=named)

    def synced(self, at: datetime) -> None:
        run = RunRecord(3, "stock", at - timedelta(seconds=4), at, RunOutcome.OK)
        self.history.successes["stock"] = run
        self.history.past.insert(0, run)


@pytest.fixture
async def ops(tmp_path: Path) -> AsyncIterator[Ops]:
    made = Ops(tmp_path)
    yield made
    await made.database.close()


def checks(answer: httpx.Response) -> dict[str, bool]:
    return {check["name"]: check["ok"] for check in answer.json()["checks"]}


async def test_metrics_come_as_prometheus_text(ops: Ops) -> None:
    answer = await ops.get("/metrics")

    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert "lightspeed_sync_build_info{" in answer.text


async def test_metrics_come_as_openmetrics_to_those_who_ask(ops: Ops) -> None:
    answer = await ops.get("/metrics", accept="application/openmetrics-text; version=1.0.0")

    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert answer.text.endswith("# EOF\n")


async def test_the_public_listeners_api_is_described_here(ops: Ops) -> None:
    answer = await ops.get("/openapi.json")
    assert (answer.status_code, answer.json()) == (200, {"openapi": "3.1.0"})


async def test_a_process_that_works_is_healthy(ops: Ops) -> None:
    answer = await ops.get("/healthz")

    assert (answer.status_code, checks(answer)) == (200, {"event loop": True, "database": True})


async def test_a_loop_that_stopped_beating_is_not(ops: Ops) -> None:
    ops.clock.pass_by(seconds=31)
    answer = await ops.get("/healthz")
    ops.beat.beat()

    assert (answer.status_code, checks(answer)["event loop"]) == (503, False)
    assert (await ops.get("/healthz")).status_code == 200


async def test_a_database_that_takes_no_writes_is_told_by_its_code(ops: Ops, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full() -> None:
        raise Permanent(Code.ST005)

    monkeypatch.setattr(ops.store, "touch", full)
    answer = await ops.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["checks"][1] == {
        "name": "database",
        "ok": False,
        "detail": "ST005 There is no room left on the disk.",
    }


@pytest.mark.parametrize(
    ("minutes", "status", "detail"),
    [
        (None, 503, "stock was never synced completely"),
        (10, 200, "stock was synced 10m ago; the limit is 10m"),
        (11, 503, "stock was synced 11m ago; the limit is 10m"),
    ],
)
async def test_readiness_is_freshness(ops: Ops, minutes: int | None, status: int, detail: str) -> None:
    if minutes is not None:
        ops.synced(START - timedelta(minutes=minutes))
    answer = await ops.get("/readyz")

    assert (answer.status_code, answer.json()["checks"][2]["detail"]) == (status, detail)


async def test_a_pause_makes_it_unready_with_its_kind(ops: Ops) -> None:
    ops.synced(START)
    ops.history.paused.append(Pause(PauseKind.WRITES, "stock-taking", START))
    answer = await ops.get("/readyz")

    assert (answer.status_code, answer.json()["checks"][3]["detail"]) == (503, "paused by hand: writes")


async def test_the_page_shows_what_fires_and_the_last_runs(ops: Ops) -> None:
    ops.synced(START)
    ops.history.differ(6, "KAVA-1")
    await ops.check()
    page = await ops.get("/")

    assert page.status_code == 200
    assert "6 SKUs differ" in page.text
    assert "KAVA-1" in page.text
    assert "<td>stock</td>" in page.text
    assert "2 waiting, 0 given up" in page.text


async def test_the_page_tells_how_the_booking_of_orders_stands(ops: Ops) -> None:
    ops.history.booked = [START - timedelta(hours=23), START - timedelta(hours=25)]
    ops.history.orders = OrderStanding(
        {OrderState.SEEN: 2, OrderState.PARKED: 1},
        oldest=START - timedelta(minutes=20),
        duplicates=1,
        waiting=("#1007", "#1008"),
        parked=("#1004",),
        doubled=("SH-1001-1",),
    )
    text = " ".join((await ops.get("/")).text.split())
    ops.status = ops.opened_status(books=False)
    off = (await ops.get("/")).text
    told = json.loads((await ops.get("/api/status", authorization=f"Bearer {TOKEN}")).text)

    assert "Booked in the last day</th><td>1</td>" in text
    assert "<td>2, the longest since 2026-11-24 09:40:00 UTC (#1007, #1008)</td>" in text
    assert "<td>1 (#1004): <code>lightspeed-sync orders list --state parked</code></td>" in text
    assert "1 (SH-1001-1)" in text
    assert "Booking is not set up" not in text
    assert "Booking is not set up. Set LIGHTSPEED_EMPLOYEE_ID and LIGHTSPEED_PAYMENT_TYPE_ID." in off
    assert (told["orders"]["counts"]["parked"], told["booked_today"], told["books"]) == (1, 1, False)


async def test_the_page_keeps_words_and_numbers_apart_and_shows_commands_as_such(ops: Ops) -> None:
    ops.history.past.append(
        RunRecord(1, "stock", START, START, RunOutcome.BRAKED, Code.BR001, "Look again", numbers={"evaluated": 4})
    )
    ops.history.paused.append(Pause(PauseKind.WRITES, "stock-take", START))
    text = (await ops.get("/")).text

    assert "Look again<br>evaluated 4</td>" in text
    assert "Review with <code>lightspeed-sync sync --dry-run</code>, then" in text
    assert "Run <code>lightspeed-sync resume</code> when it may go on." in text
    assert "`" not in text


async def test_the_page_escapes_what_comes_from_outside(ops: Ops) -> None:
    evil = "<script>alert(1)</script>"
    ops.history.differ(6, evil)
    ops.history.past.append(RunRecord(1, "stock", START, START, RunOutcome.FAILED, Code.LS001, evil))
    ops.history.paused.append(Pause(PauseKind.WRITES, evil, START))
    await ops.check()
    page = await ops.get("/")

    assert "<script" not in page.text
    assert page.text.count("&lt;script&gt;") >= 3
    assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_the_api_tells_the_same_as_json(ops: Ops) -> None:
    ops.synced(START)
    ops.history.past.append(RunRecord(1, "stock", START, START, RunOutcome.FAILED, Code.LS001, "late"))
    ops.history.stands = replace(ops.history.stands, oversell_units=3)
    answer = await ops.get("/api/status", authorization=f"Bearer {TOKEN}")

    told = json.loads(answer.text)
    assert told["standing"]["oversell_units"] == 3
    assert [(run["outcome"], run["code"]) for run in told["runs"]] == [("ok", None), ("failed", "LS001")]
    assert told["synced_at"] == "2026-11-24T10:00:00+00:00"


@pytest.mark.parametrize(
    ("token", "authorization", "status"),
    [
        (None, f"Bearer {TOKEN}", 404),
        (TOKEN, "", 401),
        (TOKEN, "Bearer wrong", 401),
        (TOKEN, f"Basic {TOKEN}", 401),
        (TOKEN, f"Bearer {TOKEN}x", 401),
        (TOKEN, f"bearer {TOKEN}", 200),
    ],
    ids=["no token set", "none sent", "wrong", "wrong scheme", "longer", "right"],
)
async def test_the_api_needs_its_token(ops: Ops, token: str | None, authorization: str, status: int) -> None:
    answer = await ops.get("/api/status", token=token, authorization=authorization)

    assert answer.status_code == status
    assert TOKEN not in answer.text


@pytest.mark.parametrize(
    ("path", "method", "host", "status"),
    [
        ("/metrics", "GET", "evil.example", 400),
        ("/", "GET", "localhost:9464", 200),
        ("/metrics/", "GET", "127.0.0.1", 404),
        ("/nothing", "GET", "127.0.0.1", 404),
        ("/metrics", "POST", "127.0.0.1", 405),
    ],
)
async def test_what_is_not_there_or_not_for_us(ops: Ops, path: str, method: str, host: str, status: int) -> None:
    assert (await ops.get(path, method=method, host=host)).status_code == status


@pytest.mark.parametrize(
    ("listen", "url", "hosts"),
    [
        ("127.0.0.1", None, ("localhost", "127.0.0.1", "[::1]")),
        ("127.0.0.1", "https://ops.example.com/x", ("localhost", "127.0.0.1", "[::1]", "ops.example.com")),
        ("0.0.0.0", None, ("*",)),
    ],
)
def test_on_loopback_only_local_names_are_taken(listen: str, url: str | None, hosts: tuple[str, ...]) -> None:
    assert allowed_hosts(listen, url) == hosts


async def test_the_page_tells_who_knows_of_an_alert_and_who_has_it_in_hand(ops: Ops) -> None:
    ops.email.troubles.append(ChannelRefused("550 no such user"))
    ops.history.differ(7)
    await ops.check()
    await ops.deliver()
    await ops.store.acknowledge("Differs", "bert", ops.clock.now())
    page = (await ops.get("/")).text

    assert "slack; email not reached yet, after 1 attempt: refused: 550 no such user" in page
    assert "acknowledged by bert 0s ago" in page


async def test_the_page_tells_what_is_silent_and_why_with_markup_as_text(ops: Ops) -> None:
    now = ops.clock.now()
    wanted = Silence(0, Matcher(("Differs",)), "bert", "<b>stock-take</b>", now, now, now + timedelta(hours=2))
    await ops.store.silence(wanted)
    ops.history.differ(7)
    await ops.check()
    page = (await ops.get("/")).text
    firing = (await ops.get("/api/status", authorization=f"Bearer {TOKEN}")).json()["firing"]

    assert "Silent until 2026-11-24 12:00:00 UTC: Differs" in page
    assert "silence 1 of bert: &lt;b&gt;stock-take&lt;/b&gt;; <code>lightspeed-sync alerts lift 1</code>" in page
    assert "<b>stock-take" not in page
    assert "nobody; email, slack not told: hidden by silence 1 of bert" in page
    assert [(each["alert"], each["hidden"]["why"]) for each in firing] == [("Differs", "silenced")]


async def test_the_newest_comparison_of_both_shops_is_shown_and_linked(ops: Ops) -> None:
    assert (await ops.get("/validation")).status_code == 404
    assert "<code>lightspeed-sync validate</code>" in (await ops.get("/")).text

    book, found = SqlFindingBook(ops.database), [finding(difference=5)]
    number = await book.begin(START)
    await book.keep(number, 0, found)
    await book.finish(replace(summary(found), validation_id=number, finished_at=START))

    answer = await ops.get("/validation")
    assert (answer.status_code, "1 difference between Lightspeed and Shopify" in answer.text) == (200, True)
    assert "script-src 'sha256-" in answer.headers["content-security-policy"]
    assert '<a href="/validation">1 finding</a>' in (await ops.get("/")).text
    assert (await ops.get("/api/status", authorization=f"Bearer {TOKEN}")).json()["validated"]["counts"][
        "stock_higher"
    ] == 1
