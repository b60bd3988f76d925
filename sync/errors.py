"""What can go wrong, as one tree; each failure carries a code of the catalogue in `sync.codes`.

    SyncError                       carries a `Code`: title, sentence for a shop manager, remedy
    ├── Transient                   worth another try, after `retry_after` seconds where the server said so
    ├── Permanent                   another try of the same would fail the same way
    ├── OutcomeUnknown              a write was sent and nobody answered: it may have happened
    └── Refused                     the product itself declines: a brake, a pause, a missing confirmation

Adapters translate every foreign error into this tree at their edge.
"""

from __future__ import annotations

from sync.codes import Code

__all__ = ["Code", "OutcomeUnknown", "Permanent", "Refused", "SyncError", "Transient"]


class SyncError(Exception):
    """A failure with its catalogue code; `detail` adds what is particular to this one."""

    def __init__(self, code: Code, detail: str = "") -> None:
        self.code = code
        self.detail = detail
        super().__init__(f"{code.name} {code.sentence}" + (f" {detail}" if detail else ""))

    @property
    def remedy(self) -> str:
        """Return what a person can do about it."""
        return self.code.remedy


class Transient(SyncError):
    """Worth another try; `retry_after` is the server's own wait in seconds, None where it gave none."""

    def __init__(self, code: Code, detail: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(code, detail)
        self.retry_after = retry_after


class Permanent(SyncError):
    """Another try of the same request would fail the same way."""


class OutcomeUnknown(SyncError):
    """A write was sent and its answer never came: it may have happened, and may still happen.

    `retry_after` is how long the server asked not to be called, in seconds, None where it did not.
    """

    def __init__(self, code: Code, detail: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(code, detail)
        self.retry_after = retry_after


class Refused(SyncError):
    """The product declines to go on: a brake, a pause or a missing confirmation."""
