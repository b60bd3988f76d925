"""Stock as Shopify's REST API exports it: what is read of it, and what is said of files that are none."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sync.inventory_export import read_export
from sync.rollback_ports import PastRow

HOME = "gid://shopify/Location/487838322"
SHARED = Path(__file__).parents[3] / "shared" / "data" / "shopify"
DOCUMENTED = SHARED / "shopify_python_api_inventory_levels.json"


def level(
    item: object = 7, units: object = 4, *, place: object = 487838322, at: object = "2026-11-25T10:00:00Z"
) -> dict[str, object]:
    return {"inventory_item_id": item, "location_id": place, "available": units, "updated_at": at}


def export(*levels: object) -> str:
    return json.dumps({"inventory_levels": list(levels)})


def test_the_rows_of_our_location_are_read_and_the_others_counted() -> None:
    text = export(level(), level(8, 3, place=5), level(9, None), level("12345678901234567890", -2, at=None))
    found = read_export(text, HOME)
    assert found.rows == (
        PastRow("gid://shopify/InventoryItem/7", 4, since=datetime(2026, 11, 25, 10, tzinfo=UTC)),
        PastRow("gid://shopify/InventoryItem/12345678901234567890", -2),
    )
    assert (found.elsewhere, found.untracked) == (1, 1)


def test_several_pages_one_behind_the_other_are_one_export_and_the_newest_of_a_row_counts() -> None:
    newer = level(7, 9, at="2026-11-25T05:30:00-05:00")
    found = read_export(export(level(7, 4), level(8)) + "\n\n" + export(newer), HOME)
    assert [(row.inventory_item_id[-1], row.units) for row in found.rows] == [("7", 9), ("8", 4)]


@pytest.mark.shared
def test_an_answer_as_shopify_documents_it_is_read() -> None:
    found = read_export(DOCUMENTED.read_text(), HOME)
    assert [(row.inventory_item_id.rsplit("/", 1)[1], row.units) for row in found.rows] == [
        ("39072856", 27),
        ("808950810", 9),
    ]
    assert found.elsewhere == 2


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("", "the file is empty", id="empty"),
        pytest.param("{", "Expecting", id="half"),
        pytest.param("[1]", "no answer", id="a list"),
        pytest.param("[" * 200_000, "nested too deeply", id="a well"),
        pytest.param(export(level(units=10**30)), "row 1: 1000000000000000000000000000000 units", id="a universe"),
        pytest.param('{"products": []}', "no list", id="another answer"),
        pytest.param('{"errors": "[API] Invalid API key"}', "refusal of the export: .API. Invalid", id="a refusal"),
        pytest.param(export(level(place=1)), "none of its 1 rows is of location 487838322", id="only elsewhere"),
        pytest.param(export(level(units="4")), "row 1: available is not a whole number", id="text"),
        pytest.param(export(level(), level(units=True)), "row 2: available", id="truth"),
        pytest.param(export(level(units=1.5)), "row 1: available", id="half a unit"),
        pytest.param(export(level(item="gid")), "row 1: inventory_item_id is not a number", id="an odd id"),
        pytest.param(export("seven"), "row 1: location_id is not a number", id="no row"),
        pytest.param(export(level(at="yesterday")), "row 1: updated_at is not a moment", id="an odd moment"),
        pytest.param(export(level(at="2026-11-25T10:00:00")), "row 1: updated_at names no time zone", id="no zone"),
    ],
)
def test_what_is_no_export_is_refused_with_its_reason(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_export(text, HOME)
