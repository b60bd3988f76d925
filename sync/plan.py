"""What a pass is about to change, its brakes, and the file and hash by which a person confirms it.

Pure: takes decisions, returns verdicts and texts. A brake stops a pass before it writes when the pass would do
something unusual to the whole shop; it protects against a vendor's half answer more than against our own mistakes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from textwrap import indent
from typing import Any

from sync.errors import Code

PLAN_VERSION = 1
_NO_CHANGES = "[]\n}"  # how a plan's file ends that has none


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
class Plan:
    """Everything a pass would write, for a person to review and confirm by its hash."""

    environment: str
    filters: Mapping[str, Any]
    created_at: datetime
    changes: Sequence[PlannedChange]
    brake: Tripped | None = None

    @property
    def hash(self) -> str:
        """Return a short hash over what would be written and where: two equal plans have one hash."""
        rows = sorted((change.sku, change.link_id, change.before, change.after) for change in self.changes)
        text = json.dumps([self.environment, sorted(self.filters.items()), rows], ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def to_json(plan: Plan) -> str:
    """Return the plan as the text of its file."""
    brake = plan.brake and {"code": plan.brake.code.name, "detail": plan.brake.detail}
    head = {
        "version": PLAN_VERSION,
        "hash": plan.hash,
        "environment": plan.environment,
        "filters": dict(plan.filters),
        "created_at": plan.created_at.isoformat(),
        "brake": brake,
        "changes": [],
    }
    text = json.dumps(head, indent=1, ensure_ascii=True)
    if not plan.changes:
        return text
    # One change at a time: encoding a whole shop's at once takes ten times the memory of the text.
    changes = ",".join(f"\n{indent(json.dumps(asdict(change), indent=1), '  ')}" for change in plan.changes)
    return f"{text.removesuffix(_NO_CHANGES)}[{changes}\n ]\n}}"


def bare(plan: Plan) -> Plan:
    """Return a plan without its equations, which only people read; its hash stays the same, its text is a third."""
    return replace(plan, changes=[replace(change, equation={}) for change in plan.changes])


def from_json(text: str) -> Plan:
    """Read a plan back from its file's text.

    Raises ValueError when it is not a plan of ours, or when it was changed after it was made.
    """
    try:
        raw = json.loads(text)
        plan = Plan(
            environment=raw["environment"],
            filters=raw["filters"],
            created_at=datetime.fromisoformat(raw["created_at"]),
            changes=tuple(PlannedChange(**change) for change in raw["changes"]),
            brake=raw["brake"] and Tripped(Code[raw["brake"]["code"]], raw["brake"]["detail"]),
        )
        stated, version = raw["hash"], raw["version"]
    except (KeyError, TypeError, AttributeError) as error:
        message = f"this is not a sync plan: {error}"
        raise ValueError(message) from error
    if version != PLAN_VERSION:
        message = f"this plan has version {version}; version {PLAN_VERSION} is needed"
        raise ValueError(message)
    if stated != plan.hash:
        message = f"the plan says its hash is {stated}, but its content has {plan.hash}: it was changed"
        raise ValueError(message)
    return plan


def confirmed_links(changes: Iterable[PlannedChange]) -> frozenset[int]:
    """Return the links whose numbers a person has confirmed."""
    return frozenset(change.link_id for change in changes)
