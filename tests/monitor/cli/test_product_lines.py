"""Writes of product fields as `why` tells them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from monitor.asked import SyncReply
from monitor.cli.common import Exit
from monitor.cli.product_lines import product_lines
from monitor.cli.sync import exit_of
from sync.products import ChangeKind, Field, ProductChange, ProductOutcome, ProductResult, ProductWrite
from sync.records import RunOutcome

AT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


def written(
    field: Field,
    before: Any,
    after: Any,
    *,
    kind: ChangeKind = ChangeKind.FIELD,
    outcome: ProductOutcome | None = ProductOutcome.APPLIED,
    code: str = "",
    detail: str = "",
) -> ProductWrite:
    change = ProductChange("key", kind, "KAVA-1", "p1", field, before, after, "Lightspeed says so.", 10)
    return ProductWrite(7, 3, AT, change, outcome, AT, code, detail, made="")


@pytest.mark.parametrize(
    ("write", "line"),
    [
        (written(Field.PRICE, 1_700, 1_990), "price: 17.00 -> 19.90  (applied; run 3, product write 7)"),
        (written(Field.PRICE, None, 1_990), "price: none -> 19.90  (applied; run 3, product write 7)"),
        (
            written(Field.TITLE, "Kava", "Kava Root", outcome=None),
            "title: “Kava” -> “Kava Root”  (on its way; run 3, product write 7)",
        ),
        (
            written(Field.DESCRIPTION, "", "<p>" + "Rooted " * 20),
            "description: nothing -> “Rooted Rooted Rooted Rooted Rooted Root…”  (applied; run 3, product write 7)",
        ),
        (written(Field.IMAGES, [], ["a", "b"]), "images: 0 pictures -> 2 pictures  (applied; run 3, product write 7)"),
        (
            written(Field.TAGS, ["a"], ["a", "Tea"], outcome=ProductOutcome.REFUSED, code="SH003", detail="tags: no"),
            "tags: [a] -> [a, Tea]  (refused; run 3, product write 7; SH003 tags: no)",
        ),
        (
            written(Field.PRODUCT, None, {"title": "Kava"}, kind=ChangeKind.CREATE),
            "product made: Kava  (applied; run 3, product write 7)",
        ),
        (
            written(
                Field.STATUS,
                {"status": "ACTIVE", "available": {"a": 3, "b": 4}},
                {"status": "DRAFT", "available": {"a": 0, "b": 0}},
                kind=ChangeKind.RETIRE,
            ),
            "status: ACTIVE -> DRAFT, stock 7 -> 0  (applied; run 3, product write 7)",
        ),
        (
            written(
                Field.STATUS,
                {"status": "ACTIVE", "available": {"a": 3}},
                {"status": "ACTIVE", "available": {"a": 0}},
                kind=ChangeKind.RETIRE,
            ),
            "stays ACTIVE, stock 3 -> 0  (applied; run 3, product write 7)",
        ),
    ],
    ids=["price", "no price before", "title", "text", "pictures", "tags refused", "made", "retired", "zeroed"],
)
def test_a_write_is_told_in_two_lines(write: ProductWrite, line: str) -> None:
    first, reason = product_lines(write)
    assert first.endswith(f"  {line}")
    assert reason == "    Lightspeed says so."


@pytest.mark.parametrize(("refusal", "code"), [("SH003", Exit.DONE), ("", Exit.WRONG)])
def test_what_a_plan_says_cannot_be_written_is_no_failure_of_carrying_it_out(refusal: str, code: Exit) -> None:
    change = ProductChange("title/1", ChangeKind.FIELD, "KAVA-1", "1", Field.TITLE, "a", "b", "it differs", 10, refusal)
    left = ProductResult(change, ProductOutcome.REFUSED, "SH003", "the title is too long")
    assert exit_of(SyncReply(run_id=1, outcome=RunOutcome.OK, products=(left,))) is code
