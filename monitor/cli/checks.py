"""`check`: the settings in words that anybody may see, and whether both shops answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from monitor.alerts_model import AlertsFile
from monitor.cli.common import Exit, out, rows, run, say_json
from monitor.workshop import workshop
from sync.config import described
from sync.model import Finding
from sync.settings import Settings


def config(settings: Settings, content: AlertsFile, *, json: bool) -> None:
    """Show every setting, secrets hidden."""
    values = described(settings)
    if json:
        say_json({"settings": values, "alerts": [alert.name for alert in content.alerts]})
        return
    rows(values)
    out.print(f"\n{settings.alerts_file}: {len(content.alerts)} alerts, no mistake.", markup=False)


def connections(settings: Settings, content: AlertsFile, *, json: bool) -> Exit:
    """Try both shops and show what was found."""

    async def look() -> Sequence[tuple[str, Finding]]:
        async with workshop(settings, content) as shop:
            lightspeed = [("Lightspeed", each) for each in await shop.engine.pos.check()]
            return [*lightspeed, *(("Shopify", each) for each in await shop.engine.storefront.check())]

    findings = run(look)
    if json:
        say_json([{"service": service, **asdict(finding)} for service, finding in findings])
    else:
        for service, finding in findings:
            mark = "ok  " if finding.ok else "FAIL"
            out.print(f"{mark} {service} {_without(service, finding.name)}: {finding.detail}", markup=False)
            if finding.remedy and not finding.ok:
                out.print(f"     {finding.remedy}", markup=False)
    return Exit.DONE if all(finding.ok for _, finding in findings) else Exit.WRONG


def _without(service: str, name: str) -> str:
    """Return a finding's name without its service's, which stands before it already."""
    first, _, rest = name.partition(" ")
    return rest if rest and first.casefold() == service.casefold() else name
