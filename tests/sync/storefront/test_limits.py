"""Buckets let through what they hold and no more; a client is told by what it cannot choose itself."""

from __future__ import annotations

from collections import Counter
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.reservations import Pace
from sync.storefront.limits import Buckets, Clients, Origin, _site_of

EACH, TOGETHER = Pace(5, 20), Pace(200, 400)


def test_a_bucket_holds_its_burst_and_then_fills_at_its_rate() -> None:
    buckets = Buckets(EACH, TOGETHER)
    assert [buckets.take("a", 100.0) for _ in range(20)] == [0.0] * 20
    assert buckets.take("a", 100.0) == pytest.approx(0.2)
    assert buckets.take("a", 100.1) == pytest.approx(0.1)
    assert buckets.take("a", 100.2) == 0.0
    assert buckets.take("b", 100.2) == 0.0
    assert [buckets.take("a", 1000.0) for _ in range(21)].count(0.0) == 20


def test_all_together_share_one_bucket() -> None:
    buckets = Buckets(EACH, Pace(10, 30))
    assert [buckets.take(str(client), 0.0) for client in range(31)].count(0.0) == 30
    assert buckets.take("another", 0.0) == pytest.approx(0.1)


def test_whoever_is_refused_takes_nothing_from_the_others() -> None:
    buckets = Buckets(EACH, Pace(10, 30))
    assert [buckets.take("flood", 0.0) for _ in range(10_000)].count(0.0) == 20
    assert [buckets.take(str(client), 0.0) for client in range(10)] == [0.0] * 10


def test_only_so_many_clients_are_remembered_the_latest() -> None:
    buckets = Buckets(Pace(1, 1), Pace(1e9, 10**9), most=100)
    for client in range(1000):
        assert buckets.take(str(client), 0.0) == 0.0
    assert len(buckets) == 100
    assert buckets.take("999", 0.0) > 0


@given(
    waits=st.lists(st.floats(0, 2), max_size=200),
    rate=st.floats(0.1, 50),
    burst=st.integers(1, 30),
    start=st.floats(0, 1e6),
)
def test_no_client_ever_gets_more_than_burst_and_rate_allow(
    waits: list[float], rate: float, burst: int, start: float
) -> None:
    buckets = Buckets(Pace(rate, burst), Pace(1e9, 10**9))
    now, taken = start, list[float]()
    for wait in waits:
        now += wait
        if buckets.take("a", now) == 0.0:
            taken.append(now)
    for first in range(len(taken)):
        for last in range(first, len(taken)):
            assert last - first + 1 <= burst + rate * (taken[last] - taken[first]) + 1e-3


SHOPPER, SHOPIFY, OURS = b"203.0.113.7", b"198.51.100.9", b"10.0.0.2"


@pytest.mark.parametrize(
    ("proxies", "customer", "forwarded", "peer", "key"),
    [
        pytest.param(0, "17", [SHOPPER], "198.51.100.9", "customer 17", id="signed in"),
        pytest.param(0, "", [SHOPPER], "198.51.100.9", "203.0.113.7", id="as Shopify says"),
        pytest.param(0, "", [b"1.1.1.1, " + SHOPPER], "198.51.100.9", "203.0.113.7", id="what the visitor adds"),
        pytest.param(0, "", [b"1.1.1.1", SHOPPER], "198.51.100.9", "203.0.113.7", id="in two headers"),
        pytest.param(1, "", [SHOPPER + b", " + SHOPIFY], "10.0.0.2", "203.0.113.7", id="behind a proxy"),
        pytest.param(2, "", [b", ".join([b"x", SHOPPER, SHOPIFY, OURS])], "10.0.0.3", "203.0.113.7", id="behind two"),
        pytest.param(1, "", [SHOPIFY], "10.0.0.2", "10.0.0.2", id="no word of Shopify's"),
        pytest.param(0, "", [], "198.51.100.9", "198.51.100.9", id="the peer"),
        pytest.param(0, "", [b"<script>"], "198.51.100.9", "198.51.100.9", id="no address"),
        pytest.param(0, "", [b"203.0.113.7:4711"], "::1", "203.0.113.7", id="with a port"),
        pytest.param(0, "", [b"2001:db8:1:2:3:4:5:6"], "::1", "2001:db8:1:2::/64", id="IPv6"),
        pytest.param(0, "", [b"[2001:db8:1:2::9]:443"], "::1", "2001:db8:1:2::/64", id="IPv6 with a port"),
        pytest.param(0, "", [b"::ffff:203.0.113.7"], "::1", "203.0.113.7", id="IPv4 dressed as IPv6"),
        pytest.param(0, "", [b"\xff" * 9000], "", "unknown", id="nothing at all"),
    ],
)
def test_a_client_is_the_signed_customer_else_the_address_that_shopify_saw(
    proxies: int, customer: str, forwarded: list[bytes], peer: str, key: str
) -> None:
    assert Clients(proxies).key(customer, Origin(forwarded, peer)) == key


def test_a_visitor_cannot_multiply_by_what_it_forwards() -> None:
    keys = Counter(
        Clients(1).key("", Origin([b"10.%d.0.1, " % number + SHOPPER + b", " + SHOPIFY], "10.0.0.2"))
        for number in range(200)
    )
    assert keys == {"203.0.113.7": 200}


NETWORKS = (ip_network("198.51.100.0/24"), ip_network("2001:db8::/32"))


@pytest.mark.parametrize(
    ("proxies", "forwarded", "peer", "admitted"),
    [
        pytest.param(0, [SHOPPER], "198.51.100.9", True, id="Shopify itself"),
        pytest.param(0, [SHOPIFY], "203.0.113.7", False, id="who only says so"),
        pytest.param(0, [], "2001:db8::5", True, id="IPv6"),
        pytest.param(0, [], "::ffff:198.51.100.9", True, id="IPv4 dressed as IPv6"),
        pytest.param(1, [SHOPPER + b", " + SHOPIFY], "10.0.0.2", True, id="behind a proxy"),
        pytest.param(1, [SHOPIFY + b", " + SHOPPER], "10.0.0.2", False, id="who says so to the proxy"),
        pytest.param(2, [SHOPIFY], "10.0.0.2", False, id="fewer entries than proxies"),
        pytest.param(0, [], "", False, id="nobody"),
    ],
)
def test_only_allowed_networks_may_connect(proxies: int, forwarded: list[bytes], peer: str, admitted: bool) -> None:
    assert Clients(proxies, NETWORKS).admits(Origin(forwarded, peer)) is admitted
    assert Clients(proxies).admits(Origin(forwarded, peer))


def test_what_is_too_long_for_an_address_is_not_remembered() -> None:
    before = _site_of.cache_info().currsize
    for number in range(10):
        assert Clients().key("", Origin([b"%d" % number + b"x" * 30_000], "203.0.113.5")) == "203.0.113.5"
    assert _site_of.cache_info().currsize <= before + 1
