"""Decides, for one link, what Shopify's `available` should be, and why.

The equation, with the letters of ARCHITECTURE.md (all in units, at the configured shop and location):

    L   Lightspeed's quantity on hand          Tk  taken: units ordered less units Shopify put back
    M   our own holds that L leaves out        K   open: units of known orders still to be shipped
    B   the buffer kept off sale               Bk  booked: of Tk, what Lightspeed documents already took off L
    A   Shopify's available                    u = max(0, C - K): committed units of orders we have not seen
    C   Shopify's committed                    U   units Shopify sets aside (reserved, damaged, ...)

    X      = L + M + Bk - B                    what Lightspeed says, net of our own documents
    target = max(0, X - Tk - u - U)            what Shopify should show, called A*

Lightspeed alone may change X, orders alone may change Tk and u. So a link remembers one number, the base X0:
the X with which Shopify was last brought into step. What Shopify should show if only orders had happened since
is `expected`; whatever differs from it on Shopify's side is drift, done by somebody else, and whatever the
target differs from it is Lightspeed's part:

    expected = max(0, X0 - Tk - u - U)         drift = A - expected         Lightspeed's part = target - expected

Lightspeed's part is lowered at once and raised once a second reading agrees. Drift is corrected only when it is
confirmed, and by a person when it is large. An order moves A, Tk and u together, so it causes no write at all.
Everything here is pure; `stock_sync.py` acts on it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, StrEnum

from sync.model import Demand


@dataclass(frozen=True, slots=True)
class Policy:
    """The limits of the decision."""

    order_lag: timedelta = timedelta(seconds=60)  # the longest time until polling or a webhook shows an order
    drift_limit: int = 10  # confirmed drift above this many units waits for a person
    hot_item_lags: int = 5  # upward drift seen this many order lags long counts, however busy the row
    unsettled_reads: int = 3  # documents in flight may hold a link back for this many readings ...
    unsettled_lags: int = 2  # ... over this many order lags, no longer
    # Which of Shopify's states Lightspeed still counts as on hand, so that they are taken off (U).
    set_aside: tuple[str, ...] = ("reserved", "safety_stock", "damaged", "quality_control")


@dataclass(frozen=True, slots=True)
class Reading:
    """What one evaluation has read of one link, in the order of the write protocol."""

    on_hand: int  # L
    demand: Demand  # Tk, K, Bk, after the order pull
    available: int  # A
    committed: int  # C
    set_aside: int  # U
    updated_at: datetime  # when `available` last moved, by Shopify's clock
    pulled_at: datetime  # when the order pull began, by Shopify's clock
    now: datetime
    coherent: bool  # the row was read twice around the order pull and was the same
    mirrored: int = 0  # M
    buffer: int = 0  # B, with the offset of a dismissed difference
    settled: bool = True  # False: a document in flight may or may not be in L (the as-of rule)
    approved: bool = False  # a person has taken Lightspeed's number for this link
    held: bool = False  # a person has set its number back: nothing is written until one lets go of it


@dataclass(frozen=True, slots=True)
class OpenWrite:
    """A write that was sent and not yet answered, with what to believe in either case."""

    before: int
    after: int
    base: int  # X0 if it was applied
    drift_after: int  # the drift there would be then
    drift_before: int  # the drift there is if it was not applied


@dataclass(frozen=True, slots=True)
class UpwardDrift:
    """Upward drift seen in every evaluation since a moment: the smallest of them."""

    units: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Quarantine:
    """An unexplained difference that waits for a person."""

    units: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Memory:
    """What a link remembers from one evaluation to the next."""

    base: int | None = None  # X0; None: never aligned
    open_write: OpenWrite | None = None
    upward: UpwardDrift | None = None
    quarantine: Quarantine | None = None
    shortfall: int = 0  # oversold units: how far the equation lies below zero
    differs: int = 0  # consecutive evaluations in which A was not the target
    unsettled: int = 0  # consecutive evaluations skipped by the as-of rule
    unsettled_since: datetime | None = None


class Verdict(StrEnum):
    """Why Shopify's number is, or is not, changed."""

    IN_STEP = "in step"
    LOWER = "Lightspeed has less"
    RAISE = "Lightspeed has more"
    CORRECT = "somebody changed Shopify's number; Lightspeed's is restored"
    APPROVED = "a person took Lightspeed's number"
    FIRST_SIGHT = "first sight: Lightspeed's number"
    QUARANTINED = "more changed than can be explained; a person decides"
    WAIT_COHERENT = "the number moved while it was read; read again"
    WAIT_QUIET = "Shopify's number changed just now; wait until orders explain it"
    WAIT_ANSWER = "a write is still unanswered; only lowering is allowed"
    WAIT_DRIFT = "a difference is not confirmed yet"
    UNSETTLED = "a Lightspeed document is on its way; wait for it"
    HELD = "set back by a person; held until one lets go of it"
    RESTORED = "a person restored it from a backup"
    UNDONE = "a person undid an earlier write"


_FINAL = (Verdict.IN_STEP, Verdict.LOWER, Verdict.RAISE, Verdict.CORRECT, Verdict.APPROVED, Verdict.FIRST_SIGHT)
HOLDING = (Verdict.RESTORED, Verdict.UNDONE)
"""Verdicts of writes whose links are held from then on."""


class Settled(StrEnum):
    """What became of a write that was never answered."""

    APPLIED = "applied"
    NOT_APPLIED = "not applied"


@dataclass(frozen=True, slots=True)
class Equation:
    """The equation's terms for one reading."""

    said: int  # X
    spoken_for: int  # Tk + u + U
    unseen: int  # u

    @property
    def target(self) -> int:
        """Return A*."""
        return self.expected(self.said)

    def expected(self, base: int) -> int:
        """Return what Shopify shows when Lightspeed has said `base` and only orders have happened since."""
        return max(0, base - self.spoken_for)


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do about one link.

    `after` is the number to write, None for no write. `memory` holds from now on, `if_applied` replaces it once the
    write is known to be applied. `settled` tells what became of an earlier write without an answer. `correction` is
    confirmed drift to put on record (at once without a write, else once applied); `oversold` units of it go back to
    goods sold beyond what there was and are no drift.
    """

    verdict: Verdict
    equation: Equation
    expected: int
    drift: int
    memory: Memory
    after: int | None = None
    if_applied: Memory | None = None
    settled: Settled | None = None
    correction: int = 0
    oversold: int = 0
    unsettled_lapsed: bool = False

    @property
    def target(self) -> int:
        """Return A*."""
        return self.equation.target

    @property
    def again(self) -> bool:
        """Tell whether the link must be looked at in the next pass even if nothing changes."""
        memory = self.memory if self.if_applied is None else self.if_applied
        if self.verdict is Verdict.HELD or self.verdict in HOLDING:
            return memory.open_write is not None
        waiting = memory.open_write or memory.upward or memory.quarantine or memory.differs
        return bool(waiting) or self.verdict not in _FINAL


def unseen_of(demand: Demand, committed: int) -> int:
    """Return u: committed units of orders that were not seen yet."""
    return max(0, committed - demand.open)


def equation(reading: Reading) -> Equation:
    """Return the equation's terms; see the module's own text."""
    demand = reading.demand
    unseen = unseen_of(demand, reading.committed)
    return Equation(
        said=reading.on_hand + reading.mirrored + demand.booked - reading.buffer,
        spoken_for=demand.taken + unseen + reading.set_aside,
        unseen=unseen,
    )


def decide(reading: Reading, memory: Memory, policy: Policy) -> Decision:
    """Return what to do about a link that was read as `reading` and remembers `memory`."""
    terms = equation(reading)
    if not reading.settled and not _lapsed(reading, memory, policy):
        return _skip(reading, memory, terms)
    lapsed = not reading.settled
    memory = replace(memory, unsettled=0, unsettled_since=None)
    view = _view(reading, memory, terms, policy)
    decision = _keep_still(reading, view, terms) if reading.held else _act(reading, view, terms, policy)
    return replace(decision, unsettled_lapsed=True) if lapsed else decision


# --- the parts of the decision, in the order in which they are taken ---


@dataclass(frozen=True, slots=True)
class _View:
    """The link as seen through its base: what is drift, and how much of it is sure."""

    memory: Memory
    base: int
    drift: int
    confirmed: int  # the part of the drift that no order still on its way can explain
    quiet: bool  # the row has not moved for an order lag
    nothing_to_sell: bool  # neither now nor by the base: below zero is equality then, however far
    unanswered: bool  # a write is still open
    settled: Settled | None
    shortfall_before: int


class _Mode(Enum):
    FREE = "decide by the rules"
    QUARANTINED = "only lowering, until a person decides"
    APPROVED = "a person has decided"


def _lapsed(reading: Reading, memory: Memory, policy: Policy) -> bool:
    """Tell whether a document has been in flight for so long that it may hold the link back no more."""
    since = memory.unsettled_since
    if since is None or memory.unsettled < policy.unsettled_reads:
        return False
    return reading.now - since >= policy.unsettled_lags * policy.order_lag


def _skip(reading: Reading, memory: Memory, terms: Equation) -> Decision:
    base = terms.said if memory.base is None else memory.base
    waiting = replace(memory, unsettled=memory.unsettled + 1, unsettled_since=memory.unsettled_since or reading.now)
    return Decision(
        verdict=Verdict.UNSETTLED,
        equation=terms,
        expected=terms.expected(base),
        drift=reading.available - terms.expected(base),
        memory=waiting,
    )


def _view(reading: Reading, memory: Memory, terms: Equation, policy: Policy) -> _View:
    """Settle the open write as far as this reading allows, then measure and confirm the drift."""
    base = terms.said if memory.base is None else memory.base
    quiet = reading.updated_at <= reading.pulled_at - policy.order_lag
    settled, unanswered = None, False
    if (write := memory.open_write) is not None:
        settled = _story(write, reading.available, base, terms)
        base = write.base if settled is Settled.APPLIED else base
        if quiet and reading.coherent:
            applied = settled is Settled.APPLIED
            memory = replace(memory, open_write=None, base=base if applied else memory.base)
        else:
            settled, unanswered = None, True
    drift = reading.available - terms.expected(base)
    upward = None if unanswered else _still_upward(memory.upward, drift, reading)
    confirmed = 0 if unanswered else _confirmed(drift, upward, quiet=quiet, reading=reading, policy=policy)
    over = max(0, terms.spoken_for - max(base, terms.said))
    return _View(
        memory=replace(memory, upward=upward, shortfall=over if drift <= 0 else max(over, memory.shortfall)),
        base=base,
        drift=drift,
        confirmed=confirmed,
        quiet=quiet,
        nothing_to_sell=reading.available <= 0 and terms.target == 0 and terms.expected(base) == 0,
        unanswered=unanswered,
        settled=settled,
        shortfall_before=memory.shortfall,
    )


def _story(write: OpenWrite, available: int, base: int, terms: Equation) -> Settled:
    """Return which of two stories of an unanswered write fits Shopify's number better; a tie means not applied."""
    if_applied = abs(available - terms.expected(write.base) - write.drift_after)
    if_not = abs(available - terms.expected(base) - write.drift_before)
    return Settled.APPLIED if if_applied < if_not else Settled.NOT_APPLIED


def _still_upward(upward: UpwardDrift | None, drift: int, reading: Reading) -> UpwardDrift | None:
    if drift <= 0:
        return None
    if not reading.coherent:
        return upward
    if upward is None:
        return UpwardDrift(drift, reading.now)
    return replace(upward, units=min(upward.units, drift))


def _confirmed(drift: int, upward: UpwardDrift | None, *, quiet: bool, reading: Reading, policy: Policy) -> int:
    """Return the drift that is sure: on a quiet row, beyond every possible restock, or lasting on a hot item."""
    if drift and reading.coherent and (quiet or drift > reading.demand.taken):
        return drift
    if drift > 0 and upward and reading.now - upward.since >= policy.hot_item_lags * policy.order_lag:
        return upward.units
    return 0


def _keep_still(reading: Reading, view: _View, terms: Equation) -> Decision:
    """Leave a held link's number and base alone; only what became of an earlier write is told."""
    differs = 0 if agree(reading.available, terms.target) else view.memory.differs + 1
    return Decision(
        verdict=Verdict.HELD,
        equation=terms,
        expected=terms.expected(view.base),
        drift=view.drift,
        memory=replace(view.memory, upward=None, differs=differs),
        settled=view.settled,
    )


def _act(reading: Reading, view: _View, terms: Equation, policy: Policy) -> Decision:
    """Turn the view into a write, a wait or nothing."""
    memory = view.memory
    sure = 0 if view.nothing_to_sell else view.confirmed
    if memory.quarantine is None and abs(sure) > policy.drift_limit:
        memory = replace(memory, quarantine=Quarantine(sure, reading.now))
    memory = replace(memory, differs=0 if agree(reading.available, terms.target) else memory.differs + 1)
    mode = _mode(reading, memory)
    confirmed = sure if mode is _Mode.FREE else 0
    undisturbed = max(0, terms.target + view.drift - confirmed)  # where A belongs if other drift is left alone
    after = _wanted(reading.available, terms.target, undisturbed, mode)
    decision = Decision(
        verdict=Verdict.IN_STEP,
        equation=terms,
        expected=terms.expected(view.base),
        drift=view.drift,
        memory=memory,
        settled=view.settled,
    )
    if after > reading.available and _must_wait(reading, view):
        return _hold(decision, view, mode)
    base = _next_base(reading, view, terms, after, undisturbed, mode)
    if mode is _Mode.APPROVED:
        decision = replace(decision, memory=replace(memory, quarantine=None, upward=None))
    elif confirmed:
        decision = replace(
            decision,
            memory=replace(memory, upward=None),
            correction=confirmed,
            oversold=max(0, min(confirmed, view.shortfall_before)),
        )
    if after == reading.available:
        return _stay(decision, view, mode, base)
    return _write(decision, reading, view, mode, base, after)


def _mode(reading: Reading, memory: Memory) -> _Mode:
    if reading.approved and (memory.quarantine is not None or memory.base is None):
        return _Mode.APPROVED
    return _Mode.FREE if memory.quarantine is None else _Mode.QUARANTINED


def _wanted(available: int, target: int, undisturbed: int, mode: _Mode) -> int:
    """Return the number Shopify should be set to: never a raise above the target."""
    if available <= 0 and target == 0:
        return available
    if mode is _Mode.APPROVED:
        return target
    if mode is _Mode.QUARANTINED:
        return 0 if target == 0 else min(available, undisturbed)
    if undisturbed > available:
        return max(available, min(undisturbed, target))
    return undisturbed


def _must_wait(reading: Reading, view: _View) -> bool:
    """Tell whether a raise has to wait: for an answer, a coherent reading, or orders that may explain drift."""
    return view.unanswered or not reading.coherent or (view.drift > 0 and not view.quiet)


def _next_base(  # noqa: PLR0917 - one line of the protocol each
    reading: Reading, view: _View, terms: Equation, after: int, undisturbed: int, mode: _Mode
) -> int:
    """Return X0 once Shopify shows `after`: X, less what is still owed."""
    if mode is _Mode.APPROVED:
        return terms.said
    if after == reading.available and not reading.coherent:
        return view.base
    if terms.said < view.base and after <= 0:  # a fall cut off by the floor 0: the rest stays owed
        return terms.said + max(0, (view.base - terms.said) - (reading.available - after))
    if undisturbed > after and mode is _Mode.FREE:  # a raise cut off by the target
        return terms.said - (undisturbed - after)
    return terms.said


def _hold(decision: Decision, view: _View, mode: _Mode) -> Decision:
    """Keep the number and the base; a person's word stays valid until it can be carried out."""
    if view.unanswered:
        return replace(decision, verdict=Verdict.WAIT_ANSWER)
    verdict = Verdict.WAIT_QUIET if view.drift > 0 and not view.quiet else Verdict.WAIT_COHERENT
    if mode is _Mode.APPROVED:
        return replace(decision, verdict=verdict)
    return replace(decision, verdict=verdict, memory=replace(decision.memory, base=view.base))


def _stay(decision: Decision, view: _View, mode: _Mode, base: int) -> Decision:
    """Keep the number; Lightspeed's part is settled, so the base moves on unless a write is still open."""
    memory = decision.memory if view.unanswered else replace(decision.memory, base=base)
    if view.unanswered:
        verdict = Verdict.WAIT_ANSWER
    elif mode is _Mode.QUARANTINED:
        verdict = Verdict.QUARANTINED
    elif view.drift and not (decision.correction or view.nothing_to_sell) and mode is not _Mode.APPROVED:
        verdict = Verdict.WAIT_DRIFT
    else:
        verdict = Verdict.IN_STEP
    return replace(decision, verdict=verdict, memory=memory)


def _write(  # noqa: PLR0917 - the write's own inputs
    decision: Decision, reading: Reading, view: _View, mode: _Mode, base: int, after: int
) -> Decision:
    """Change the number; the base moves on only once the write is known to be applied."""
    write = OpenWrite(
        before=reading.available,
        after=after,
        base=base,
        drift_after=after - decision.equation.expected(base),
        drift_before=view.drift,
    )
    agreed = agree(after, decision.target)
    done = replace(decision.memory, base=base, open_write=None, differs=0 if agreed else decision.memory.differs)
    return replace(
        decision,
        verdict=_reason(decision, reading, mode, after),
        after=after,
        memory=replace(decision.memory, open_write=write),
        if_applied=done,
    )


def _reason(decision: Decision, reading: Reading, mode: _Mode, after: int) -> Verdict:
    if decision.memory.base is None:
        return Verdict.FIRST_SIGHT
    if mode is _Mode.APPROVED:
        return Verdict.APPROVED
    if decision.correction:
        return Verdict.CORRECT
    return Verdict.LOWER if after < reading.available else Verdict.RAISE


def agree(available: int, target: int) -> bool:
    """Tell whether Shopify shows the target; nothing to sell is nothing to sell, however far below zero."""
    return available == target or (available <= 0 and target == 0)
