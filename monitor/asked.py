"""What a person may ask for, and what comes of it: said by commands to the daemon, and by the daemon to itself.

These are words only; what carries them out is not loaded with them, so that a command starts quickly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict

from monitor.notice import FailureReason, Kind, Severity
from monitor.units import encodable
from sync.findings import FindingClass
from sync.mapping import Pair
from sync.products import Field, ProductOutcome, ProductResult
from sync.records import ConflictDecision, PauseKind, RunOutcome, WriteOutcome
from sync.restoring import Fate
from sync.reviewing import RowLeft
from sync.rollback_ports import LinkFate, PastRow

Text = Annotated[str, BeforeValidator(lambda text: encodable(text) if isinstance(text, str) else text)]
"""What somebody typed, without the broken bytes that a terminal may make of it."""


class SyncOrder(BaseModel):
    """A pass that a person asks for; `plan` is the text of a reviewed plan that is to be carried out.

    `skus` and `products` (kinds of goods, in words) name together what it is about; neither: everything.
    With `priority` what sells well and what is nearly sold out comes first. `ticket` is the name by which it can be
    stopped, `by` who asks.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    full: bool = False
    dry_run: bool = False
    skus: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    priority: bool = False
    plan: str | None = None
    ticket: str = ""
    by: Text = ""

    @property
    def filters(self) -> dict[str, Any]:
        """Return what narrows the pass, as a plan states it."""
        return {"full": self.full, "skus": sorted(self.skus), "products": sorted(self.products)}


class StopOrder(BaseModel):
    """Stop the pass that was asked for under this ticket, between two calls."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ticket: str


class SyncReply(BaseModel):
    """How it went; `plan` is the text of the plan that was made, or that a brake held.

    `left` are the rows of a plan that was carried out which were not written, and why; `products` those of its changes
    of product fields.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    run_id: int
    outcome: RunOutcome
    code: str | None = None
    detail: str = ""
    numbers: Mapping[str, int] = {}
    plan: str | None = None
    left: tuple[RowLeft, ...] = ()
    products: tuple[ProductResult, ...] = ()


class ValidateOrder(BaseModel):
    """A comparison of both shops that a person asks for; `classes` are the findings that matter to them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    classes: tuple[FindingClass, ...] = tuple(FindingClass)


class ValidateReply(BaseModel):
    """How it went; what was found stands on record under `validation_id`, None where a shop could not be read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run_id: int
    outcome: RunOutcome
    code: str | None = None
    detail: str = ""
    validation_id: int | None = None
    findings: int = 0


class PauseOrder(BaseModel):
    """Stop a kind of work, with the reason that people are shown."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: PauseKind = PauseKind.WRITES
    reason: str


class ResumeOrder(BaseModel):
    """Lift one pause, or all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: PauseKind | None = None


class DecideOrder(BaseModel):
    """A person's word on SKUs whose difference waits for one; `by` is who said it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    skus: tuple[str, ...]
    decision: ConflictDecision
    by: str


class DecideManyOrder(BaseModel):
    """A person's word on many differences: what Shopify shows above what it should, by link, as the person saw it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    differences: Mapping[int, int]
    decision: ConflictDecision
    by: Text


class DecidedMany(BaseModel):
    """The SKUs whose differences were decided on, and why not, of those that were left out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    decided: tuple[str, ...]
    left_out: Mapping[str, str] = {}


class MapOrder(BaseModel):
    """Pairs that a person links: a Lightspeed SKU and a Shopify SKU each; `replace` ends wrong links.

    `pin` makes links that there are already the person's own: said of single pairs, not of a whole file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pairs: tuple[tuple[Text, Text], ...]
    by: Text
    replace: bool = False
    pin: bool = False


class CreateItemsOrder(BaseModel):
    """Shopify SKUs for which items are to be made in Lightspeed; without `confirm` it is only looked what that does."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    skus: tuple[Text, ...]
    by: Text
    confirm: bool = False


class UnmapOrder(BaseModel):
    """Links that a person ends, by their SKUs; their two sides are kept apart from then on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    skus: tuple[Text, ...]
    by: Text
    reason: Text = ""


class RollbackOrder(BaseModel):
    """What a restore and an undo have in common; `force` names SKUs that are written although they are listed.

    `raises`: so are all rows that are listed only because Lightspeed has less.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    by: Text
    dry_run: bool = False
    force: tuple[Text, ...] = ()
    raises: bool = False


class RestoreOrder(RollbackOrder):
    """Set the numbers of a file again; `source` is the file's name.

    `links` are those it has, to be linked again; with `fields_since` product fields written since then are taken back.
    """

    rows: tuple[PastRow, ...]
    source: Text
    links: tuple[Pair, ...] = ()
    fields_since: datetime | None = None


class UndoOrder(RollbackOrder):
    """Take back what one run, or all runs of a time, wrote of stock and product fields."""

    run_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class RolledBack:
    """One row of a restore or an undo: the number of the past, what was ordered since, and what it should show now.

    `listed` is why a person had to overrule it; `outcome` is that of its write, None where nothing was written.
    """

    sku: str
    past: int
    ordered: int
    wanted: int
    available: int
    target: int
    fate: Fate
    listed: Fate | None = None
    outcome: WriteOutcome | None = None


@dataclass(frozen=True, slots=True)
class FieldRolledBack:
    """One product field of an undo; `outcome` None: it is to be written. `detail` says why it is not, or was not."""

    sku: str
    subject: str
    field: Field
    now: Any
    wanted: Any
    outcome: ProductOutcome | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class LinkRolledBack:
    """One link of the past that there is no more; `joined`: it is there again. `code` is why it could not be."""

    sku: str
    item_id: str
    variant_id: str
    fate: LinkFate
    joined: bool = False
    code: str = ""


class RollbackReply(BaseModel):
    """How it went; `rows` and `fields` are all but those that are so already, `unlinked` names what has no link."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run_id: int
    outcome: RunOutcome
    code: str | None = None
    detail: str = ""
    numbers: Mapping[str, int] = {}
    rows: tuple[RolledBack, ...] = ()
    fields: tuple[FieldRolledBack, ...] = ()
    links: tuple[LinkRolledBack, ...] = ()
    unlinked: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """Return how many rows of stock there are, those that show their number already included."""
        return sum(count for name, count in self.numbers.items() if not name.startswith("fields "))


class LetGoOrder(BaseModel):
    """Let go of links that were set back and are held; no SKU named: of all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    skus: tuple[Text, ...] = ()
    by: Text


class RetryOrder(BaseModel):
    """Orders to look at again, by any of their names; none named: all that wait for a person."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    names: tuple[str, ...]
    by: str


class CloseOrder(BaseModel):
    """An order that a person takes out of our hands; `sale_id` is the sale that booked it, None: it never will be.

    `anyway`: even where the sale has other goods or another total.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    sale_id: str | None
    by: str
    anyway: bool = False


class ConnectOrder(BaseModel):
    """Sign in to Lightspeed with the code of a consent."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    code: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Who took an alert into their hands, and when."""

    by: str
    at: datetime


class AcknowledgeOrder(BaseModel):
    """Take alerts that fire into one's hands: no more reminders, no escalation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    alerts: tuple[Text, ...]
    by: Text
    incident: int | None = None  # refused where this one is over, though its alert may fire anew


class SilenceOrder(BaseModel):
    """Hear nothing of alerts for a while; without names, labels and severity: of any."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    alerts: tuple[Text, ...] = ()
    labels: Mapping[Text, Text] = {}
    severity: Severity | None = None
    length: timedelta
    until_resolved: bool = False
    reason: Text
    by: Text
    incident: int | None = None  # refused where this one is over, though its alert may fire anew


class LiftOrder(BaseModel):
    """End a silence before its time."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    silence: int
    by: Text


class TrialOrder(BaseModel):
    """Send a test through a channel."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    channel: str
    by: str


class DrillOrder(BaseModel):
    """Pretend that an alert fires and ends, to everybody whom it would reach."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    alert: str
    by: str


class FileOrder(BaseModel):
    """Tell how alerts.yaml stands."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class FileStand:
    """How alerts.yaml as it is now stands to what the daemon goes by.

    `refused_since` None: it is in force. `mistakes` is why it is not; `at_next_start` are keys that differ from those
    with which the daemon began, and count once it begins anew.
    """

    refused_since: datetime | None = None
    mistakes: Sequence[str] = ()
    at_next_start: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one message: the proof of its delivery, or why there is none.

    `reason` None: it was delivered. `seconds` is how long the channel took.
    """

    place: str
    kind: Kind
    seconds: float
    proof: str = ""
    reason: FailureReason | None = None
    detail: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What came of a test or a drill.

    `lacking` says of channels why nothing can be sent there; `waiting` is how many real messages wait for a tested
    channel, `last_error` why the newest of them that was tried does.
    """

    subject: str
    sent: Sequence[Sent]
    lacking: Mapping[str, str] = field(default_factory=dict)
    waiting: int = 0
    last_error: str = ""

    @property
    def well(self) -> bool:
        """Tell whether everything arrived everywhere."""
        return bool(self.sent) and not self.lacking and all(each.reason is None for each in self.sent)
