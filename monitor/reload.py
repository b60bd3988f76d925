"""Takes a changed alerts.yaml while the daemon runs: parsed and checked first, swapped after, kept old on any mistake.

A change is noticed by looking at the file, also where another file was put in its place by a symbolic link, and asked
for by SIGHUP.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

import structlog

from monitor.alerts_file import AlertsFileError, load_alerts
from monitor.alerts_model import AlertsFile
from monitor.alerts_model.limits import Limits
from monitor.asked import FileStand
from monitor.yaml_page import Mistake
from sync.clock import Clock

log = structlog.get_logger()

_LOOK_SECONDS = 2.0
_Mark = tuple[str, int, int, int, int] | None


class ReloadMeter(Protocol):
    """Told how each reading of the file went."""

    def reloaded(self, now: datetime, *, taken: bool, mistakes: Sequence[str] = ()) -> None:
        """Take note of one reading of the file, and of what was wrong with it."""


class FileWatch:
    """Tells when a file has changed and rests: an editor may write it in several steps."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = self._seen = _mark(path)

    def changed(self) -> bool:
        """Tell, once, that the file is another than the known one, and the same as at the last look."""
        mark = _mark(self._path)
        rests, self._seen = mark == self._seen, mark
        if not rests or mark == self._known:
            return False
        self._known = mark
        return True


def _mark(path: Path) -> _Mark:
    """Return what tells one state of a file from another; None where there is none."""
    try:
        real = path.resolve()
        found = real.stat()
    except OSError:
        return None
    return str(real), found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size


class Reload:
    """Watches the file at `path` and hands over what it says to `take`, as long as it says it without a mistake.

    `judge` judges the rules: once the file was taken or refused, that shows at once.
    """

    def __init__(
        self,
        path: Path,
        content: AlertsFile,
        take: Callable[[AlertsFile], Awaitable[None]],
        judge: Callable[[], Awaitable[object]],
        *,
        clock: Clock,
        meter: ReloadMeter,
    ) -> None:
        self._path = path
        self._content = self._began_with = content
        self._take = take
        self._judge = judge
        self._clock = clock
        self._meter = meter
        self._watch = FileWatch(path)
        self._asked = asyncio.Event()
        meter.reloaded(clock.now(), taken=True)
        self.rejected: AlertsFileError | None = None  # what is wrong with the file as it is now
        self._rejected_since: datetime | None = None

    def stand(self) -> FileStand:
        """Return how the file stands to what is in force."""
        return FileStand(
            refused_since=self._rejected_since if self.rejected else None,
            mistakes=[str(mistake) for mistake in self.rejected.mistakes] if self.rejected else [],
            at_next_start=needs_restart(self._began_with, self._content),
        )

    def ask(self) -> None:
        """Read the file soon, whether it changed or not."""
        self._asked.set()

    async def run(self) -> None:
        """Look at the file until cancelled; what could not be taken for another reason than itself is tried again."""
        again = False
        while True:
            await self._rest()
            if self._watch.changed() or self._asked.is_set() or again:
                self._asked.clear()
                again = not await self.read() and self.rejected is None
                if not again:
                    await self._judged()

    async def _judged(self) -> None:
        try:
            await self._judge()
        except Exception:
            log.exception("alerts_file.not_judged", then="the rules are judged at their next time")

    async def read(self) -> bool:
        """Read the file and take it; where that fails keep what was, say so, and return False."""
        content = self._wanted()
        if content is None:
            return False
        try:
            await self._take(content)
        except OSError as error:
            self._reject(AlertsFileError([Mistake(str(self._path), 1, 1, str(error), "correct SMTP_CA_FILE")]))
            return False
        except Exception:
            self._meter.reloaded(self._clock.now(), taken=False)
            log.exception("alerts_file.not_taken", kept="the file as read before", then="it is tried again")
            self.rejected = None
            return False
        self._content, self.rejected = content, None
        self._meter.reloaded(self._clock.now(), taken=True)
        later = needs_restart(self._began_with, content)
        log.info("alerts_file.taken", alerts=len(content.alerts), at_next_start=later or None)
        return True

    def _wanted(self) -> AlertsFile | None:
        """Return what the file says now; None, and why is known, where it cannot be taken."""
        try:
            content = load_alerts(self._path)
        except AlertsFileError as error:
            self._reject(error)
            return None
        if self._content.alerts and not content.alerts:
            problem, remedy = "it holds no alerts any more", "put them back; to run without any, restart"
            self._reject(AlertsFileError([Mistake(str(self._path), 1, 1, problem, remedy)]))
            return None
        return content

    def _reject(self, error: AlertsFileError) -> None:
        if self.rejected is None:
            self._rejected_since = self._clock.now()
        self.rejected = error
        mistakes = [str(mistake) for mistake in error.mistakes]
        told = [f"line {each.line}: {each.problem}; {each.remedy}" for each in error.mistakes]
        self._meter.reloaded(self._clock.now(), taken=False, mistakes=told)
        log.error("alerts_file.rejected", code=error.code.name, mistakes=mistakes, kept="the file as read before")

    async def _rest(self) -> None:
        """Wait until the next look, or until somebody asks."""
        asked = asyncio.ensure_future(self._asked.wait())
        sleep = asyncio.ensure_future(self._clock.sleep(_LOOK_SECONDS))
        try:
            await asyncio.wait({asked, sleep}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in (asked, sleep):
                wait.cancel()


_AT_ONCE = ("repeat_interval", "delivery")
_SCHEDULE = tuple(
    name for name in AlertsFile.model_fields if name.endswith(("_interval", "_at")) and name not in _AT_ONCE
)
_LIMITS = tuple(name for name in Limits.model_fields if name not in _AT_ONCE)
AT_NEXT_START = (*_SCHEDULE, "catalogue", *(f"limits.{name}" for name in _LIMITS))
"""The keys that count from the daemon's next start only: the schedule, and the policy and limits of the engine."""


def needs_restart(before: AlertsFile, after: AlertsFile) -> list[str]:
    """Return those keys of `AT_NEXT_START` in which two files differ."""
    return [
        *(key for key in (*_SCHEDULE, "catalogue") if getattr(before, key) != getattr(after, key)),
        *(f"limits.{name}" for name in _LIMITS if getattr(before.limits, name) != getattr(after.limits, name)),
    ]
