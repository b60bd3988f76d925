"""Lightspeed's JSON habits, by tables and by every recorded and documented answer."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sync.lightspeed.wire import (
    Account,
    Item,
    ItemShop,
    NotWire,
    Page,
    Register,
    Sale,
    Session,
    Shop,
    Wire,
    many,
    parse_page,
    parse_row,
    parse_rows,
)

SHARED = Path(__file__).parents[4] / "shared" / "data" / "lightspeed"
RESOURCES: dict[str, type[Wire]] = {
    "Account": Account,
    "Shop": Shop,
    "Register": Register,
    "Item": Item,
    "ItemShop": ItemShop,
    "Sale": Sale,
}
ROW = {
    "itemShopID": "897",
    "itemID": "141",
    "shopID": "1",
    "qoh": "33",
    "timeStamp": "2025-06-18T18:30:09+00:00",
    "onWorkorder": "2",
}


def recorded(name: str) -> Any:
    if not SHARED.is_dir():
        pytest.skip(f"the folder {SHARED} with recorded answers is absent")
    return json.loads((SHARED / name).read_text())["response"]["body"]


@pytest.mark.shared
def test_every_recorded_answer_of_a_resource_we_read_is_understood() -> None:
    if not SHARED.is_dir():
        pytest.skip(f"the folder {SHARED} with recorded answers is absent")
    understood = dict.fromkeys(RESOURCES, 0)
    for path in sorted(SHARED.glob("*.json")):
        body = (json.loads(path.read_text()).get("response") or {}).get("body")
        if not isinstance(body, dict):
            continue
        for resource in RESOURCES.keys() & body.keys():
            raw = [row for row in many(body[resource]) if row != "..."]  # documentation leaves rows out like this
            understood[resource] += len(parse_rows(RESOURCES[resource], raw))
            assert parse_page(body, resource).rows
    assert understood == {"Account": 1, "Shop": 2, "Register": 1, "Item": 9, "ItemShop": 2, "Sale": 11}


@pytest.mark.shared
def test_a_recorded_item_is_read_with_its_stock_rows() -> None:
    item = parse_row(Item, recorded("rec_item_create.json")["Item"])
    assert (item.item_id, item.system_sku, item.description, item.archived) == ("429", "210000000435", "Onesie", False)
    assert item.item_shops is not None
    assert [(row.shop_id, row.qoh) for row in item.item_shops] == [("1", 0), ("0", 0)]


@pytest.mark.shared
def test_the_recorded_empty_list_is_an_empty_page() -> None:
    assert parse_page(recorded("rec_empty_list.json"), "Category") == Page([], None)


@pytest.mark.shared
def test_the_documented_session_shows_the_employees_rights() -> None:
    session = parse_row(Session, recorded("doc_session_get.json"))
    assert (session.employee_id, session.rights["inventory_read"]) == ("2", True)


@pytest.mark.parametrize(
    ("value", "rows"),
    [
        pytest.param(None, [], id="null"),
        pytest.param("", [], id="empty text"),
        pytest.param([], [], id="empty list"),
        pytest.param({"a": "1"}, [{"a": "1"}], id="one is an object"),
        pytest.param([{"a": "1"}], [{"a": "1"}], id="one in a list"),
        pytest.param([{"a": "1"}, {"a": "2"}], [{"a": "1"}, {"a": "2"}], id="several"),
    ],
)
def test_a_collection_is_a_list_however_it_is_spelt(value: object, rows: list[object]) -> None:
    assert many(value) == rows


@pytest.mark.parametrize(
    ("raw", "units"),
    [
        pytest.param("33", 33, id="text"),
        pytest.param(33, 33, id="number"),
        pytest.param("-2", -2, id="negative"),
        pytest.param("-0", 0, id="minus nothing"),
        pytest.param("2.9", 2, id="a fraction cannot be sold"),
        pytest.param("-0.5", -1, id="a negative fraction goes down"),
        pytest.param(2.75, 2, id="a number with a fraction"),
        pytest.param(" 7 ", 7, id="blanks"),
    ],
)
def test_quantities_are_whole_units_rounded_down(raw: object, units: int) -> None:
    assert parse_row(ItemShop, {**ROW, "qoh": raw}).qoh == units


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("qoh", "", id="no quantity"),
        pytest.param("qoh", None, id="null quantity"),
        pytest.param("qoh", "NaN", id="NaN"),
        pytest.param("qoh", "1e3", id="exponent"),
        pytest.param("qoh", "٣", id="digits that are not ASCII"),
        pytest.param("qoh", "9999999999999", id="beyond reason"),
        pytest.param("qoh", True, id="boolean"),
        pytest.param("qoh", {"a": "1"}, id="object"),
        pytest.param("itemID", "", id="no id"),
        pytest.param("itemID", "12a", id="id that is none"),
        pytest.param("itemID", "-1", id="negative id"),
        pytest.param("shopID", None, id="null id"),
        pytest.param("timeStamp", "2025-06-18T18:30:09", id="time without offset"),
        pytest.param("timeStamp", "2025-06-18", id="a day"),
        pytest.param("timeStamp", "2025-13-18T18:30:09Z", id="a month that is none"),
        pytest.param("timeStamp", 1750271409, id="seconds since 1970"),
        pytest.param("timeStamp", "", id="no time"),
    ],
)
def test_a_row_that_makes_no_sense_is_refused_without_naming_its_value(field: str, value: object) -> None:
    with pytest.raises(NotWire) as caught:
        parse_row(ItemShop, {**ROW, field: value})
    assert str(caught.value) == f"ItemShop: {field}"


@pytest.mark.parametrize("missing", ["itemShopID", "itemID", "shopID", "qoh", "timeStamp"])
def test_a_row_without_a_field_we_need_is_refused(missing: str) -> None:
    with pytest.raises(NotWire, match=missing):
        parse_row(ItemShop, {name: value for name, value in ROW.items() if name != missing})


@pytest.mark.parametrize(
    "row", [pytest.param("...", id="text"), pytest.param(None, id="null"), pytest.param([], id="list")]
)
def test_a_row_that_is_no_object_is_refused(row: object) -> None:
    with pytest.raises(NotWire):
        parse_row(Item, row)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        pytest.param("2016-02-13T00:49:37+00:00", datetime(2016, 2, 13, 0, 49, 37, tzinfo=UTC), id="as returned"),
        pytest.param("2016-02-13T00:49:37Z", datetime(2016, 2, 13, 0, 49, 37, tzinfo=UTC), id="Z"),
        pytest.param("2016-02-12T20:49:37-0400", datetime(2016, 2, 13, 0, 49, 37, tzinfo=UTC), id="offset, no colon"),
        pytest.param("2016-02-13T01:49:37.5+01:00", datetime(2016, 2, 13, 0, 49, 37, 500_000, UTC), id="fraction"),
    ],
)
def test_times_are_read_with_their_offset(text: str, moment: datetime) -> None:
    assert parse_row(ItemShop, {**ROW, "timeStamp": text}).time_stamp == moment


@pytest.mark.parametrize(
    ("raw", "archived"),
    [
        ("true", True),
        ("false", False),
        (True, True),
        (False, False),
        ("1", True),
        (0, False),
        ("TRUE", True),
        ("", False),
    ],
)
def test_booleans_are_read_from_text_and_from_booleans(raw: object, archived: bool) -> None:
    assert parse_row(Shop, {"shopID": "1", "archived": raw}).archived is archived


def test_numbers_in_place_of_texts_are_read_alike() -> None:
    item = parse_row(Item, {"itemID": 7, "upc": 614121182479, "customSku": None, "timeStamp": None})
    assert (item.item_id, item.upc, item.custom_sku, item.time_stamp) == ("7", "614121182479", "", None)


@pytest.mark.parametrize("spelling", ["onWorkorder", "onWorkOrder"])
def test_both_spellings_of_on_workorder_are_read(spelling: str) -> None:
    raw = {name: value for name, value in ROW.items() if name != "onWorkorder"}
    assert parse_row(ItemShop, {**raw, spelling: "2"}).on_workorder == 2


@pytest.mark.parametrize("spelling", ["updateTime", "updatetime"])
def test_both_spellings_of_update_time_are_read(spelling: str) -> None:
    sale = parse_row(
        Sale, {"saleID": "1", "calcTotal": "34.48", "calcPayments": "0", spelling: "2016-02-13T00:49:37+00:00"}
    )
    assert sale.update_time == datetime(2016, 2, 13, 0, 49, 37, tzinfo=UTC)
    assert (sale.total, sale.complete_time) == (3448, None)


def test_unknown_fields_are_ignored() -> None:
    assert parse_row(ItemShop, {**ROW, "sentient": {"since": ["2027"]}}).qoh == 33


@pytest.mark.parametrize(
    ("raw", "count"),
    [
        pytest.param({}, None, id="not sent"),
        pytest.param({"ItemShops": None}, None, id="null"),
        pytest.param({"ItemShops": ""}, 0, id="empty text"),
        pytest.param({"ItemShops": {"ItemShop": ROW}}, 1, id="one as an object"),
        pytest.param({"ItemShops": {"ItemShop": [ROW, ROW]}}, 2, id="several"),
        pytest.param({"ItemShops": {"ItemShop": ""}}, 0, id="empty inside"),
        pytest.param({"ItemShops": {}}, 0, id="empty object"),
        pytest.param({"ItemShops": []}, 0, id="empty list"),
    ],
)
def test_stock_rows_that_were_not_sent_differ_from_none(raw: dict[str, object], count: int | None) -> None:
    rows = parse_row(Item, {"itemID": "7", **raw}).item_shops
    assert (None if rows is None else len(rows)) == count


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(None, id="null"),
        pytest.param([], id="list"),
        pytest.param({}, id="empty object"),
        pytest.param("Item", id="text"),
        pytest.param({"Item": []}, id="no attributes"),
        pytest.param({"@attributes": "", "Item": []}, id="attributes are text"),
        pytest.param({"@attributes": {"next": ""}, "Shop": []}, id="another resource"),
        pytest.param({"@attributes": {"next": 7}, "Item": []}, id="next is a number"),
        pytest.param({"httpCode": "500", "message": "no"}, id="an error said with 200"),
    ],
)
def test_what_is_no_list_answer_is_refused(body: object) -> None:
    with pytest.raises(NotWire):
        parse_page(body, "Item")


@pytest.mark.parametrize(
    ("body", "page"),
    [
        pytest.param({"@attributes": {"next": "", "previous": ""}}, Page([], ""), id="empty: the key is left out"),
        pytest.param({"@attributes": {"next": "u"}, "Item": ""}, Page([], "u"), id="empty text"),
        pytest.param({"@attributes": {"count": "0"}}, Page([], None), id="no next"),
        pytest.param({"@attributes": {"next": ""}, "Item": {"itemID": "1"}}, Page([{"itemID": "1"}], ""), id="one"),
    ],
)
def test_a_page_has_rows_and_a_next_link(body: object, page: Page) -> None:
    assert parse_page(body, "Item") == page
