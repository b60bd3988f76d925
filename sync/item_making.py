"""Items that are made in Lightspeed for what is sold online only: what is sent, and what stands against it; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sync.errors import Code
from sync.likeness import barcode, sku_key
from sync.mapping import Catalogue, first, id_name, named
from sync.records import SkuKey

_LONGEST = 255  # characters of a SKU or a title
_UPC = 12  # digits, with its zeros; longer ones are EANs


class MakeOutcome(StrEnum):
    """What becomes of a SKU for which an item is to be made."""

    CREATED = "was created in Lightspeed, without stock"
    WOULD = "would be created in Lightspeed, without stock"
    FOUND = "is in Lightspeed already"
    ARCHIVED = "is in Lightspeed already, archived there"
    LINKED = "is linked already"
    NO_VARIANT = "Shopify has no such variant in use"
    SEVERAL = "several variants in Shopify have this SKU"
    UNFIT = "cannot be an item as it is"
    MAY_COME = "was asked for without an answer, and may still come"
    REFUSED = "Lightspeed did not create it"


WELL = (MakeOutcome.CREATED, MakeOutcome.WOULD, MakeOutcome.FOUND, MakeOutcome.LINKED)
"""What needs nobody to look."""


@dataclass(frozen=True, slots=True)
class ItemDraft:
    """An item that is to be made; `price` in hundredths of the shop's currency, None: not known."""

    sku: str
    title: str
    price: int | None = None
    upc: str = ""
    ean: str = ""


@dataclass(frozen=True, slots=True)
class Making:
    """An item that was asked for and of which nobody knows yet whether it exists."""

    making_id: int
    at: datetime


@dataclass(frozen=True, slots=True)
class MadeItem:
    """What became of one SKU; `item_id` where there is an item now."""

    sku: str
    outcome: MakeOutcome
    draft: ItemDraft | None = None
    item_id: str = ""
    detail: str = ""
    code: Code | None = None


def drafted(name: str, catalogue: Catalogue) -> tuple[SkuKey, ItemDraft] | MadeItem:
    """Return the variant that a person names and the item for it, or why none can be made."""
    found = catalogue.variants_named(name)
    if len(found) != 1:
        several = ", ".join(f"{id_name(each)} {named(each)}" for each in found)
        outcome = MakeOutcome.SEVERAL if found else MakeOutcome.NO_VARIANT
        return MadeItem(name, outcome, detail=several, code=Code.SK001 if found else None)
    variant = found[0]
    if variant.linked_to:
        return MadeItem(name, MakeOutcome.LINKED, draft_of(variant), variant.linked_to)
    draft = draft_of(variant)
    if why := unfit(draft):
        return MadeItem(name, MakeOutcome.UNFIT, detail=why, code=Code.SH003)
    known = [each for each in catalogue.items_named(draft.sku) if sku_key(first(each)) == sku_key(draft.sku)]
    if known:
        return MadeItem(name, MakeOutcome.FOUND, draft, known[0].id, detail=named(known[0]))
    return variant, draft


def draft_of(variant: SkuKey) -> ItemDraft:
    """Return the item that a variant would be: its SKU, title, price and barcode; never any stock."""
    code = next((number for number in map(barcode, variant.codes) if number), "")
    upc = code.rjust(_UPC, "0") if code and len(code) <= _UPC else ""
    return ItemDraft(first(variant), variant.title.strip(), variant.price, upc, "" if upc else code)


def unfit(draft: ItemDraft) -> str:
    """Return why an item cannot be made, "" where it can."""
    if not draft.sku or not draft.title:
        return "it has no SKU" if not draft.sku else "it has no title"
    if "," in draft.sku or not draft.sku.isprintable():
        return "its SKU has a comma or an unprintable sign, and cannot be looked for"
    return "its SKU or title is too long" if max(len(draft.sku), len(draft.title)) > _LONGEST else ""


def may_come(making: Making | None, now: datetime, quarantine: timedelta) -> bool:
    """Tell whether an item that was asked for may still appear, so that none may be asked for again."""
    return making is not None and now - making.at < quarantine


def same_sku(found: Sequence[tuple[str, str, bool]], sku: str) -> tuple[str, bool] | None:
    """Return the id of the found item that has this SKU, and whether it is archived; one in use goes first."""
    same = [(archived, item_id) for item_id, custom_sku, archived in found if sku_key(custom_sku) == sku_key(sku)]
    if not same:
        return None
    archived, item_id = min(same)
    return item_id, archived
