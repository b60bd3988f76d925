"""Faults switched on per call: which service, which operation, what goes wrong and how often."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """What can go wrong with one call, named by what the client sees."""

    THROTTLED = "throttled"  # 429 (Lightspeed, Slack) or a THROTTLED body (Shopify)
    SERVER_ERROR = "server_error"  # 500 with the service's usual error body
    HTML = "html"  # 200 with a web page in place of JSON
    BAD_GATEWAY = "bad_gateway"  # 502 with a web page, the effect not applied
    GATEWAY_TIMEOUT = "gateway_timeout"  # 504 with a web page, the effect applied
    RESET_BEFORE = "reset_before"  # connection cut, the effect not applied
    RESET_AFTER = "reset_after"  # connection cut, the effect applied
    TRUNCATED = "truncated"  # the body ends early, as if it were whole
    SHORT_PAGE = "short_page"  # valid JSON that lacks its last rows
    EMPTY = "empty"  # 200 with an empty body
    SLOW = "slow"  # the answer takes `seconds` longer
    LATE = "late"  # the client is answered 504 at once; the effect lands `seconds` later
    UNAUTHORIZED = "unauthorized"  # 401, token expired in the middle of a walk
    DROPPED_RELATIONS = "dropped_relations"  # rows lack the relations that were asked for (Lightspeed)
    FOREIGN_NEXT = "foreign_next"  # the next link points to another host (Lightspeed)
    UNDELIVERED = "undelivered"  # taken, and the network says later that it did not arrive (SMS, operation `fate`)
    REFUSED = "refused"  # the service's own refusal (Slack ok:false, SMTP 550, Twilio 400)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault for the next `times` matching calls (0: until cleared); `seconds` and `code` refine it."""

    kind: FaultKind
    times: int = 1
    seconds: float = 0.0
    code: str = ""


class ConnectionCut(ConnectionError):
    """The pretend network dropped the connection: nothing more reaches the client."""


class Faults:
    """The faults waiting for each (service, operation), taken first in, first out."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, str], deque[Fault]] = defaultdict(deque)

    def add(self, service: str, operation: str, fault: Fault) -> None:
        """Let `fault` meet the next calls of `operation` (`*`: of any) at `service`."""
        self._waiting[service, operation].append(fault)

    def clear(self, service: str = "*") -> None:
        """Forget the faults of one service, or of all."""
        for key in [key for key in self._waiting if service in ("*", key[0])]:
            del self._waiting[key]

    def take(self, service: str, operation: str, *, named: bool = False) -> Fault | None:
        """Return the fault that this call meets, if any, and count it as used; `named` passes over `*`."""
        for key in ((service, operation),) if named else ((service, operation), (service, "*")):
            queue = self._waiting.get(key)
            if queue:
                fault = queue.popleft()
                if fault.times == 0:
                    queue.appendleft(fault)
                elif fault.times > 1:
                    queue.appendleft(Fault(fault.kind, fault.times - 1, fault.seconds, fault.code))
                return fault
        return None
