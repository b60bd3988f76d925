"""Opening the sandbox with a product export as Shopify writes it."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from sandbox.catalogue import generate
from sandbox.csv_import import read_export
from sandbox.goods import Good

SHARED = Path(__file__).parents[3] / "shared"

OLD = (
    "Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Option2 Name,Option2 Value,"
    "Variant SKU,Variant Inventory Tracker,Variant Inventory Qty,Variant Price,Variant Barcode,Image Src,"
    "Image Position,Gift Card,SEO Title,Cost per item,Status\n"
)
NEW = (
    "Title,URL handle,Description,Vendor,Product category,Type,Tags,Published on online store,Status,SKU,Barcode,"
    "Option1 name,Option1 value,Option1 Linked To,Price,Cost per item,Inventory tracker,Inventory quantity,"
    "Product image URL,Image position,Variant image URL,Gift card,SEO title\n"
)
SHIRT = (
    'shirt,Crew Shirt,"<p>Soft,\nand ""long""</p>",WTF,Shirts,"new, cotton ",true,Size,S,Color,Black,'
    "S-1,shopify,3,19.99,'0123456789012,https://i.example/1.jpg,1,false,seo,7.5,active\n"
    "shirt,,,,,,,,S,,Bone,'00S-2,shopify,-2,21,,https://i.example/2.jpg,2,,,,\n"
    "shirt,,,,,,,,,,,,,,,,https://i.example/3.jpg,3,,,,\n"
)
CARD = "card,Gift Card,,WTF,,,true,Title,Default Title,,,GC-1,,0,25.00,,,,true,,,draft\n"


@pytest.fixture
def export(tmp_path: Path) -> Path:
    return tmp_path / "products_export.csv"


def test_a_product_takes_a_row_per_variant_and_per_further_picture(export: Path) -> None:
    export.write_text(OLD + SHIRT + CARD, encoding="utf-8")

    black, bone, card = read_export(export)

    assert (black.sku, black.online_sku, black.options) == ("S-1", None, (("Size", "S"), ("Color", "Black")))
    assert (black.price, black.cost, black.stock) == (Decimal("19.99"), Decimal("7.50"), 3)
    assert (black.online_stock, black.tracked) == (None, True)
    assert (black.barcode, black.category, black.tags) == ("0123456789012", "Shirts", ("new", "cotton"))
    assert black.description_html == '<p>Soft,\nand "long"</p>'
    assert black.image_urls == ("https://i.example/1.jpg", "https://i.example/2.jpg", "https://i.example/3.jpg")
    assert (bone.title, bone.handle, bone.vendor, bone.status) == ("Crew Shirt", "shirt", "WTF", "ACTIVE")
    assert bone.options == (("Size", "S"), ("Color", "Bone"))
    assert (bone.sku, bone.stock, bone.online_stock) == ("00S-2", 0, -2)
    assert (card.options, card.item_type, card.tracked, card.status) == ((), "non_inventory", False, "DRAFT")


def test_the_newer_column_names_are_understood(export: Path) -> None:
    export.write_text(
        NEW
        + "Kava,kava,<p>Root</p>,WTF,Drinks > Kava,,calm,TRUE,Archived,K-1,,Size,2 oz,,14.99,5,shopify,8,,,,,\n"
        + ",kava,,,,,,,,K-2,,,8 oz,,32.99,11,shopify,4,,,,,\n",
        encoding="utf-8",
    )

    small, large = read_export(export)

    assert (small.sku, small.stock, small.category) == ("K-1", 8, "Kava")
    assert (small.status, small.archived) == ("ARCHIVED", True)
    assert (large.sku, large.options, large.price) == ("K-2", (("Size", "8 oz"),), Decimal("32.99"))


def test_a_byte_order_mark_and_windows_line_ends_change_nothing(export: Path) -> None:
    export.write_text(OLD + SHIRT + CARD, encoding="utf-8", newline="\n")
    plain = read_export(export)
    export.write_bytes(b"\xef\xbb\xbf" + (OLD + CARD + "\n" + SHIRT).replace("\n", "\r\n").encode())

    windows = read_export(export)

    assert [good.sku for good in windows] == ["GC-1", "S-1", "00S-2"]
    assert windows[0] == plain[2]


NO_SKUS = (
    OLD
    + "glove,Gloves,,WTF,,,true,Color,Green,,,,,1,9.99,,,,,,,active\n"
    + "glove,,,,,,,,Light Blue,,,,,3,9.99,,,,,,,\n"
    + "one,One,,WTF,,,true,Title,Default Title,,,X-1,shopify,5,1.00,,,,,,,active\n"
    + "two,Two,,WTF,,,true,Title,Default Title,,,X-1,shopify,6,1.00,,,,,,,active\n"
    + "trap,Trap,,WTF,,,true,Title,Default Title,,,GLOVE-GREEN,shopify,6,1.00,,,,,,,active\n"
)


def test_missing_and_repeated_skus_stay_as_they_are_in_shopify(export: Path) -> None:
    export.write_text(NO_SKUS, encoding="utf-8")

    goods = read_export(export)

    assert [(good.sku, good.online_sku, good.in_store) for good in goods] == [
        ("GLOVE-GREEN-2", "", True),
        ("GLOVE-LIGHT-BLUE", "", True),
        ("X-1", None, True),
        ("TWO", "X-1", False),
        ("GLOVE-GREEN", None, True),
    ]
    assert [good.tracked for good in goods] == [False, False, True, True, True]


def test_mending_gives_every_variant_a_sku_of_its_own_and_tracks_it(export: Path) -> None:
    export.write_text(NO_SKUS, encoding="utf-8")

    goods = read_export(export, mend=True)

    assert [good.sku for good in goods] == ["GLOVE-GREEN-2", "GLOVE-LIGHT-BLUE", "X-1", "TWO", "GLOVE-GREEN"]
    assert all(good.online_sku is None and good.tracked and good.in_store for good in goods)


def test_blanks_round_a_sku_are_kept_as_typed_on_shopifys_side(export: Path) -> None:
    export.write_text(OLD + CARD.replace("GC-1", " GC-1 "), encoding="utf-8")

    (card,) = read_export(export)

    assert (card.sku, card.online_sku) == ("GC-1", " GC-1 ")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "line 1: the file is empty"),
        (OLD, "line 2: no products"),
        ("Title,Price\nKava,1\n", "line 1: no column 'Handle' or 'URL handle'"),
        (OLD.replace(",", ";"), "separated by commas"),
        (OLD + CARD.replace("25.00", "25,00"), "line 2, column 'Status': the row has 23 cells, the header 22"),
        (OLD + CARD.replace("25.00", "free"), "line 2, column 'Variant Price': 'free' is not an amount"),
        (OLD + CARD.replace("25.00", "-1"), "line 2, column 'Variant Price': '-1' is not an amount"),
        (OLD + CARD.replace("25.00", "NaN"), "line 2, column 'Variant Price': 'NaN' is not an amount"),
        (OLD + SHIRT + CARD.replace(",0,", ",some,"), "line 6, column 'Variant Inventory Qty': 'some' is not a whole"),
        (OLD + CARD.replace("draft", "sold"), "line 2, column 'Status': 'sold' is not one of"),
        (OLD + CARD.replace("card,", ",", 1), "line 2, column 'Handle': empty"),
        (OLD + CARD.replace("Gift Card", ""), "line 2, column 'Title': empty in the first row of 'card'"),
        (
            OLD + SHIRT.replace("Color,Black", ",Black"),
            "line 2, column 'Option2 Value': 'Black' without an option name",
        ),
        (OLD + CARD[:30] + "\n", "line 2, column 'Option1 Value': the row has 8 cells"),
        (OLD + CARD.replace("Gift Card", '"Gift Card'), "line 2: unexpected end of data"),
    ],
    ids=[
        "empty file",
        "header only",
        "no handle column",
        "semicolons",
        "too many cells",
        "a word for a price",
        "a negative price",
        "not a number",
        "a word for a quantity",
        "unknown status",
        "no handle",
        "no title",
        "option without a name",
        "cut off",
        "open quote",
    ],
)
def test_a_broken_file_is_refused_with_line_and_column(export: Path, text: str, complaint: str) -> None:
    export.write_text(text, encoding="utf-8")

    with pytest.raises(ValueError, match=re.escape(complaint)):
        read_export(export)


def test_a_file_in_another_encoding_is_refused_with_its_place(export: Path) -> None:
    export.write_bytes(OLD.encode() + CARD.encode().replace(b"Gift Card", b"Gift\xa0Card"))

    with pytest.raises(ValueError, match="line 2, character 10: not UTF-8 text"):
        read_export(export)


def test_very_long_descriptions_fit(export: Path) -> None:
    export.write_text(OLD + CARD.replace("Gift Card,,", f"Gift Card,{'x' * 200_000},"), encoding="utf-8")

    (card,) = read_export(export)

    assert len(card.description_html) == 200_000


def _exported(goods: list[Good], path: Path) -> None:
    """Write goods as Shopify exports them: what belongs to the product stands in its first row only."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, OLD.strip().split(","))
        writer.writeheader()
        seen: set[str] = set()
        for good in goods:
            row = {
                "Handle": good.handle,
                "Variant SKU": good.sku if good.online_sku is None else good.online_sku,
                "Variant Inventory Tracker": "shopify" if good.tracked else "",
                "Variant Inventory Qty": good.stock,
                "Variant Price": good.online_price or good.price,
                "Variant Barcode": f"'{good.barcode}" if good.barcode else "",
                "Cost per item": good.cost,
            }
            for number, (name, value) in enumerate(good.options or (("Title", "Default Title"),), start=1):
                row |= {f"Option{number} Name": name if good.handle not in seen else "", f"Option{number} Value": value}
            if good.handle not in seen:
                row |= {"Title": good.title, "Body (HTML)": good.description_html, "Vendor": good.vendor}
                row |= {"Type": good.category, "Tags": ", ".join(good.tags), "Status": good.status.lower()}
                row |= {"Image Src": good.image_urls[0]}
            seen.add(good.handle)
            writer.writerow(row)


def test_a_made_up_shop_survives_being_exported_and_read(export: Path) -> None:
    goods = [good for good in generate(400, seed=12) if good.online and good.item_type == "default"]
    _exported(goods, export)

    read = read_export(export)

    by_sku = {good.sku: good for good in read}
    same = [good for good in goods if good.online_sku is None and good.in_store]
    assert len(read) == len(goods) > len(same) > 300
    priced = [replace(good, price=good.online_price or good.price, online_price=None) for good in same]
    assert [by_sku[good.sku] for good in same] == priced


def test_a_real_export_can_be_read() -> None:
    path = SHARED / "data/shopify/packt_product-data.csv"
    if not path.exists():
        pytest.skip(f"{SHARED} is absent: the real product export was not read")

    goods = read_export(path)

    assert len(goods) == 21
    assert sum(good.stock for good in goods) == 65
    assert (goods[0].title, goods[0].price, goods[0].stock) == ("Floor Lamp", Decimal("69.99"), 1)
    assert [good.options for good in goods[-2:]] == [(("Color", "Green"),), (("Color", "Yellow"),)]
    assert {good.online_sku for good in goods} == {""}
    assert [good.handle for good in goods if good.tracked] == ["grey-wheelbarrow"]
