"""`connect lightspeed`: the first consent, which stores the first token pair."""

from __future__ import annotations

import sys

from monitor.alerts_model import AlertsFile
from monitor.cli.common import Exit, out, run
from monitor.workshop import workshop
from sync.lightspeed.client import Lightspeed
from sync.lightspeed.tokens import code_from, new_consent
from sync.settings import Settings


def lightspeed(settings: Settings, content: AlertsFile) -> Exit:
    """Show the address to open, take the pasted answer, exchange it for a token pair and store that."""
    consent = new_consent(settings.lightspeed_auth_url, settings.lightspeed_client_id)
    out.print("Open this address, allow access, and paste the address (or the code) you are sent to:\n", markup=False)
    out.print(consent.url, markup=False)
    pasted = sys.stdin.readline()

    async def exchange() -> None:
        code = code_from(pasted, consent)
        async with workshop(settings, content) as shop:
            pos = shop.engine.pos
            if isinstance(pos, Lightspeed):
                await pos.auth.redeem(code, consent.verifier)

    run(exchange)
    out.print("Connected; the token pair is stored.", markup=False)
    return Exit.DONE
