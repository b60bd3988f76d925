"""`connect lightspeed`: the first consent, or a new one, which stores a token pair."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import TYPE_CHECKING

from monitor.asked import ConnectOrder
from monitor.asking import ask
from monitor.cli.common import Exit, complain, here, run, say, usage
from monitor.door import daemon_runs
from sync.lightspeed.tokens import code_from, new_consent
from sync.settings import Settings

if TYPE_CHECKING:
    from monitor.alerts_model import AlertsFile

_STANDARD_INPUT = 0
_LONGEST_LINE = 65_536


def lightspeed(settings: Settings, content: AlertsFile, *, items: bool = False) -> Exit:
    """Show the address to open, take the pasted answer, let it be exchanged for a token pair that is stored.

    A running daemon exchanges it, and goes on with the new pair at once. Where none runs the state directory is taken
    first: a code lives for a minute, too short to find out then that somebody else has it. `items`: the consent is for
    making items, too.
    """

    async def connect() -> None:
        if daemon_runs(settings.state_dir):
            order = await _consent(settings, items=items)
            if await ask(settings.state_dir, "connect", order) is not None:
                return
            async with here(settings, content) as shop:  # it has stopped meanwhile
                await shop.actions.connect(order.code, order.verifier)
            return
        async with here(settings, content) as shop:
            order = await _consent(settings, items=items)
            await shop.actions.connect(order.code, order.verifier)

    run(connect)
    complain("Connected; the token pair is stored.")
    return Exit.DONE


async def _consent(settings: Settings, *, items: bool) -> ConnectOrder:
    """Ask a person for consent; raises Permanent (LS005) where what was pasted carries none, Exit where nothing was."""
    mirrors = settings.lightspeed_holds_customer_id is not None
    auth_url, client_id = settings.lightspeed_auth_url, settings.lightspeed_client_id
    consent = new_consent(auth_url, client_id, layaways=mirrors, items=items)
    complain("1. Open this address in a browser, sign in to Lightspeed and allow access:")
    say(consent.url)
    complain("2. Within a minute, paste the address you are sent to (or the code in it) here, and press Enter:")
    try:
        return ConnectOrder(code=code_from(await _line(), consent), verifier=consent.verifier)
    except ValueError:
        raise usage("Nothing was pasted, so nothing was changed. Run the command again for a new address.") from None


async def _line() -> str:
    """Return a line of standard input. A thread that nobody waits for reads it, so that Ctrl-C ends the command."""
    loop = asyncio.get_running_loop()
    line: asyncio.Future[bytes] = loop.create_future()

    def read() -> None:
        text = b""
        while not text.endswith(b"\n") and len(text) < _LONGEST_LINE and (more := os.read(_STANDARD_INPUT, 4096)):
            text += more
        loop.call_soon_threadsafe(line.set_result, text)

    threading.Thread(target=read, daemon=True).start()
    return (await line).decode(errors="replace")
