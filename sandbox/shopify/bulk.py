"""Bulk operations over their life: five at once, waiting, running, done, and the files they leave behind."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sandbox.clock import Clock

SLOTS = 5
FILE_KEPT = timedelta(days=7)
WAITING = timedelta(seconds=0.5)
CANCELING = timedelta(seconds=1)
OBJECTS_A_SECOND = 5_000
FIRST_OPERATION = 7_300_000_000_000


@dataclass(slots=True, eq=False)
class Operation:
    """One export. Its rows are those of the moment it was asked for; the clock decides what is told of it."""

    number: int
    query: str
    lines: list[bytes]
    roots: int
    clock: Clock
    file_name: str
    asked_at: datetime
    ends_at: datetime
    failure: str | None = None
    cancelled_at: datetime | None = None
    type: str = "QUERY"
    id: str = field(init=False)

    def __post_init__(self) -> None:
        self.id = f"gid://shopify/BulkOperation/{self.number}"

    @property
    def created_at(self) -> datetime:
        """When it was asked for."""
        return self.asked_at.replace(microsecond=0)

    @property
    def status(self) -> str:
        """BulkOperationStatus as of now."""
        now = self.clock.now()
        if self.cancelled_at is not None:
            return "CANCELED" if now >= self.cancelled_at + CANCELING else "CANCELING"
        if now >= self.ends_at:
            return "FAILED" if self.failure else "COMPLETED"
        return "RUNNING" if now >= self.asked_at + WAITING else "CREATED"

    @property
    def busy(self) -> bool:
        """Whether it still holds one of the five slots."""
        return self.status in ("CREATED", "RUNNING", "CANCELING")

    @property
    def done(self) -> int:
        """How many objects have been written so far."""
        if self.status in ("COMPLETED", "FAILED"):
            return len(self.written)
        whole = (self.ends_at - self.asked_at).total_seconds()
        until = min(self.clock.now(), self.cancelled_at or self.ends_at)
        return int(len(self.lines) * (until - self.asked_at).total_seconds() / whole) if self.status != "CREATED" else 0

    @property
    def written(self) -> list[bytes]:
        """The lines of the file: half of them where the operation failed."""
        return self.lines[: len(self.lines) // 2] if self.failure else self.lines

    @property
    def object_count(self) -> str:
        """How many objects were written, as text."""
        return str(self.done)

    @property
    def root_object_count(self) -> str:
        """How many of them have no parent, as text."""
        return str(min(self.roots, self.done))

    @property
    def file_size(self) -> str | None:
        """The file's size in bytes, as text; None while there is none."""
        return str(sum(map(len, self.written))) if self.has_file else None

    @property
    def has_file(self) -> bool:
        """Whether there is a file: never for an export without rows."""
        return bool(self.written) and self.status in ("COMPLETED", "FAILED")

    @property
    def completed_at(self) -> datetime | None:
        """When it ended; None while it runs and for one that was called off."""
        return self.ends_at.replace(microsecond=0) if self.status in ("COMPLETED", "FAILED") else None

    @property
    def error_code(self) -> str | None:
        """Why it failed."""
        return self.failure if self.status == "FAILED" else None


class BulkOperations:
    """All exports of the store, oldest first."""

    def __init__(self, clock: Clock, made_up: random.Random) -> None:
        self._clock = clock
        self._random = made_up
        self._failing = 0
        self.operations: dict[str, Operation] = {}

    def running(self) -> list[Operation]:
        """Return the operations that hold a slot."""
        return [operation for operation in self.operations.values() if operation.busy]

    def fail_next(self) -> None:
        """Let the next export end FAILED, with half of its rows under partialDataUrl."""
        self._failing += 1

    def start(self, query: str, lines: list[bytes], roots: int, failure: str | None = None) -> Operation:
        """Begin an export of `lines`, `roots` of which have no parent; `failure` is the errorCode it will end with."""
        now = self._clock.now()
        number = FIRST_OPERATION + len(self.operations) + 1
        name = f"{number}-{self._random.getrandbits(64):016x}.jsonl"
        ends_at = now + WAITING + timedelta(seconds=max(1.0, len(lines) / OBJECTS_A_SECOND))
        failure = failure or ("INTERNAL_SERVER_ERROR" if self._failing else None)
        operation = Operation(number, query, lines, roots, self._clock, name, now, ends_at, failure)
        self._failing = max(0, self._failing - 1)
        self.operations[operation.id] = operation
        return operation

    def cancel(self, operation: Operation) -> bool:
        """Call an export off; False when it has ended already."""
        if operation.status not in ("CREATED", "RUNNING"):
            return False
        operation.cancelled_at = self._clock.now()
        return True

    def file(self, name: str) -> bytes | None:
        """Return a result file by its name, None when there is none or it has expired."""
        for operation in self.operations.values():
            if operation.file_name == name and operation.has_file and self._clock.now() < operation.ends_at + FILE_KEPT:
                return b"".join(operation.written)
        return None
