"""`check`: the settings in words that anybody may see, and whether both shops answer."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path

from monitor.alerts_file import read_alerts, unreachable
from monitor.alerts_model import AlertsFile
from monitor.cli.common import Exit, complain, err, exit_code, here, rows, run, say, say_folded, say_json, telling
from monitor.cli.explaining import channels_there
from monitor.door import daemon_runs
from monitor.reload import AT_NEXT_START
from monitor.signals import SIGNALS, Need
from monitor.units import counted
from monitor.workshop import engine_limits
from sync.app import Engine, open_engine
from sync.app_settings import booking_items
from sync.clock import SystemClock
from sync.config import described
from sync.errors import Code
from sync.events import Events
from sync.model import Finding
from sync.settings import Settings
from sync.storage.opening import open_for_reading


def config(settings: Settings, content: AlertsFile, *, json: bool) -> None:
    """Show every setting, secrets hidden."""
    values = described(settings)
    if json:
        books = settings.books_orders
        say_json({"settings": values, "alerts": [alert.name for alert in content.alerts], "books": books})
        return
    rows(values)
    say("", _right(settings.alerts_file, content), *booking(settings))


def alerts(settings: Settings | None, file: Path) -> None:
    """Tell mistakes and doubts of the alerts file, and which channels cannot be used with the settings there are."""
    with telling():
        reading = read_alerts(file)
    complain(*(f"{doubt}" for doubt in reading.doubts))
    if settings is None:
        complain("Whom the channels reach is not known: the settings have mistakes (`lightspeed-sync check config`).")
    else:
        complain(*unreachable(reading.content, run(lambda: channels_there(settings, reading.content))))
        complain(*never_produced(reading.content, settings))
    say_folded(f"A running daemon takes it by itself; from its next start only count {', '.join(AT_NEXT_START)}.", "")
    say(_right(file, reading.content))


def never_produced(content: AlertsFile, settings: Settings) -> Iterator[str]:
    """Yield a sentence for each signal of an alert that these settings keep at 0."""
    there = {Need.BOOKING: settings.books_orders, Need.WEBHOOKS: settings.public_url is not None}
    for alert in content.alerts:
        for name in alert.signals():
            need = SIGNALS[name].needs
            if need is not None and not there[need]:
                yield f"{alert.name}: {name} stays 0 with these settings: {need.value}"


def _right(file: Path, content: AlertsFile) -> str:
    return f"{file}: {counted(len(content.alerts), 'alert')}, no mistake."


def booking(settings: Settings) -> Iterator[str]:
    """Yield whether online orders are booked, and what is not set that some of them need."""
    if not settings.books_orders:
        yield f"Booking of online orders is off: {Code.OR009.name} {Code.OR009.sentence} {Code.OR009.remedy}"
        return
    yield "Booking of online orders is on."
    items = booking_items(settings)
    missing = {
        "LIGHTSPEED_SHIPPING_ITEM_ID": "" if items.shipping or items.other else "with paid shipping",
        "LIGHTSPEED_OTHER_ITEM_ID": "" if items.other else "with a tip, a fee, a gift card or money given back",
        "LIGHTSPEED_UNLINKED_ITEM_ID": "" if items.unlinked else "with goods that have no link",
    }
    for name, what in missing.items():
        if what:
            yield f"  {name} is not set: an order {what} waits for a person."
    if not items.tax:
        yield "  LIGHTSPEED_TAX_ITEM_ID is not set: Lightspeed works out the tax, and must come to the same cent."


def connections(settings: Settings, content: AlertsFile, *, json: bool) -> Exit:
    """Try both shops and show what was found; beside a running daemon too, with the tokens that it keeps."""

    async def look() -> Sequence[tuple[str, Finding]]:
        async with _engine(settings, content) as engine:
            lightspeed = [("Lightspeed", each) for each in await engine.pos.check()]
            shopify = [*await engine.storefront.check()]
            if engine.subscriptions is not None:
                tried = bool(await engine.ledger.runs("webhooks", 1))
                shopify += await engine.subscriptions.check(tried=tried)
            return [*lightspeed, *(("Shopify", each) for each in shopify)]

    with err.status("Asking both shops …"):
        findings = run(look)
    if json:
        say_json([{"service": service, **asdict(finding)} for service, finding in findings])
    else:
        for service, finding in findings:
            mark = "ok  " if finding.ok else "FAIL"
            say(f"{mark} {service} {_without(service, finding.name)}: {finding.detail}")
            if finding.remedy and not finding.ok:
                say(f"     {finding.remedy}")
    return _verdict([finding for _, finding in findings if not finding.ok])


@asynccontextmanager
async def _engine(settings: Settings, content: AlertsFile) -> AsyncIterator[Engine]:
    """Open the engine; while a daemon holds the state directory it can only read its tokens, and renews none."""
    if not daemon_runs(settings.state_dir):
        async with here(settings, content) as shop:
            yield shop.engine
        return
    database = open_for_reading(settings.state_dir, url=settings.database_url.url)
    try:
        async with open_engine(
            settings=settings,
            limits=engine_limits(content),
            database=database,
            clock=SystemClock(),
            tell=Events(),
            rng=random.Random(),
        ) as engine:
            yield engine
    finally:
        await database.close()


def _verdict(failed: Sequence[Finding]) -> Exit:
    """Return the exit code; the detail of a failed look begins with its catalogue code."""
    if any(exit_code(_code_of(finding)) is Exit.UNREACHABLE for finding in failed):
        return Exit.UNREACHABLE
    return Exit.WRONG if failed else Exit.DONE


def _code_of(finding: Finding) -> Code | None:
    return Code.__members__.get(finding.detail.partition(" ")[0])


def _without(service: str, name: str) -> str:
    """Return a finding's name without its service's, which stands before it already."""
    first, _, rest = name.partition(" ")
    return rest if rest and first.casefold() == service.casefold() else name
