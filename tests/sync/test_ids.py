"""Ids kept small are the same set as a set of texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.ids import Ids

_IDS = st.one_of(
    st.integers(0, 50).map(str),
    st.integers(0, 50).map(lambda number: f"gid://shopify/InventoryItem/{number}"),
    st.integers(0, 10**25).map(str),
    st.sampled_from(["", "0", "00", "007", "7", "a/7", "/7", "7/", "\u0667", "-7", "7 "]),
)


@given(st.lists(_IDS), st.lists(_IDS), st.lists(_IDS), st.lists(_IDS))
def test_ids_are_a_set_of_texts(added: list[str], gone: list[str], again: list[str], asked: list[str]) -> None:
    ids, texts = Ids(), set[str]()
    for each in (added, again):
        ids.update(each)
        texts.update(each)
        ids.difference_update(gone)
        texts.difference_update(gone)
        assert [text in ids for text in asked] == [text in texts for text in asked]
        assert all(text in ids for text in texts)


@pytest.mark.parametrize("text", ["8", "gid://shopify/ProductVariant/7", "07"])
def test_what_was_not_added_is_not_there(text: str) -> None:
    ids = Ids()
    ids.update(["7"])
    assert text not in ids
