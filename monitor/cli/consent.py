"""`connect lightspeed`: the first consent, which stores the first token pair."""

from __future__ import annotations

import asyncio
import sys

from monitor.alerts_model import AlertsFile
from monitor.cli.common import Exit, complain, run, say
from monitor.workshop import workshop
from sync.lightspeed.client import Lightspeed
from sync.lightspeed.tokens import code_from, new_consent
from sync.settings import Settings


def lightspeed(settings: Settings, content: AlertsFile) -> Exit:
    """Show the address to open, take the pasted answer, exchange it for a token pair and store that.

    The state directory is taken first: a code lives for a minute, too short to find out then that a daemon has it.
    """

    async def connect() -> None:
        async with workshop(settings, content) as shop:
            consent = new_consent(settings.lightspeed_auth_url, settings.lightspeed_client_id)
            complain("Open this address, allow access, and paste the address (or the code) you are sent to:")
            say(consent.url)
            code = code_from(await asyncio.to_thread(sys.stdin.readline), consent)
            if isinstance(shop.engine.pos, Lightspeed):
                await shop.engine.pos.auth.redeem(code, consent.verifier)

    run(connect)
    complain("Connected; the token pair is stored.")
    return Exit.DONE
