"""The watched part of the ledger, with numbers that a test sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sync.order_records import OrderStanding
from sync.records import ApiMinute, Differing, Pause, RunRecord, Standing
from sync.second_writer import Tampering

CALM = Standing(
    links=500,
    oversell_skus=0,
    oversell_units=0,
    undersell_skus=0,
    undersell_units=0,
    quarantined_skus=0,
    parked_skus=0,
    unanswered_writes=0,
    uningested_skus=0,
)


class FakeHistory:
    def __init__(self) -> None:
        self.stands = CALM
        self.successes: dict[str, RunRecord] = {}
        self.past: list[RunRecord] = []
        self.minutes: list[ApiMinute] = []
        self.paused: list[Pause] = []
        self.orders = OrderStanding({}, None)
        self.booked: list[datetime] = []
        self.doubted: list[str] = []
        self.tampered: list[Tampering] = []

    def differ(self, skus: int, *examples: str) -> None:
        """Let so many SKUs differ."""
        self.stands = replace(self.stands, undersell_skus=skus, undersell_units=skus, examples=examples)

    async def standing(self) -> Standing:
        return self.stands

    async def differing(self) -> Differing:
        standing = self.stands
        return Differing(
            standing.oversell_skus, standing.oversell_units, standing.undersell_skus, standing.undersell_units
        )

    async def order_standing(self) -> OrderStanding:
        return self.orders

    async def booked_since(self, moment: datetime) -> int:
        return sum(each >= moment for each in self.booked)

    async def last_success(self, job: str) -> RunRecord | None:
        return self.successes.get(job)

    async def runs(self, job: str | None = None, limit: int = 20) -> Sequence[RunRecord]:
        return [run for run in self.past if job in (None, run.job)][:limit]

    async def calls_since(self, moment: datetime) -> Sequence[ApiMinute]:
        return [minute for minute in self.minutes if minute.minute >= moment]

    async def pauses(self) -> Sequence[Pause]:
        return self.paused

    async def doubted_links(self, limit: int = 5) -> Sequence[str]:
        return self.doubted[:limit]

    async def tamperings(self, since: datetime) -> Sequence[Tampering]:
        return [each for each in self.tampered if each.at >= since]
