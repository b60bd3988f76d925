"""Likeness: how SKUs differ, which barcodes are the same goods, what of titles tells sizes apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.likeness import Slip, barcode, blurred, check_digit, in_order, measures, slip, title_likeness, words


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("KAVA-0012", "kava 12", Slip.NONE),
        ("KAVA-1OO", "KAVA-100", Slip.NONE),
        ("KAVA-PREM", "KAVA-PERM", Slip.SWAPPED),
        ("KAVA-PREM", "KAVA-PRM", Slip.LOST),
        ("KAVA-PREM", "KAVA-PRRM", Slip.MISTYPED),
        ("KAVA-123", "KAVA-124", Slip.NUMBER),
        ("KAVA-12", "KAVA-124", Slip.NUMBER),
        ("KAVA-PREM-A", "KAVB-PREM-C", Slip.TWO),
        ("KAVA-A", "KAVB-C", None),
        ("TEA", "TEB", None),
        ("", "KAVA", None),
        ("KAVA", "KRATOM", None),
    ],
)
def test_how_two_skus_differ(one: str, other: str, expected: Slip | None) -> None:
    assert slip(blurred(one), blurred(other)) is expected
    assert slip(blurred(other), blurred(one)) is expected


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("012345678905", "12345678905"),
        ("0012345678905", "12345678905"),
        ("12345678905", "12345678905"),
        ("01234567890", "12345678905"),
        ("4006381333931", "4006381333931"),
        ("400-6381 333931", "4006381333931"),
        ("96385074", "96385074"),
        ("4006381333932", ""),
        ("123456789", ""),
        ("KAVA-1", ""),
        ("", ""),
    ],
    ids=[
        "UPC-A",
        "the same as EAN-13",
        "the same without its first zero",
        "the same without its check digit",
        "EAN-13",
        "with blanks",
        "EAN-8",
        "a wrong check digit",
        "too short",
        "a SKU",
        "nothing",
    ],
)
def test_a_barcode_is_known_by_its_number(text: str, number: str) -> None:
    assert barcode(text) == number


@given(st.integers(10**11, 10**12 - 1))
def test_every_ean_with_its_check_digit_is_one(number: int) -> None:
    digits = f"{number}{check_digit(str(number))}"
    assert barcode(digits) == barcode(f"0{digits}") == digits


def test_titles_are_alike_whatever_their_order_case_and_accents() -> None:
    one, other = words("Café Kava Root, 10 mg"), words("KAVA ROOT CAFE 10mg")
    assert title_likeness(in_order(one), in_order(other)) == 1.0
    assert title_likeness("", in_order(one)) == 0.0


def test_sizes_of_titles_are_numbers_and_clothing_sizes() -> None:
    assert measures(words("Velvet Seltzer 10 mg 4-pack")) == {"10mg", "4pack"}
    assert measures(words("Logo Hoodie XL Black")) == {"xl"}
