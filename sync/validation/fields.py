"""Product fields as findings: what the catalogue's comparison tells of, in the words of a report. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sync.catalogue.compare import by_product, compare, money
from sync.catalogue.texts import excerpt
from sync.findings import Finding, FindingClass
from sync.products import CardPair, Field, FieldDifference

CLASSES = {
    Field.PRICE: FindingClass.PRICE,
    Field.TITLE: FindingClass.TITLE,
    Field.DESCRIPTION: FindingClass.DESCRIPTION,
    Field.IMAGES: FindingClass.IMAGES,
    Field.CATEGORY: FindingClass.CATEGORY,
}
_OF_THE_PRODUCT = (Field.DESCRIPTION, Field.IMAGES, Field.CATEGORY)  # whichever of its variants shows it
_PLAN = "`lightspeed-sync sync --full --dry-run` puts it into a plan, where the policy of alerts.yaml allows it."
_REMEDIES = {
    Field.PRICE: _PLAN,
    Field.TITLE: "Correct the title in the shop where it is wrong; only a missing one is filled in by a plan.",
    Field.DESCRIPTION: "Correct the text in the shop where it is wrong; only a missing one is filled in by a plan.",
    Field.IMAGES: _PLAN,
    Field.CATEGORY: "Give the product the category as tag, type or collection in Shopify, or correct it in Lightspeed.",
}


def field_findings(pairs: Sequence[CardPair]) -> Iterator[Finding]:
    """Yield what differs in these products' fields; a product's pairs must stand together, all of them."""
    for same in by_product(pairs):
        yield from (_finding(pair, each, same) for pair, each in compare(same))


def _finding(pair: CardPair, difference: FieldDifference, same: Sequence[CardPair]) -> Finding:
    whole = difference.field in _OF_THE_PRODUCT
    both = isinstance(difference.lightspeed, int) and isinstance(difference.shopify, int)
    return Finding(
        kind=CLASSES[difference.field],
        sku=pair.sku,
        subject=_subject(pair, whole=whole),
        lightspeed=written(difference, difference.lightspeed),
        shopify=written(difference, difference.shopify),
        sentence=difference.sentence,
        remedy=_REMEDIES[difference.field],
        difference=difference.shopify - difference.lightspeed if both else None,  # type: ignore[operator]
        item_id=pair.item.item_id,
        variant_id="" if whole else pair.variant.variant_id,
        product_id=pair.variant.product_id,
        also=tuple(each.sku for each in same if each.sku != pair.sku) if whole else (),
    )


def _subject(pair: CardPair, *, whole: bool) -> str:
    product = pair.variant.product
    chosen = () if whole else (value for _, value in pair.variant.options if value != "Default Title")
    return " ".join((product.title, *chosen))


def written(difference: FieldDifference, value: str | int | tuple[str, ...] | None) -> str:
    """Return a field's value as a report shows it."""
    if value is None:
        return ""
    if isinstance(value, int):
        return money(value)
    if difference.field is Field.IMAGES:
        return f"{len(value)} {'picture' if len(value) == 1 else 'pictures'}"
    if isinstance(value, tuple):
        return ", ".join(value)
    return excerpt(value)
