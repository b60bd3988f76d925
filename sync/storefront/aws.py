"""The storefront as a function of AWS Lambda, behind API Gateway: the same routes, over a daemon's PostgreSQL.

`handler` is the function's handler. It calls neither Lightspeed nor Shopify: what may be promised is one indexed row,
reservations are written where the daemon sees them, and hints are kept for the daemon to look at. What it opens stays
open for the requests that follow, until AWS throws the process away.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import structlog
from mangum import Mangum
from starlette.types import Receive, Scope, Send

from sync.clock import Clock, SystemClock
from sync.config import load_part
from sync.errors import SyncError
from sync.hints import Checked, Hints, OrderHint
from sync.settings import StorefrontSettings
from sync.storage.database import Database
from sync.storage.holds import SqlHolds
from sync.storage.opening import open_beside
from sync.storage.order_book import SqlBookings
from sync.storage.shelf import SqlShelf
from sync.storage.visitor_limits import VisitorLimits, limits_kept
from sync.storage.webhooks import SqlInbox
from sync.storefront.answers import BAD_REQUEST, NOT_FOUND, UNAVAILABLE, Answer
from sync.storefront.door import Door
from sync.storefront.front import storefront_door

log = structlog.get_logger()

Event = Mapping[str, Any]
Reply = Mapping[str, Any]

_ON_AWS = "AWS_LAMBDA_FUNCTION_NAME"  # AWS sets it; its logs are read by programs


def handler(event: Event, context: Any) -> Reply:
    """Answer one request, as API Gateway hands it over (payload 2.0 or 1.0)."""
    return _function(event, context)


class Function:
    """What a process of ours answers with; it opens the database when it is first asked, and again while it cannot."""

    def __init__(self, environ: Mapping[str, str], clock: Clock) -> None:
        self._environ = environ
        self._clock = clock
        self._adapter: Mangum | None = None
        self.database: Database | None = None

    def __call__(self, event: Any, context: Any) -> Reply:
        """Answer one request; an event without one, as a timer sends it, only makes us ready; 400 is for all else."""
        try:
            if self._adapter is None:
                self._adapter = Mangum(self._open(), lifespan="off")
        except SyncError as error:
            log.error("storefront.not_opened", code=error.code.name, detail=str(error), remedy=error.remedy)  # noqa: TRY400
            return _reply(UNAVAILABLE)
        if isinstance(event, Mapping) and "requestContext" not in event:
            return {"statusCode": 204}
        try:
            return self._adapter(dict(without_stage(event)), context)
        except Exception as error:  # noqa: BLE001 - what the routes raise is answered there: the event is no request
            log.warning("storefront.no_request", error=type(error).__name__)
            return _reply(BAD_REQUEST)

    def _open(self) -> Door:
        if _ON_AWS in self._environ:
            structlog.configure(processors=[structlog.processors.add_log_level, structlog.processors.JSONRenderer()])
        settings = load_part(StorefrontSettings, self._environ)
        if self.database is None:
            self.database = open_beside(settings.database_url.url, settings.shopify_store_domain)
        limits = asyncio.run(limits_kept(self.database))
        return storefront(settings, limits, self.database, self._clock)


def storefront(settings: StorefrontSettings, limits: VisitorLimits, database: Database, clock: Clock) -> Door:
    """Return the application over a database that somebody else keeps in step with the shops."""
    shelf = SqlShelf(database, clock)
    hints = Hints(
        inbox=SqlInbox(database),
        bookings=SqlBookings(database),
        clock=clock,
        tell=_nobody,
        shop=settings.shopify_store_domain,
        pace=limits.check_pace,
    )
    return storefront_door(
        settings,
        limits.asks,
        shelf=shelf,
        holds=SqlHolds(database, limits=limits.holds, tell=_nobody),
        hints=HintsBeside(hints, shelf, clock, limits.check_pace),
        clock=clock,
        tell=_nobody,
        behind=_nothing_else,
    )


class HintsBeside:
    """Takes hints in a process that makes no passes: when the last one began stands in the database."""

    def __init__(self, hints: Hints, shelf: SqlShelf, clock: Clock, pace: timedelta) -> None:
        self._hints = hints
        self._shelf = shelf
        self._clock = clock
        self._pace = pace

    async def check(self) -> Checked:
        """Have stock checked, unless the last pass began within the pace."""
        passed_at = self._shelf.passed_at
        if passed_at is not None and self._clock.now() - passed_at < self._pace:
            return Checked.SYNCED
        return await self._hints.check()

    async def order(self, hint: OrderHint) -> str | None:
        """Have an order read."""
        return await self._hints.order(hint)


def without_stage(event: Event) -> Event:
    """Return an event without the name of API Gateway's stage in front of its path."""
    context = event["requestContext"]
    stage = context.get("stage")
    if not stage or stage == "$default":
        return event
    front = f"/{stage}/"
    if str(event.get("path", "")).startswith(front):
        event = {**event, "path": event["path"].removeprefix(front[:-1])}
    http = context.get("http")
    if http is not None and http["path"].startswith(front):
        event = {
            **event,
            "requestContext": {**context, "http": {**http, "path": http["path"].removeprefix(front[:-1])}},
        }
    return event


def _reply(answer: Answer) -> Reply:
    headers = {name.decode(): value.decode() for name, value in answer.headers}
    return {"statusCode": answer.status, "headers": headers, "body": answer.body.decode(), "isBase64Encoded": False}


def _nobody(_: object) -> None:
    """Tell nobody: the daemon sees in the database what came of it."""


async def _nothing_else(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": NOT_FOUND.status, "headers": NOT_FOUND.headers})
    await send({"type": "http.response.body", "body": NOT_FOUND.body})


_function = Function(os.environ, SystemClock())
