"""Who asks, and how often they may: client keys and token buckets, without any clock of their own."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from sync.config_values import Network
from sync.reservations import Pace

_IPV6_SITE = 64  # bits: what one visitor's connection is given; the rest of the address is theirs to choose
_LONGEST_ADDRESS = 64
_ROUNDING = 1e-6  # seconds that sums of many steps may be off
_NOBODY = "unknown"  # whoever cannot be told apart shares one bucket


class Buckets:
    """One token bucket for each client and one for all together; at most `most` clients are remembered.

    Of each bucket only the moment is kept at which it will be full again. What is refused takes nothing.
    """

    def __init__(self, each: Pace, together: Pace, most: int = 10_000) -> None:
        self._each, self._together, self._most = each, together, most
        self._full_at: OrderedDict[str, float] = OrderedDict()
        self._all_full_at = 0.0

    def __len__(self) -> int:
        """Return the number of clients remembered."""
        return len(self._full_at)

    def take(self, client: str, now: float) -> float:
        """Take a token of both buckets and return 0; or take none and return the seconds until there is one.

        `now` is in monotonic seconds.
        """
        own = max(self._full_at.get(client, now), now)
        common = max(self._all_full_at, now)
        wait = max(_missing(own - now, self._each), _missing(common - now, self._together))
        if wait > 0:
            return wait
        self._full_at[client] = own + 1 / self._each.per_second
        self._full_at.move_to_end(client)
        self._all_full_at = common + 1 / self._together.per_second
        while len(self._full_at) > self._most:
            self._full_at.popitem(last=False)
        return 0.0


def _missing(until_full: float, rate: Pace) -> float:
    """Return the seconds until a bucket holds a token, given those until it is full; 0: it holds one."""
    missing = until_full - (rate.burst - 1) / rate.per_second
    return missing if missing > _ROUNDING else 0.0


class Origin(NamedTuple):
    """How a request came: the X-Forwarded-For headers in their order, and the address that is connected to us."""

    forwarded: Sequence[bytes] = ()
    peer: str = ""


@dataclass(frozen=True, slots=True)
class Clients:
    """Tells clients apart. `proxies` of our own stand in front of us, each adding whom it heard to X-Forwarded-For.

    What stands before their entries was said by Shopify, and what stands before that by anybody.
    `networks` are the only ones that may connect to the outermost of them (none named: all).
    """

    proxies: int = 0
    networks: tuple[Network, ...] = ()

    def admits(self, origin: Origin) -> bool:
        """Tell whether who connects to the outermost of our proxies, or to us, may."""
        if not self.networks:
            return True
        if self.proxies == 0:
            sender = origin.peer
        else:
            entries = _entries(origin.forwarded, self.proxies)
            sender = entries[0] if len(entries) == self.proxies else ""
        address = _address(sender)
        return address is not None and any(address in network for network in self.networks)

    def key(self, customer: str, origin: Origin) -> str:
        """Return what one visitor is counted by: the signed customer, else the address that Shopify saw, else the peer.

        Only Shopify can set the first. The second is as true as the connection is Shopify's; IPv6 is cut to its site.
        """
        if customer:
            return f"customer {customer}"
        entries = _entries(origin.forwarded, self.proxies + 1)
        said = entries[0] if len(entries) > self.proxies else ""
        return _site(said) or _site(origin.peer) or _NOBODY


def _entries(forwarded: Sequence[bytes], most: int) -> list[str]:
    """Return the last `most` entries of all X-Forwarded-For headers together, in their order."""
    if not forwarded:
        return []
    text = b",".join(forwarded).decode("ascii", "replace")
    return [entry.strip() for entry in text.rsplit(",", most)[-most:]] if most else []


def _site(text: str) -> str:
    """Return the site of an address, "" for what is none; what is too long for one is not remembered either."""
    return _site_of(text) if len(text) <= _LONGEST_ADDRESS else ""


@lru_cache(maxsize=4096)
def _site_of(text: str) -> str:
    address = _address(text)
    if address is None:
        return ""
    if address.version == 4:  # noqa: PLR2004 - the protocol's name
        return str(address)
    return str(ipaddress.ip_network((int(address), _IPV6_SITE), strict=False))


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return an address, with or without a port; one of IPv4 dressed as IPv6 undressed."""
    if not text or len(text) > _LONGEST_ADDRESS:
        return None
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address
