"""The newest validation as the ops listener shows it: what it came to, and its report."""

from __future__ import annotations

from monitor.reports.page import Facts, page_of, pieces
from sync.findings import Summary
from sync.storage.database import Database
from sync.storage.finding_book import Shown, SqlFindingBook


class Validated:
    """Reads validations for the ops listener; `facts` are what a report says of where it comes from."""

    def __init__(self, database: Database, facts: Facts) -> None:
        self._book = SqlFindingBook(database)
        self._facts = facts

    async def summary(self) -> Summary | None:
        """Return what the newest validation came to; None: there was none."""
        return await self._book.summary()

    async def page(self) -> str | None:
        """Return the newest validation's report as a page of HTML; None: there was none."""
        summary = await self.summary()
        if summary is None:
            return None

        def page(shown: Shown) -> str:
            return "".join(pieces(page_of(summary, shown.each(), shown.worst, shown.units, self._facts)))

        return await self._book.show(summary.validation_id, summary.classes, page)
