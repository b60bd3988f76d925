"""What the ledger keeps and hands out: runs, links due for a look, intents and their outcomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sync.errors import Code
from sync.model import Demand, LevelRow, LinkState, StockChange
from sync.stock import Decision, Memory


class Feed(StrEnum):
    """A reading that goes on from a watermark of its own."""

    STOCK = "lightspeed.stock"
    ITEMS = "lightspeed.items"
    SALES = "lightspeed.sales"
    LEVELS = "shopify.levels"
    ORDERS = "shopify.orders"
    VARIANTS = "shopify.variants"


class RunOutcome(StrEnum):
    """How a run ended; `interrupted`: a person stopped it, or its process died, which is written at the next start."""

    OK = "ok"
    FAILED = "failed"
    BRAKED = "braked"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run of a job; `numbers` are its counts by name, for people and signals."""

    run_id: int
    job: str
    started_at: datetime
    finished_at: datetime | None = None
    outcome: RunOutcome | None = None
    code: Code | None = None
    detail: str = ""
    numbers: Mapping[str, int | float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Known:
    """How much of both shops was ever read."""

    items: int
    variants: int


@dataclass(frozen=True, slots=True)
class AsOf:
    """What counts as booked beside one reading of Lightspeed's stock.

    Of our documents only the first `confirmed` were confirmed before it began, of our layaways only the first
    `mirrored` changes (None: there is none that could matter). `recent` bounds the search for those that its rows do
    not show yet.
    """

    confirmed: int
    recent: datetime
    mirrored: int | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """One confirmed link that is due for a look, with all our own records say about it."""

    link_id: int
    sku: str
    item_id: str
    inventory_item_id: str
    on_hand: int | None  # L; None: no ItemShop row, so unknown
    stock_stamp: datetime | None  # ItemShop.timeStamp of L
    buffer: int
    demand: Demand
    level: LevelRow | None  # as last read
    memory: Memory
    approved: bool  # a person has taken Lightspeed's number for it
    parked: Code | None  # Shopify refuses writes to it
    settled: bool = True  # no document or layaway of ours may or may not be in L (the as-of rule)
    mirrored: int = 0  # M: units that layaways of ours took off L
    held: bool = False  # a person has set its number back, and nobody has let go of it since


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One decision, to be kept: the link's new memory and whether it is due again."""

    link_id: int
    decision: Decision
    level: LevelRow
    on_hand: int
    due: bool


@dataclass(frozen=True, slots=True)
class Intent:
    """A stock write about to be sent for one link, with everything that explains it."""

    link_id: int
    inventory_item_id: str
    level: LevelRow  # before: level.available
    on_hand: int
    buffer: int
    demand: Demand
    decision: Decision
    propagates: datetime | None = None  # Lightspeed's timestamp of the change that this write carries on

    @property
    def after(self) -> int:
        """Return the number to write; raises ValueError for a decision that writes nothing."""
        if self.decision.after is None:
            message = f"link {self.link_id} has nothing to write"
            raise ValueError(message)
        return self.decision.after


def by_letter(decision: Decision, level: LevelRow, demand: Demand, *, on_hand: int, buffer: int) -> dict[str, int]:
    """Return a decision's inputs and terms by the letters of `stock.py`: what a plan shows and the record keeps."""
    terms, base = decision.equation, decision.memory.base
    return {
        "L": on_hand,
        "M": terms.said - on_hand - demand.booked + buffer,
        "B": buffer,
        "Tk": demand.taken,
        "K": demand.open,
        "Bk": demand.booked,
        "A": level.available,
        "C": level.committed,
        "U": terms.spoken_for - demand.taken - terms.unseen,
        "u": terms.unseen,
        "X": terms.said,
        "target": decision.target,
        "expected": decision.expected,
        "drift": decision.drift,
        "base": terms.said if base is None else base,
    }


@dataclass(frozen=True, slots=True)
class StockCall:
    """A call as recorded before it is sent: its idempotency key and its rows with their sequence numbers."""

    key: str
    reference: str
    changes: tuple[StockChange, ...]


class WriteOutcome(StrEnum):
    """What became of one row of a stock write."""

    APPLIED = "applied"
    STALE = "stale"
    PARKED = "parked"
    REFUSED = "refused"  # not applied, for a reason that lies elsewhere in its call or with Shopify
    UNANSWERED = "unanswered"
    FOUND_APPLIED = "found applied"  # unanswered, and later seen to have been applied
    FOUND_NOT_APPLIED = "found not applied"
    SUPERSEDED = "superseded"  # unanswered, and followed by a newer write


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """The outcome of one row; `memory` is what its link remembers from now on."""

    link_id: int
    outcome: WriteOutcome
    memory: Memory
    due: bool
    code: Code | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One stock write in the record, as `why` tells it."""

    seq: int
    at: datetime
    run_id: int
    job: str
    before: int
    after: int
    verdict: str
    outcome: WriteOutcome | None
    equation: Mapping[str, int]  # L, M, B, Tk, K, Bk, A, C, U, u, X, target, expected, drift, base
    key: str
    reference: str


@dataclass(frozen=True, slots=True)
class SkuKey:
    """One side's thing that may be linked: its id and the texts it may be found by."""

    id: str  # itemID, or variant gid
    inventory_item_id: str  # "" for a Lightspeed item
    skus: tuple[str, ...]  # as typed; Lightspeed's `sku_fields` in order, or Shopify's one
    codes: tuple[str, ...]  # UPC, EAN, barcode
    title: str
    item_type: str = "default"
    price: int | None = None  # in hundredths of the shop's currency; None: never read
    linked_to: str = ""  # the id of the other side of its confirmed link
    by_person: bool = False  # a person made that link
    apart: tuple[str, ...] = ()  # of a variant: the items that a person keeps apart from it


@dataclass(frozen=True, slots=True)
class Proposal:
    """A link between two sides, confirmed by a unique SKU or merely suggested, with its reason."""

    item_id: str
    variant_id: str
    inventory_item_id: str
    sku: str
    state: LinkState
    reason: str


@dataclass(frozen=True, slots=True)
class SkuProblem:
    """A SKU that could not be linked, for people.

    SK001 duplicates, SK002 near misses, SK003 kits and the like, SK006 kept apart by a person, LS002 not in
    Lightspeed, or there by another code.
    """

    code: Code
    sku: str
    detail: str


class HeldEnding(StrEnum):
    """How a link that a person had set back came to be held no more."""

    RELEASED = "released"  # nothing was decided about its number
    APPROVED = "approved"  # Lightspeed's number is taken
    DISMISSED = "dismissed"  # the number stays, and the difference is kept
    NOT_WRITTEN = "not written"  # it was never set back: the write was refused, or came to nothing


class ConflictDecision(StrEnum):
    """What a person may say to a difference that nothing explains."""

    APPROVED = "approved"  # take Lightspeed's number; a difference that was kept is kept no more
    DISMISSED = "dismissed"  # keep the difference as it is


@dataclass(frozen=True, slots=True)
class Conflict:
    """A difference in quarantine, one that a person has kept, or a held link, from its link's last evaluation."""

    link_id: int
    sku: str
    available: int  # what Shopify shows
    target: int  # what it should show, a kept difference taken off
    quarantined_since: datetime | None  # None: in quarantine no more
    kept: int  # units taken off Lightspeed's number for good, by dismissed differences
    decision: ConflictDecision | None  # the newest; while in quarantine: not carried out yet
    decided_by: str | None
    decided_at: datetime | None
    held_since: datetime | None = None  # set back by a person, and held
    held_by_run: int | None = None


class PauseKind(StrEnum):
    """What a person has stopped."""

    WRITES = "writes"
    ORDERS = "orders"


@dataclass(frozen=True, slots=True)
class Pause:
    """A brake by hand."""

    kind: PauseKind
    reason: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """How the shops stand to each other, from the last evaluation of each confirmed link.

    A SKU is discrepant when its number differed from the target in at least two consecutive evaluations.
    """

    links: int
    oversell_skus: int  # A above the target
    oversell_units: int
    undersell_skus: int
    undersell_units: int
    quarantined_skus: int
    parked_skus: int
    unanswered_writes: int
    uningested_skus: int  # committed units without an order we know
    unequal_skus: int = 0  # differed, or could not be decided, in the last evaluation
    lost_orders: int = 0  # open in our ledger, gone from Shopify
    examples: tuple[str, ...] = ()  # the SKUs that differ most, largest difference first
    unlinked_skus: int = 0  # sold online, and linked to nothing in Lightspeed
    oversold: tuple[str, ...] = ()  # of those that differ, the ones of which Shopify offers too much
    undersold: tuple[str, ...] = ()  # of those that differ, the others
    unsettled_skus: int = 0  # held back because a sale on its way may or may not be in their stock
    kept_skus: int = 0  # differences that a person has dismissed
    quarantined: tuple[str, ...] = ()  # SKUs in quarantine, those waiting longest first
    parked: tuple[str, ...] = ()  # SKUs that Shopify refuses to change
    uninstalled_at: datetime | None = None  # since when our app is gone from the shop
    oversell_cents: int = 0  # what the oversold units of known price cost, in hundredths of the shop's currency
    unpriced_skus: int = 0  # oversold, and of a price that was never read
    held_skus: int = 0  # set back by a person and held: nothing is written to them
    held: tuple[str, ...] = ()  # of those, the ones held for longest


@dataclass(frozen=True, slots=True)
class Differing:
    """By how much Shopify shows more and less than it should, as both shops were last read, evaluated or not."""

    over_skus: int = 0
    over_units: int = 0
    under_skus: int = 0
    under_units: int = 0


@dataclass(frozen=True, slots=True)
class ApiMinute:
    """Attempts and failures of calls in one minute, retries included."""

    minute: datetime
    api: str
    attempts: int
    failures: int
