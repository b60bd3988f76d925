"""Reports for other programs: JSON with everything, CSV that computes nothing."""

from __future__ import annotations

import csv
import io
import json

import pytest

from monitor.reports.tables import COLUMNS, write_csv, write_json
from sync.findings import FindingClass
from tests.monitor.reports.made import finding, hostile, summary


def test_json_has_the_summary_and_every_finding() -> None:
    found = [finding(difference=5, equation={"L": 10, "target": 7}, also=("KAVA-2",)), finding(FindingClass.PRICE)]
    file = io.StringIO()
    write_json(file, summary(found), iter(found), "shop.example")
    data = json.loads(file.getvalue())
    assert data["findings"][0] == {
        "class": "stock_higher",
        "sku": "KAVA-1",
        "title": "Noble Kava, 8 oz",
        "lightspeed": "7",
        "shopify": "12",
        "sentence": "Shopify offers 12 and should offer 7: 5 units too many.",
        "remedy": "The next sync corrects it; `lightspeed-sync why KAVA-1` tells how it came about.",
        "difference": 5,
        "item_id": "",
        "variant_id": "",
        "product_id": "",
        "equation": {"L": 10, "target": 7},
        "also": ["KAVA-2"],
    }
    assert [each["class"] for each in data["findings"]] == ["stock_higher", "price"]
    assert (data["findings_count"], data["counts"]["price"], data["proves_equality"]) == (2, 1, False)
    assert data["finished_at"] == "2026-11-25T12:00:00Z"
    assert data["readings"][1]["rows"] == 125


def test_json_without_findings_is_a_proof() -> None:
    file = io.StringIO()
    write_json(file, summary(), iter(()), "shop.example")
    data = json.loads(file.getvalue())
    assert (data["findings"], data["proves_equality"]) == ([], True)


def test_csv_has_a_line_for_each_finding_and_numbers_as_numbers() -> None:
    file = io.StringIO()
    write_csv(file, iter([finding(difference=-5, also=("A", "B"))]))
    assert file.getvalue().startswith('\ufeff"class","sku",')
    rows = list(csv.reader(io.StringIO(file.getvalue().removeprefix("\ufeff"))))
    assert rows[0] == list(COLUMNS)
    assert dict(zip(*rows, strict=True))["difference"] == "-5"
    assert ",-5," in file.getvalue()
    assert rows[1][-1] == "A B"


def test_no_text_of_a_csv_can_be_a_formula() -> None:
    file = io.StringIO()
    write_csv(file, iter(hostile()))
    for row in list(csv.reader(io.StringIO(file.getvalue().removeprefix("\ufeff"))))[1:]:
        assert len(row) == len(COLUMNS)
        for text in row:
            assert text == "-5" or text[:1] not in ("=", "+", "-", "@", "\uff1d"), row


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("KAVA-1", "KAVA-1"),
        ("=1+1", "'=1+1"),
        ("+1 (239) 555", "'+1 (239) 555"),
        ("-2", "-2"),
        ("\t=1+1", "'\t=1+1"),
        ("\x00=1+1", " =1+1"),
        ("\uff1d1+1", "'\uff1d1+1"),
        ("a\u2028b", "a b"),
    ],
)
def test_what_begins_like_a_formula_gets_an_apostrophe(text: str, shown: str) -> None:
    file = io.StringIO()
    write_csv(file, iter([finding(subject=text)]))
    assert [row["title"] for row in csv.DictReader(io.StringIO(file.getvalue().removeprefix("\ufeff")))] == [shown]
