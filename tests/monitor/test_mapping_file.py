"""The SKU mapping as a file: the runbook's JSON and CSV, there and back, and every mistake told with its place."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.mapping_file import MappingFile, mapping_of, parse, titles_of, to_csv, to_json
from monitor.spreadsheet import guarded, plain
from sync.errors import Code, Permanent
from sync.records import SkuKey

RUNBOOK = """
{
  "sku_mappings": {
    "KAVA-PREM-001": "kava-premium-small",
    "KRATOM-GRN-002": "kratom-green-medium",
    "THC-DRINK-003": "thc-beverage-10mg"
  },
  "unmapped_lightspeed": [],
  "unmapped_shopify": []
}
"""


def item(number: int, sku: str, linked_to: str = "", item_type: str = "default") -> SkuKey:
    return SkuKey(f"{number}", "", (sku,), (), f"Item {number}", item_type, linked_to=linked_to)


def variant(number: int, sku: str, linked_to: str = "") -> SkuKey:
    return SkuKey(
        f"gid://shopify/ProductVariant/{number}", f"n{number}", (sku,), (), f"V {number}", linked_to=linked_to
    )


GOODS = [
    item(1, "A-1", "gid://shopify/ProductVariant/11"),
    item(2, "a-1", "gid://shopify/ProductVariant/12"),
    item(3, "LEFT"),
    item(4, "BOX", item_type="box"),
]
SHOWN = [variant(11, "one", "1"), variant(12, "", "2"), variant(13, "=SUM(A1)")]


def test_the_runbooks_own_file_is_read() -> None:
    assert parse(RUNBOOK) == MappingFile(
        (
            ("KAVA-PREM-001", "kava-premium-small"),
            ("KRATOM-GRN-002", "kratom-green-medium"),
            ("THC-DRINK-003", "thc-beverage-10mg"),
        )
    )


def test_what_a_sku_does_not_name_alone_is_named_by_its_id() -> None:
    mapping = mapping_of(GOODS, SHOWN)
    assert mapping.pairs == (("item:1", "one"), ("item:2", "variant:12"))
    assert (mapping.unmapped_lightspeed, mapping.unmapped_shopify) == (("LEFT",), ("=SUM(A1)",))


@pytest.mark.parametrize("form", ["json", "csv"])
def test_what_was_written_is_read_back(form: str) -> None:
    mapping = mapping_of(GOODS, SHOWN)
    text = to_json(mapping) if form == "json" else to_csv(mapping, titles_of(GOODS, SHOWN))
    assert parse(text) == mapping


def test_json_is_the_runbooks_form() -> None:
    assert list(json.loads(to_json(MappingFile()))) == ["sku_mappings", "unmapped_lightspeed", "unmapped_shopify"]


def test_csv_names_both_titles_and_has_no_formulas() -> None:
    lines = to_csv(mapping_of(GOODS, SHOWN), titles_of(GOODS, SHOWN)).splitlines()
    assert lines == [
        "lightspeed_sku,shopify_sku,state,lightspeed_title,shopify_title",
        "item:1,one,linked,Item 1,V 11",
        "item:2,variant:12,linked,Item 2,V 12",
        "LEFT,,unmapped_lightspeed,Item 3,",
        ",'=SUM(A1),unmapped_shopify,,V 13",
    ]


def test_csv_from_a_spreadsheet_is_read_with_its_mark_its_semicolons_and_blanks() -> None:
    text = (
        "\ufeffShopify_SKU;Lightspeed_SKU;note\r\n kava-premium-small ;KAVA-PREM-001;ok\r\n;LEFT;\r\nalone;;\r\n;;\r\n"
    )
    assert parse(text) == MappingFile((("KAVA-PREM-001", "kava-premium-small"),), ("LEFT",), ("alone",))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"sku_mappings": {"A": "b",}}', "line 1, column"),
        ('{"sku_mappings": {"A": "b", "A": "c"}}', "'A' stands there twice"),
        ('{"mappings": {}}', "it has no sku_mappings"),
        ('{"sku_mappings": {}, "extra": 1}', "it has extra, which means nothing here"),
        ('{"sku_mappings": []}', "sku_mappings is no object"),
        ('{"sku_mappings": {"A": 1}}', "sku_mappings, 'A': both SKUs must be texts"),
        ('{"sku_mappings": {"A": " "}}', "sku_mappings, 'A': both SKUs must be texts"),
        ('{"sku_mappings": {}, "unmapped_shopify": "b"}', "unmapped_shopify is no list of texts"),
        ("[1]", "it has no sku_mappings"),
        ('{"a":' * 100_000, "recursion"),
        ("lightspeed_sku,shopify_sku\n" + "a" * 200_000 + ",b\n", "line 1: field larger than field limit"),
        ("", "line 1: there is no column lightspeed_sku nor shopify_sku"),
        ("sku,other\n", "line 1: there is no column lightspeed_sku nor shopify_sku"),
        ("lightspeed_sku,shopify_sku\na,b,c\n", "line 2: more cells than columns"),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, told: str) -> None:
    with pytest.raises(Permanent) as caught:
        parse(text)
    assert (caught.value.code, told in caught.value.detail) == (Code.SK010, True), caught.value.detail


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-A1", "@SUM(1)", "\t=1", "'=1", "''-x"])
def test_what_a_spreadsheet_would_compute_is_guarded(cell: str) -> None:
    assert guarded(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["KAVA-1", "-5", "-5.25", "", "'quoted'", "O'Neill"])
def test_what_is_plain_text_or_a_number_stays_as_it_is(cell: str) -> None:
    assert guarded(cell) == cell


@given(st.text())
def test_a_guarded_cell_is_read_as_it_was(cell: str) -> None:
    assert plain(guarded(cell)) == cell
    assert not guarded(cell).startswith(("=", "+", "@", "\t", "\r", "\n"))
