"""Keeps our app subscribed to the webhooks it wants: Shopify drops a subscription after eight failed deliveries."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from sync.errors import Code, Permanent, SyncError
from sync.model import Finding
from sync.ports import Hooks, Inbox
from sync.webhooks import PATH, Repairs, Topic, repairs

log = structlog.get_logger()


class Subscriptions:
    """The subscriptions to one public address, such as `https://sync.example.com`."""

    def __init__(self, *, hooks: Hooks, inbox: Inbox, public_url: str) -> None:
        self._hooks = hooks
        self._inbox = inbox
        self.uri = public_url + PATH

    async def repair(self) -> dict[str, int]:
        """Make the subscriptions as they should be, with one call where they are; return what was done, by name.

        Raises Permanent (WH002) naming the topics that Shopify refuses, after all others were made.
        """
        needed = repairs(await self._hooks.subscriptions(), self.uri)
        await self._inbox.note_uninstalled(None)  # it answered, so we are installed
        for each in needed.elsewhere:
            log.warning("webhooks.elsewhere", code=Code.WH004.name, topic=each.topic, id=each.id)
        for each in needed.wrong:
            await self._hooks.unsubscribe(each.id)
        refused = [topic for topic in needed.missing if not await self._made(topic)]
        if refused and (left := [topic for topic in (await self._left()).missing if topic in refused]):
            raise Permanent(Code.WH002, _named(left))
        return {"made": len(needed.missing) - len(refused), "deleted": len(needed.wrong)}

    async def check(self, *, tried: bool) -> Sequence[Finding]:
        """Tell how the subscriptions stand, changing nothing; never raises for what it finds.

        `tried`: a daemon has looked after them before. Until then it is no failure that they are missing.
        """
        try:
            needed = await self._left()
        except SyncError as error:
            return [Finding(ok=False, name="shopify webhooks", detail=str(error), remedy=error.remedy)]
        findings = []
        if needed.missing and not tried:
            detail = f"{len(needed.missing)} of {len(Topic)} are not subscribed yet; the daemon does so when it starts"
            findings.append(Finding(ok=True, name="shopify webhooks", detail=detail))
        elif needed.needed:
            what = f"{Code.WH002.name}: missing {_named(needed.missing)}" if needed.missing else "some are doubled"
            remedy = "The daemon repairs them at its start and every hour; if they stay missing, see its log."
            findings.append(Finding(ok=False, name="shopify webhooks", detail=what, remedy=remedy))
        else:
            findings.append(Finding(ok=True, name="shopify webhooks", detail=f"all {len(Topic)} come to {self.uri}"))
        if needed.elsewhere:
            detail = f"{Code.WH004.name}: {len(needed.elsewhere)} go to another address"
            findings.append(Finding(ok=True, name="shopify webhooks", detail=detail, remedy=Code.WH004.remedy))
        return findings

    async def _left(self) -> Repairs:
        return repairs(await self._hooks.subscriptions(), self.uri)

    async def _made(self, topic: Topic) -> bool:
        refusal = await self._hooks.subscribe(topic, self.uri)
        if refusal:
            log.warning("webhooks.refused", code=Code.WH002.name, topic=topic.value, detail=refusal)
        return not refusal


def _named(topics: Sequence[Topic]) -> str:
    return ", ".join(topic.value for topic in topics)
