"""What a request costs, and the two limiters it must pass: a leaky bucket and a burst window.

The regime is that of 2026-03-17: size 90 and drip 1/s, more for every further register; the request that
crosses the size still passes, the next ones do not until the level is below the size again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from sandbox.lightspeed.query import RANGES, Condition, Query

BUCKET_SIZE, BUCKET_PER_REGISTER = 90, 10
DRIP, DRIP_PER_REGISTER = 1.0, 0.5
BURST_SHARE = Fraction(20, 90)  # the one published pair is 20 for 90
_COUNT_COST = 10.0
_COMPLETING = 3.0
_PER_ENTITY = 0.5
_WRITES_OF_TWO = ("Sale", "SaleLine", "Sale/SaleLine")
_WRITES_OF_TEN = ("Category", "InventoryCountReconcile", "Sale/refund")

LEAKY, BURST = "api-leaky-bucket", "api-burst-limiter"


def base_cost(method: str, resource: str) -> float:
    """Return the cost of a request without its relations and payload."""
    if method in ("POST", "PUT") and resource in _WRITES_OF_TEN:
        return 10.0
    if method in ("POST", "PUT", "DELETE") and resource in _WRITES_OF_TWO:
        return 2.0
    return 1.0


def query_cost(query: Query, *, many: Mapping[str, bool], is_list: bool) -> float:
    """Return what relations, `count` and `or` add; `many` says which relation is to-many."""
    if query.count:
        return _COUNT_COST - 1 + either_cost(query.either)
    names = tuple(many) if query.all_relations else _with_parents(query.relations)
    return sum(_relation_cost(name, many, is_list=is_list) for name in names) + either_cost(query.either)


def _with_parents(relations: tuple[str, ...]) -> tuple[str, ...]:
    """Return relations and those that they hang on: `TagRelations.Tag` loads TagRelations, too."""
    parents = (name.rpartition(".")[0] for name in relations)
    return tuple(dict.fromkeys((*(parent for parent in parents if parent), *relations)))


def _relation_cost(name: str, many: Mapping[str, bool], *, is_list: bool) -> float:
    parent, _, _ = name.rpartition(".")
    nested = bool(parent) and many.get(parent, False)
    dear = is_list or nested
    own = 0.2 if many.get(name, False) else 0.1
    return own * 2 if dear else own


def either_cost(either: tuple[Condition, ...]) -> float:
    """Return the price of `or`: nothing on one field, little on one entity, much across entities or ranges."""
    if len({condition.field for condition in either}) <= 1:
        return 0.0
    entities = {condition.relation for condition in either}
    ranges = sum(condition.operator in RANGES for condition in either)
    if len(entities) == 1 and ranges <= 1:
        return float(len(either))
    return 10.0 * len(entities) + max(0, len(either) - len(entities))


def payload_cost(resource: str, body: Mapping[str, object]) -> float:
    """Return what a payload adds: 0.5 per nested entity, 3 for completing a sale."""
    completing = resource == "Sale" and str(body.get("completed", "")).lower() in ("true", "1")
    nested = sum(_entities(value) for value in body.values() if isinstance(value, dict | list))
    return _PER_ENTITY * nested + (_COMPLETING if completing else 0.0)


def _entities(collection: object) -> int:
    """Count the rows of `{"SaleLine": [{...}]}` and of the legacy `[{"SaleLine": {...}}]`."""
    if isinstance(collection, list):
        return len(collection)
    if not isinstance(collection, dict):
        return 0
    rows = [value for value in collection.values() if isinstance(value, dict | list)]
    if not rows:
        return 1 if collection else 0
    return sum(len(value) if isinstance(value, list) else 1 for value in rows)


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the limiters say of one request: the headers of its answer, and the kind of its refusal ("": passes)."""

    headers: tuple[tuple[str, str], ...]
    refused_by: str = ""
    retry_after: int = 0


class Limiter:
    """The bucket and the burst window of one (account, client)."""

    def __init__(self, *, registers: int, enabled: bool) -> None:
        self.registers = registers
        self.enabled = enabled
        self.spent = 0.0  # by every request that was let through
        self._level = 0.0
        self._leaked: datetime | None = None
        self._second: int = 0
        self._in_second = 0

    @property
    def size(self) -> int:
        """Return the bucket's size."""
        return BUCKET_SIZE + BUCKET_PER_REGISTER * (self.registers - 1)

    @property
    def drip(self) -> float:
        """Return how much leaks per second."""
        return DRIP + DRIP_PER_REGISTER * (self.registers - 1)

    @property
    def burst(self) -> int:
        """Return how many requests one second takes."""
        return math.floor(self.size * BURST_SHARE)

    def level(self, now: datetime) -> float:
        """Return the bucket's level after leaking."""
        if self._leaked is not None:
            elapsed = max(0.0, (now - self._leaked).total_seconds())
            self._level = max(0.0, self._level - elapsed * self.drip)
        self._leaked = now
        return self._level

    def admit(self, cost: float, now: datetime) -> Ruling:
        """Let one request through, or refuse it; a refused request fills nothing."""
        level = self.level(now)
        second = math.floor(now.timestamp())
        self._in_second = self._in_second + 1 if second == self._second else 1
        self._second = second
        if not self.enabled:
            self.spent += cost
            return Ruling(self._headers(cost, min(cost, self.size), 1))
        if self._in_second > self.burst:
            return self._refuse(BURST, cost, 1)
        if level >= self.size:
            return self._refuse(LEAKY, cost, max(1, math.ceil((level - self.size) / self.drip)))
        self._level = level + cost
        self.spent += cost
        return Ruling(self._headers(cost, self._level, self._in_second))

    def fill(self, now: datetime) -> None:
        """Fill the bucket to its brim, as another client's work under the same key would."""
        self.level(now)
        self._level = float(self.size)

    def refuse(self, kind: str, cost: float, now: datetime, retry_after: int) -> Ruling:
        """Refuse a request on demand."""
        self.level(now)
        return self._refuse(kind, cost, retry_after)

    def _refuse(self, kind: str, cost: float, retry_after: int) -> Ruling:
        told = (("X-LS-API-RateLimit-Type", kind), ("Retry-After", str(retry_after)))
        return Ruling((*self._headers(cost, self._level, self._in_second), *told), kind, retry_after)

    def _headers(self, cost: float, level: float, in_second: int) -> tuple[tuple[str, str], ...]:
        return (
            ("X-LS-Api-Bucket-Level", f"{_plain(level)}/{self.size}"),
            ("X-LS-API-Burst-Level", f"{in_second}/{self.burst}"),
            ("X-LS-Api-Drip-Rate", _plain(self.drip)),
            ("X-LS-Api-Request-Cost", _plain(cost)),
        )


def _plain(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
