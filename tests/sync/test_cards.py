"""The nouns of what is compared beside stock: which price counts, what a matrix is called."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sync.cards import ItemCard, matrix_title_of

CARD = ItemCard(item_id="1", title="Kava", price=1_990, online_price=None)


@pytest.mark.parametrize(
    ("default", "online", "selling"),
    [
        (1_990, None, 1_990),
        (1_990, 1_790, 1_790),
        (1_990, 0, 1_990),
        (None, 1_790, 1_790),
        (None, None, None),
        (0, 0, None),
    ],
    ids=["default only", "online wins", "online at zero is not set", "online only", "none", "both at zero"],
)
def test_the_price_online_counts_where_it_is_set(default: int | None, online: int | None, selling: int | None) -> None:
    assert replace(CARD, price=default, online_price=online).selling_price == selling


@pytest.mark.parametrize(
    ("title", "values", "expected"),
    [
        ("Kava Root Small Green", ("Small", "Green"), "Kava Root"),
        ("Kava Root Small", ("Small",), "Kava Root"),
        ("Small Small", ("Small",), "Small"),
        ("Small", ("Small",), "Small"),
        ("The renamed one", ("Small", "Green"), "The renamed one"),
        ("Kava Root Green", ("Small", "Green"), "Kava Root Green"),
        (" Kava ", (), "Kava"),
        ("Kava  XL ", ("XL", ""), "Kava"),
    ],
)
def test_a_matrix_is_called_as_its_items_are_without_their_attributes(
    title: str, values: tuple[str, ...], expected: str
) -> None:
    assert matrix_title_of(title, values) == expected
