"""The one name that the public listener answers under, and the word in the log when something asks for another."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from sync.clock import Clock

log = structlog.get_logger()

_LOG_EVERY = 60.0  # seconds: the internet's scanners ask for any name, all day


class OwnHost:
    """The host of PUBLIC_URL; None admits any. What is asked for instead is never logged: anybody can choose it."""

    def __init__(self, name: bytes | None, clock: Clock) -> None:
        self._name = name
        self._clock = clock
        self._quiet_until: float | None = None

    def admits(self, given: Sequence[bytes]) -> bool:
        """Tell whether a request with these Host headers asks for us; warn of it, once a minute, where it does not."""
        if self._name is None or (len(given) == 1 and _name(given[0]) == self._name):
            return True
        now = self._clock.monotonic()
        if self._quiet_until is None or now >= self._quiet_until:
            self._quiet_until = now + _LOG_EVERY
            log.warning(
                "storefront.wrong_host",
                answered=self._name.decode("ascii"),
                remedy="only the host of PUBLIC_URL is answered: ask for that one, or correct PUBLIC_URL",
            )
        return False


def _name(host: bytes) -> bytes:
    """Return a Host header's name in small letters: without its port, an IPv6 address without its brackets."""
    name, _, port = host.rpartition(b":")
    name = (name if port.isdigit() else host).lower()
    return name[1:-1] if name.startswith(b"[") and name.endswith(b"]") else name
