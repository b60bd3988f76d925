"""What a pass is about to change, its brakes, and the file and hash by which a person confirms it.

Pure: takes decisions, returns verdicts and texts. A brake stops a pass before it writes when the pass would do
something unusual to the whole shop; it protects against a vendor's half answer more than against our own mistakes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from textwrap import indent
from typing import Any

from sync.errors import Code
from sync.products import ChangeKind, Field, ProductChange

PLAN_VERSION = 2
_HASH_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Brakes:
    """Shares of the linked SKUs beyond which a pass waits for a person; nothing trips below `at_least` links."""

    zero_share: float = 0.10
    change_share: float = 0.30
    match_share: float = 0.90
    at_least: int = 20


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """One number a pass would write, as a person reviews it."""

    link_id: int
    sku: str
    before: int
    after: int
    reason: str
    first_sight: bool
    equation: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Census:
    """What a pass is about to do to the whole shop; confirmed changes are left out of the first two."""

    zeroed: int
    changed: int
    links: int
    matched: int
    matched_before: int | None  # at the last certified full read; None: there was none


@dataclass(frozen=True, slots=True)
class Tripped:
    """A brake that holds, with what a person needs to judge it."""

    code: Code
    detail: str


def tripped(census: Census, brakes: Brakes) -> Tripped | None:
    """Return the first brake that a pass would trip, None when it may write."""
    before = census.matched_before
    if before and before - census.matched >= brakes.at_least and census.matched < brakes.match_share * before:
        return Tripped(Code.BR003, f"{census.matched} of the {before} SKUs matched before were found")
    if census.zeroed >= brakes.at_least and census.zeroed > brakes.zero_share * census.links:
        return Tripped(Code.BR001, f"{census.zeroed} of {census.links} SKUs would go to zero")
    if census.changed >= brakes.at_least and census.changed > brakes.change_share * census.links:
        return Tripped(Code.BR002, f"{census.changed} of {census.links} SKUs would change")
    return None


@dataclass(frozen=True, slots=True)
class PlanCost:
    """What carrying a plan out takes at the least: requests, quota of each vendor, and the seconds that it imposes."""

    calls: int = 0
    lightspeed_units: float = 0.0
    shopify_points: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything a pass would write, for a person to review and confirm by its hash.

    `changes` stand in the order in which they are written, `products` are changes of product fields, which come after
    them. `equations` is the digest of equations that were left out
    (`bare`), None where each change has its own.
    """

    environment: str
    filters: Mapping[str, Any]
    created_at: datetime
    changes: Sequence[PlannedChange]
    brake: Tripped | None = None
    cost: PlanCost = field(default_factory=PlanCost)
    products: Sequence[ProductChange] = ()
    equations: str | None = None

    @property
    def hash(self) -> str:
        """Return a short hash over all that was reviewed but the moment: two equal plans have one hash."""
        digest = hashlib.sha256(_text([self.environment, sorted(self.filters.items()), asdict(self.cost)]))
        for change in self.changes:
            digest.update(_text([getattr(change, name) for name in _REVIEWED]))
        for product in self.products:
            digest.update(_text(asdict(product)))
        digest.update((self.equations or _equations(self.changes)).encode())
        return digest.hexdigest()[:_HASH_DIGITS]


_REVIEWED = ("sku", "link_id", "before", "after", "reason", "first_sight")


def _text(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=True).encode()


def _equations(changes: Iterable[PlannedChange]) -> str:
    """Return the digest of all equations, in the order of their changes."""
    digest = hashlib.sha256()
    for change in changes:
        digest.update(_text(sorted(change.equation.items())))
    return digest.hexdigest()[:_HASH_DIGITS]


def to_json(plan: Plan) -> str:
    """Return the plan as the text of its file."""
    brake = plan.brake and {"code": plan.brake.code.name, "detail": plan.brake.detail}
    head: dict[str, Any] = {
        "version": PLAN_VERSION,
        "hash": plan.hash,
        "environment": plan.environment,
        "filters": dict(plan.filters),
        "created_at": plan.created_at.isoformat(),
        "brake": brake,
        "cost": asdict(plan.cost),
        **({} if plan.equations is None else {"equations": plan.equations}),
    }
    text = json.dumps(head, indent=1, ensure_ascii=True).removesuffix("\n}")
    return f"{text},\n{_listed('products', plan.products)},\n{_listed('changes', plan.changes)}\n}}"


def _listed(name: str, changes: Sequence[ProductChange | PlannedChange]) -> str:
    """Return a list of the file, one change at a time: encoding all at once takes ten times the memory of the text."""
    if not changes:
        return f' "{name}": []'
    listed = ",".join(f"\n{indent(json.dumps(asdict(change), indent=1), '  ')}" for change in changes)
    return f' "{name}": [{listed}\n ]'


def bare(plan: Plan) -> Plan:
    """Return a plan without its equations, which only people read; its hash stays the same, its text is a third."""
    kept = plan.equations or _equations(plan.changes)
    return replace(plan, equations=kept, changes=[replace(change, equation={}) for change in plan.changes])


def from_json(text: str) -> Plan:
    """Read a plan back from its file's text.

    Raises ValueError when it is not a plan of ours, or when it was changed after it was made.
    """
    try:
        raw = json.loads(text)
        if raw["version"] != PLAN_VERSION:
            message = f"this plan has version {raw['version']}; version {PLAN_VERSION} is needed"
            raise ValueError(message)
        plan = Plan(
            environment=raw["environment"],
            filters=raw["filters"],
            created_at=datetime.fromisoformat(raw["created_at"]),
            changes=tuple(PlannedChange(**change) for change in raw["changes"]),
            brake=raw["brake"] and Tripped(Code[raw["brake"]["code"]], raw["brake"]["detail"]),
            cost=PlanCost(**raw["cost"]),
            products=tuple(_product(product) for product in raw["products"]),
            equations=raw.get("equations"),
        )
        stated, found = raw["hash"], plan.hash
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        message = f"this is not a sync plan: {error}"
        raise ValueError(message) from error
    if stated != found:
        message = f"the plan says its hash is {stated}, but its content has {found}: it was changed"
        raise ValueError(message)
    return plan


def _product(raw: Mapping[str, Any]) -> ProductChange:
    return ProductChange(**{**raw, "kind": ChangeKind(raw["kind"]), "field": Field(raw["field"])})
