"""`conflicts` by real processes: what waits for a person is shown, decided on, carried out and kept in mind."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.play import ALERTS, Ended, Shop, shop

pytestmark = pytest.mark.anyio

_ALERT = """\
alerts:
  - name: ManualReconciliation
    when: quarantined_skus > 0
    severity: warning
    summary: "Unexplained changes that wait for a person: {{ value }}"
"""
_WITH_ALERT = ALERTS.replace("drift_limit: 1000", "drift_limit: 10").replace("alerts:\n", _ALERT)


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Shop]:
    """Open a shop that is in step, where somebody then changed 20 units of a SKU by hand."""
    async with shop(tmp_path, goods=12) as opened:
        (tmp_path / "alerts.yaml").write_text(_WITH_ALERT)
        confirmed = await opened.run("sync", "--full", "--confirm")
        assert confirmed.code == 0, confirmed.said
        opened.world.shopify.adjust(opened.skus[0], 20)
        yield opened


async def waiting(served: Shop) -> list[dict[str, object]]:
    """Return what `conflicts list` tells to programs."""
    listed = await served.run("conflicts", "list", "--json")
    assert listed.code == 0, listed.said
    found: list[dict[str, object]] = json.loads(listed.out)
    return found


async def someone_is_needed(served: Shop) -> None:
    await served.until(lambda: records(served), "the difference to wait for a person")


def on_record(served: Shop) -> tuple[object, ...]:
    """Return the one row of the audit: how it was decided, whether by whom and when are there, and how it ended."""
    (row,) = records(served)
    return row


def records(served: Shop) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(served.folder / "state" / "lightspeed-sync.db")) as database:
        columns = "decision, decided_by <> '', decided_at <> '', resolution"
        return database.execute(f"SELECT {columns} FROM quarantine").fetchall()  # noqa: S608


def words(ended: Ended) -> str:
    return " ".join(ended.out.split())


async def test_a_difference_is_listed_and_approved_beside_a_running_daemon(served: Shop) -> None:
    sku, truth = served.skus[0], served.world.sellable(served.skus[0])
    await served.start()
    await someone_is_needed(served)
    await served.until(lambda: "ManualReconciliation" in str(served.world.slack.messages), "the alert")
    listed = await served.run("conflicts", "list")
    status = await served.run("status")
    why = await served.run("why", sku)
    approved = await served.run("conflicts", "approve", sku)
    await served.until(lambda: not served.out_of_step(), "Lightspeed's number to be taken")
    await served.until(lambda: on_record(served)[3] is not None, "the decision to be on record")
    after = await served.run("conflicts", "list")
    assert await served.stop() == 0
    assert (listed.code, f"{sku} {truth + 20} {truth} +20 waits for a person since" in words(listed)) == (0, True)
    assert "lightspeed-sync conflicts approve SKU" in listed.out
    assert "for a person 1 SKU to decide on (lightspeed-sync conflicts list)" in words(status), status.said
    assert "FIRING ManualReconciliation (warning, since" in words(status), status.said
    assert sku in words(status)
    assert "quarantined: +20 units that nothing explains; waits for a person" in why.out
    assert (approved.code, approved.out) == (
        0,
        f"{sku}: Lightspeed's number is taken; the next sync carries it out.\n",
    )
    assert after.out == "Nothing waits for a person, and no difference is kept.\n"
    assert on_record(served) == ("approved", 1, 1, "approved")


async def test_a_dismissed_difference_stays_and_is_shown_until_it_is_approved(served: Shop) -> None:
    sku, truth = served.skus[0], served.world.sellable(served.skus[0])
    await served.start()
    await someone_is_needed(served)
    dismissed = await served.run("conflicts", "dismiss", sku, "--json")
    await served.until(lambda: on_record(served)[3] is not None, "the decision to be on record")
    shown = await served.run("conflicts", "list")
    status = await served.run("status", "--json")
    assert served.world.shopify.available(sku) == truth + 20
    approved = await served.run("conflicts", "approve", sku)
    await served.until(lambda: not served.out_of_step(), "the difference to be gone")
    assert await served.stop() == 0
    told = json.loads(dismissed.out)
    assert (dismissed.code, told["decided"], told["decision"], told["skus"]) == (0, 1, "dismissed", [sku])
    assert f"{sku} {truth + 20} {truth} +20 kept: Shopify shows 20 units more than Lightspeed has" in words(shown)
    assert json.loads(status.out)["standing"]["kept_skus"] == 1
    assert approved.code == 0, approved.said


async def test_without_a_daemon_a_word_is_kept_until_the_next_pass(served: Shop) -> None:
    sku = served.skus[0]
    await served.until(lambda: _found_by_a_pass(served), "a pass to find the difference")
    approved = await served.run("conflicts", "approve", sku)
    pending = await waiting(served)
    assert (approved.code, "the daemon carries it out when it runs" in approved.out) == (0, True), approved.said
    assert [(each["sku"], each["decision"]) for each in pending] == [(sku, "approved")]
    passed = await served.run("sync", "--sku", sku, "--confirm")
    assert passed.code == 0, passed.said
    assert served.out_of_step() == {}
    assert await waiting(served) == []


async def _found_by_a_pass(served: Shop) -> bool:
    await served.run("sync", "--confirm")
    return bool(records(served))


@pytest.mark.parametrize(
    ("named", "code"), [pytest.param("NOSUCH", "LS002", id="unknown"), pytest.param(None, "SK004", id="in step")]
)
async def test_a_sku_that_has_nothing_to_decide_is_told_in_words(named: str | None, code: str, served: Shop) -> None:
    sku = named or served.skus[1]
    for word in ("approve", "dismiss"):
        ended = await served.run("conflicts", word, sku)
        assert (ended.code, ended.out, ended.err[:5], sku in ended.err) == (1, "", code, True), ended.said
