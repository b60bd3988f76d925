"""The app proxy's signature: what Shopify signs is understood, and whatever was touched on the way proves nothing."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from itertools import permutations
from pathlib import Path
from random import Random
from urllib.parse import parse_qsl, quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.storefront.signature import (
    PARAMETERS,
    Proven,
    proxy_signature,
    signed_hint,
    verify_proxy,
    webhook_signature,
)
from tests.sync.storefront.forgeries import NOW, PLAIN, SECRET, SHOP, STAMP, TOUCHED, UNKNOWN, query, sign_again

VECTORS = Path(__file__).resolve().parents[4] / "shared" / "data" / "shopify" / "proxy_and_webhook_vectors.json"


def verified(raw: bytes, *, now: datetime = NOW, secrets: tuple[bytes, ...] = (SECRET,)) -> Proven | None:
    return verify_proxy(raw, secrets, now, {SHOP, "second.myshopify.com"})


def test_the_published_digests_come_out() -> None:
    common = [("extra", "1"), ("extra", "2"), ("shop", "shop-name.myshopify.com"), ("timestamp", "1317327555")]
    reviews = ("path_prefix", "/apps/awesome_reviews")
    signed_in = [*common, reviews, ("logged_in_customer_id", "1")]
    assert proxy_signature(signed_in, b"hush") == "4c68c8624d737112c91818c11017d24d334b524cb5c2b8ba08daa056f7395ddb"
    anonymous = [*common, reviews, ("logged_in_customer_id", "")]
    assert proxy_signature(anonymous, b"hush") == "e072b6d7e6622d85912a5214b860d3100dc1e73d9bc29f43796ac8c9ff8093cb"


def test_whole_pairs_are_sorted_and_not_names() -> None:
    pairs = [("a", "1"), ("a.b", "2"), ("a-b", "3"), ("shop", "x.myshopify.com")]
    assert proxy_signature(pairs, b"hush") == "35665fa9e18dc19750bfae1cf8fb9e04a93f9887495edaf5763e9a0dfcde0dac"


@pytest.mark.shared
def test_all_recorded_vectors_come_out() -> None:
    if not VECTORS.exists():
        pytest.skip(f"the research folder is absent: {VECTORS}")
    vectors = json.loads(VECTORS.read_text(encoding="utf-8"))["app_proxy_signature_vectors"]
    assert len(vectors) >= 5
    for each in vectors:
        pairs = [(name, value) for name, value in each["decoded_pairs"]]
        expected = each.get("signature", each.get("signature_sorting_strings"))
        assert proxy_signature(pairs, each["secret"].encode()) == expected, each["name"]
        if "query_without_signature" in each:
            assert parse_qsl(each["query_without_signature"], keep_blank_values=True) == pairs


@given(
    pairs=st.lists(st.tuples(st.text(min_size=1, max_size=8), st.text(max_size=12)), max_size=8),
    secret=st.binary(min_size=1, max_size=80),
)
def test_any_parameters_are_signed_as_a_second_implementation_signs_them(
    pairs: list[tuple[str, str]], secret: bytes
) -> None:
    pairs = [
        (name.encode("utf-8", "ignore").decode(), value.encode("utf-8", "ignore").decode()) for name, value in pairs
    ]
    assert proxy_signature(pairs, secret) == sign_again(pairs, secret)


OWN = st.sampled_from([None, "1", "44001", "2026-11-22T10:00:00+01:00", "gid://shopify/ProductVariant/1", ""])


@given(
    own=st.dictionaries(st.sampled_from(sorted(set(PARAMETERS) - {name for name, _ in PLAIN} - {"signature"})), OWN),
    said=st.tuples(
        st.sampled_from([SHOP, "second.myshopify.com", "third.myshopify.com"]),
        st.sampled_from(["", "1", "7423424234"]),
    ),
    age=st.integers(-200, 200),
    order=st.randoms(use_true_random=False),
    secret=st.sampled_from([SECRET, b"the one before", b"of somebody else"]),
)
def test_what_is_proven_is_what_a_second_reading_finds(
    own: dict[str, str | None], said: tuple[str, str], age: int, order: Random, secret: bytes
) -> None:
    shop, customer = said
    values = {name: value for name, value in own.items() if value is not None}
    pairs = [
        ("shop", shop),
        ("logged_in_customer_id", customer),
        ("path_prefix", "/apps/wtf/lightspeed"),
        ("timestamp", str(int(STAMP) - age)),
        *values.items(),
    ]
    order.shuffle(pairs)
    found = verified(query(pairs, secret), secrets=(SECRET, b"the one before"))
    if abs(age) > 90 or shop == "third.myshopify.com" or secret == b"of somebody else":
        assert found is None
    else:
        assert found == Proven(shop, customer, values)


@given(at=st.integers(0, 10_000), to=st.sampled_from(list(range(32, 127))))
def test_no_single_character_can_be_changed(at: int, to: int) -> None:
    raw = query([*PLAIN, ("variant_id", "44001"), ("limit", "20")])
    touched = bytearray(raw)
    touched[at % len(raw)] = to
    same = parse_qsl(touched.decode(), keep_blank_values=True) == parse_qsl(raw.decode(), keep_blank_values=True)
    found = verified(bytes(touched))
    assert found is None or same  # %2f means the same as %2F
    if bytes(touched) == raw:
        assert found is not None


def test_a_blank_customer_an_absent_one_and_an_absent_prefix_are_accepted() -> None:
    assert verified(query(PLAIN)) == Proven(SHOP, "", {})
    assert verified(query([("shop", SHOP), ("timestamp", STAMP)])) == Proven(SHOP, "", {})


@pytest.mark.parametrize("seconds", [-90, -89, 0, 89, 90])
def test_within_the_window_a_request_is_fresh(seconds: int) -> None:
    assert verified(query(PLAIN), now=NOW + timedelta(seconds=seconds)) is not None


@pytest.mark.parametrize("seconds", [-91, 91, 3600, -86400])
def test_outside_the_window_it_proves_nothing(seconds: int) -> None:
    assert verified(query(PLAIN), now=NOW + timedelta(seconds=seconds)) is None


@pytest.mark.parametrize("pairs", UNKNOWN.values(), ids=UNKNOWN)
def test_what_shopify_would_sign_for_a_visitor_but_we_do_not_know_proves_nothing(pairs: list[tuple[str, str]]) -> None:
    assert verified(query(pairs)) is None


@pytest.mark.parametrize("raw", TOUCHED.values(), ids=TOUCHED)
def test_a_touched_query_proves_nothing(raw: str) -> None:
    assert verified(raw.encode()) is None


@pytest.mark.parametrize("encode", [quote, quote_plus, str], ids=["all escaped", "as forms do", "bare"])
def test_however_it_is_escaped_the_same_is_proven(encode: object) -> None:
    pairs = [*PLAIN, ("signature", sign_again(PLAIN, SECRET))]
    raw = "&".join(f"{name}={encode(value)}" for name, value in pairs)  # type: ignore[operator]
    assert verified(raw.encode()) == Proven(SHOP, "", {})


def test_either_secret_of_a_rotation_proves_and_no_other() -> None:
    both = (SECRET, b"the one before")
    assert verified(query(PLAIN, b"the one before"), secrets=both) is not None
    assert verified(query(PLAIN, b"the next"), secrets=both) is None
    assert verified(query(PLAIN), secrets=()) is None


def test_no_name_ends_in_another_so_that_a_signed_text_is_read_in_one_way() -> None:
    assert not [(one, other) for one, other in permutations(PARAMETERS, 2) if one.endswith(other)]
    assert not [name for name, fits in PARAMETERS.items() for mark in "=,&\n " if fits(f"/1{mark}1")]


def test_the_second_form_is_the_signature_of_the_raw_body_and_never_of_none() -> None:
    body = b'{"orderNumber": "1001"}'
    assert signed_hint(body, webhook_signature(body, "hush"), ["hush"])
    assert not signed_hint(body + b" ", webhook_signature(body, "hush"), ["hush"])
    assert not signed_hint(b"", webhook_signature(b"", "hush"), ["hush"])
