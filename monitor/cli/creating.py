"""`sku create-in-lightspeed`: items for what is sold online only, through the running daemon or here."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.asked import CreateItemsOrder
from monitor.asking import ask
from monitor.cli.common import Exit, complain, here, person, run, say, say_folded, say_json, show_table
from monitor.mapped import heard, told
from sync.booking import amount
from sync.item_making import WELL, MadeItem, MakeOutcome
from sync.settings import Settings

_NEXT = (
    "An item begins without stock, so nothing is linked yet. Enter in Lightspeed what there is (a count, a delivery), "
    "then link it: lightspeed-sync sku map SKU SKU"
)


def create(settings: Settings, skus: Sequence[str], *, confirm: bool, json: bool) -> Exit:
    """Make an item for each Shopify SKU; without `confirm` only show what would be made."""
    order = CreateItemsOrder(skus=tuple(skus), by=person(), confirm=confirm)

    async def act() -> Sequence[MadeItem]:
        answer = await ask(settings.state_dir, "create_items", order)
        if answer is not None:
            return [heard(each) for each in answer]
        async with here(settings) as shop:
            return await shop.actions.create_items(order)

    made = run(act)
    if json:
        say_json([told(each) | {"sentence": each.outcome.value} for each in made])
    else:
        _tell(made)
    return Exit.DONE if all(each.outcome in WELL for each in made) else Exit.WRONG


def _tell(made: Sequence[MadeItem]) -> None:
    show_table(("SKU", "what", "title", "price", "more"), [_row(each) for each in made])
    for code in dict.fromkeys(each.code for each in made if each.code):
        complain(f"{code.name} {code.sentence}", code.remedy)
    outcomes = {each.outcome for each in made}
    if MakeOutcome.ARCHIVED in outcomes:
        say_folded("What is archived in Lightspeed is taken out of the archive there; it is then linked by its SKU.")
    if MakeOutcome.WOULD in outcomes:
        say("", "Create with: the same command and --confirm")
    if MakeOutcome.CREATED in outcomes:
        say_folded("", _NEXT)


def _row(each: MadeItem) -> tuple[object, ...]:
    draft = each.draft
    price = "" if draft is None or draft.price is None else amount(draft.price)
    item = f"item:{each.item_id}" if each.item_id else ""
    return each.sku, each.outcome.value, draft.title if draft else "", price, f"{item} {each.detail}".strip()
