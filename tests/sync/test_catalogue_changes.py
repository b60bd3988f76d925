"""What the policy makes of differences, of new items and of archived ones; and what is refused before it is written."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.cards import ItemCard, VariantCard
from sync.catalogue.changes import field_changes
from sync.catalogue.creation import creation, handle_of
from sync.catalogue.policy import CataloguePolicy, CategoriesAs, Discontinued, FieldPolicy
from sync.catalogue.present import Present, become, is_so, stands_in_the_way
from sync.catalogue.retirement import retirement
from sync.products import CardPair, ChangeKind, Field, Gone, NewItem, ProductChange, ProductOutcome, Retiring
from tests.sync.test_catalogue_compare import ITEM, PRODUCT, VARIANT, matrix, of_product, pair

COPY = CataloguePolicy(
    title=FieldPolicy.COPY,
    description=FieldPolicy.COPY,
    images=FieldPolicy.COPY,
    price=FieldPolicy.COPY,
    categories=FieldPolicy.COPY,
)
FILL = CataloguePolicy(price=FieldPolicy.FILL)
NEVER = CataloguePolicy(
    title=FieldPolicy.NEVER,
    description=FieldPolicy.NEVER,
    images=FieldPolicy.NEVER,
    price=FieldPolicy.NEVER,
    categories=FieldPolicy.NEVER,
)
USUAL = CataloguePolicy()


def changed(item: ItemCard, variant: VariantCard, policy: CataloguePolicy) -> list[tuple[Field, Any, Any]]:
    return [(each.field, each.before, each.after) for each in field_changes([pair(item, variant)], policy)]


OTHER = replace(ITEM, title="Kava Prime", text="New text", category="Drinks/Tea", price=2_500)
BARE = replace(VARIANT, price=None, product=replace(PRODUCT, title="", html="", tags=(), images=0))
FULL = replace(VARIANT, product=replace(PRODUCT, images=0))


@pytest.mark.parametrize(
    ("policy", "variant", "expected"),
    [
        (
            COPY,
            FULL,
            [
                (Field.TITLE, "Kava Root", "Kava Prime"),
                (Field.PRICE, 1_990, 2_500),
                (Field.DESCRIPTION, "<p>Rooted in the islands.</p>", "<p>New text</p>"),
                (Field.IMAGES, [], ["https://img/1.jpg"]),
                (Field.TAGS, ["kava", "new"], ["kava", "new", "Tea"]),
            ],
        ),
        (FILL, FULL, [(Field.IMAGES, [], ["https://img/1.jpg"])]),
        (
            FILL,
            BARE,
            [
                (Field.TITLE, "", "Kava Prime"),
                (Field.PRICE, None, 2_500),
                (Field.DESCRIPTION, "", "<p>New text</p>"),
                (Field.IMAGES, [], ["https://img/1.jpg"]),
                (Field.TAGS, [], ["Tea"]),
            ],
        ),
        (NEVER, FULL, []),
        (NEVER, BARE, []),
        (USUAL, FULL, [(Field.PRICE, 1_990, 2_500), (Field.IMAGES, [], ["https://img/1.jpg"])]),
    ],
    ids=["copy", "fill what is full", "fill what is empty", "never", "never, though empty", "as shipped"],
)
def test_each_field_has_its_policy(
    policy: CataloguePolicy, variant: VariantCard, expected: list[tuple[Field, Any, Any]]
) -> None:
    assert changed(OTHER, variant, policy) == expected


def test_a_category_becomes_a_collection_where_that_is_wanted() -> None:
    policy = replace(COPY, categories_as=CategoriesAs.COLLECTIONS)
    variant = of_product(collections=("Roots",), tags=())
    (change,) = field_changes([pair(variant=variant)], policy)
    assert (change.field, change.before, change.after) == (Field.COLLECTIONS, ["Roots"], ["Roots", "Kava"])


MANY = tuple(f"Collection {number}" for number in range(30))


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (MANY, MANY[:25], None),
        (MANY, (*MANY[:24], "Kava"), ProductOutcome.FOUND_APPLIED),
        (("Roots",), ("Roots", "New"), None),
        ((), ("Roots",), ProductOutcome.MOVED),
        ((), (), None),
    ],
    ids=["more than one reading shows", "it is there", "another came", "none is empty any more", "still empty"],
)
def test_of_collections_only_what_is_added_is_compared(
    before: tuple[str, ...], now: tuple[str, ...], expected: ProductOutcome | None
) -> None:
    policy = replace(COPY, categories_as=CategoriesAs.COLLECTIONS)
    (change,) = field_changes([pair(ITEM, of_product(collections=before, tags=()))], policy)
    product = replace(PRODUCT, collections=now)
    told = stands_in_the_way(change, Present({change.subject: product}))
    assert (told and told.outcome) is expected
    assert is_so(change, list(become(product, [change]).collections))
    assert set(now) <= set(become(product, [change]).collections)


def test_a_price_beside_a_crossed_out_one_is_never_written() -> None:
    on_sale = replace(VARIANT, price=1_500, compare_at=2_000)
    assert changed(replace(ITEM, price=2_500), on_sale, COPY) == []


def test_a_matrix_names_its_product() -> None:
    pairs = matrix("T-shirt S", "T-shirt M", matrix_title="T-shirt")
    (change,) = [each for each in field_changes(pairs, COPY) if each.field is Field.TITLE]
    assert (change.subject, change.before, change.after) == ("p1", "Kava Root", "T-shirt")


def test_an_item_that_ends_with_its_option_names_its_product() -> None:
    one = pair(replace(ITEM, title="Kava Prime Small"), replace(VARIANT, options=(("Size", "Small"),)))
    (change,) = field_changes([one], COPY)
    assert (change.field, change.after) == (Field.TITLE, "Kava Prime")


@pytest.mark.parametrize(
    "pairs",
    [
        matrix("One", "Two"),
        matrix("Kava Root", "Old Root (do not use)"),
        [pair(replace(ITEM, title="Kava Rot, small"), replace(VARIANT, options=(("Size", "Small"),)))],
    ],
    ids=["two names", "one of a matrix was renamed", "perhaps with its option"],
)
def test_items_without_a_common_name_name_no_product(pairs: list[CardPair]) -> None:
    assert [each for each in field_changes(pairs, COPY) if each.field is Field.TITLE] == []


@pytest.mark.parametrize(
    ("item", "part"),
    [
        (replace(ITEM, title="K" * 256), "The title has 256 characters, and Shopify takes 255"),
        (replace(ITEM, text="T" * 600_000), "The description is longer than 512 KB"),
        (replace(ITEM, price=10**12), "A price of 1000000000000 cents cannot be"),
        (replace(ITEM, category="C" * 256), "The tag has 256 characters"),
    ],
    ids=["title", "description", "price", "tag"],
)
def test_what_shopify_would_refuse_is_refused_before(item: ItemCard, part: str) -> None:
    (change,) = field_changes([pair(item)], COPY)
    assert change.refusal == "SH003"
    assert part in change.reason


# --- new items


def new(number: int = 1, *attributes: str, **more: Any) -> NewItem:
    names = ("Size", "Colour", "Cut")
    card = replace(
        ITEM,
        item_id=str(number),
        title=" ".join(("Kava Root", *attributes)),
        matrix_id="4" if attributes else "",
        matrix_title="Kava Root" if attributes else "",
        attributes=tuple(zip(names, attributes, strict=False)),
        tags=("kava",),
    )
    told: dict[str, Any] = {name: more.pop(name) for name in list(more) if name in ("sku", "barcode", "linked_matrix")}
    return replace(NewItem(f"KAVA-{number}", "", replace(card, **more)), **told)


def test_an_item_alone_becomes_a_product_without_options() -> None:
    change = creation([new(barcode="4006381333931")], USUAL)
    assert (change.kind, change.subject, change.sku, change.refusal) == (ChangeKind.CREATE, "item/1", "KAVA-1", "")
    assert change.reason == "New in Lightspeed: a draft product “Kava Root” at 19.90."
    assert change.points == 13
    assert change.after == {
        "title": "Kava Root",
        "handle": "kava-root-ls-item-1",
        "html": "<p>Rooted in the islands.</p>",
        "tags": ["kava"],
        "collections": [],
        "images": ["https://img/1.jpg"],
        "options": [],
        "variants": [{"item_id": "1", "sku": "KAVA-1", "barcode": "4006381333931", "price": 1_990, "options": []}],
    }


def test_a_matrix_becomes_one_product_with_options() -> None:
    items = [new(1, "S", "Green", price=1_500), new(2, "M", "Green", image_urls=("https://img/2.jpg",))]
    change = creation(items, replace(USUAL, categories_as=CategoriesAs.COLLECTIONS))
    assert (change.subject, change.refusal, change.after["title"]) == ("matrix/4", "", "Kava Root")
    assert change.after["options"] == ["Size", "Colour"]
    assert [each["options"] for each in change.after["variants"]] == [["S", "Green"], ["M", "Green"]]
    assert change.after["images"] == ["https://img/1.jpg", "https://img/2.jpg"]
    assert (change.after["tags"], change.after["collections"]) == (["kava"], ["Kava"])
    assert change.reason == "New in Lightspeed: a draft product “Kava Root” with 2 variants at 15.00 to 19.90."


def test_attributes_without_names_are_called_by_their_place() -> None:
    (item,) = [new(1, "S")]
    bare = replace(item, card=replace(item.card, attributes=(("", "S"),)))
    assert creation([bare], USUAL).after["options"] == ["Option 1"]


@pytest.mark.parametrize(
    ("items", "code", "part"),
    [
        ([new(n, f"S{n}") for n in range(2_049)], "SH002", "It has 2049 variants, and a product takes 2048"),
        ([new(sku=" ")], "SH003", "It has no SKU"),
        ([new(price=None)], "SH003", "KAVA-1: It has no price"),
        ([new(title=" ", matrix_title="")], "SH003", "The title is blank"),
        ([new(sku="K" * 256)], "SH003", "The SKU has 256 characters"),
        ([new(1, "S"), new(2, "s")], "SH003", "KAVA-2 and KAVA-1 have the same attributes"),
        ([new(1, "S", "Green"), new(2, "M")], "SH003", "KAVA-2: it lacks an attribute"),
        ([new(1, "S" * 256)], "SH003", "The option's value has 256 characters"),
        ([new(1, "S", linked_matrix=True)], "SH003", "is sold in Shopify already: add this variant there"),
    ],
    ids=["variants", "no SKU", "no price", "no title", "long SKU", "twins", "a gap", "long value", "matrix sold"],
)
def test_a_product_that_shopify_would_refuse_is_refused_before(items: list[NewItem], code: str, part: str) -> None:
    change = creation(items, USUAL)
    assert change.refusal == code
    assert part in change.reason


def test_a_policy_of_never_leaves_a_new_product_bare() -> None:
    after = creation([new()], NEVER).after
    assert (after["title"], after["html"], after["images"], after["tags"]) == ("Kava Root", "", [], ["kava"])


@pytest.mark.parametrize(
    ("title", "handle"),
    [("Kava Root!", "kava-root-ls-item-1"), ("Kräuter Tee", "krauter-tee-ls-item-1"), ("🌿", "ls-item-1")],
)
def test_handles_are_plain_and_nobody_elses(title: str, handle: str) -> None:
    assert handle_of(title, "item/1") == handle


# --- archived items


def gone(number: int = 1, available: int | None = 5) -> Gone:
    return Gone(str(number), f"KAVA-{number}", f"v{number}", f"inventory-{number}", available)


@pytest.mark.parametrize(
    ("found", "policy", "status", "zeroed"),
    [
        (Retiring("p1", "Kava", "ACTIVE", (gone(),), 0), Discontinued.DRAFT, "DRAFT", {"inventory-1": 0}),
        (Retiring("p1", "Kava", "ACTIVE", (gone(),), 0), Discontinued.ARCHIVED, "ARCHIVED", {"inventory-1": 0}),
        (Retiring("p1", "Kava", "UNLISTED", (gone(1, None),), 0), Discontinued.DRAFT, "DRAFT", {}),
        (Retiring("p1", "Kava", "ACTIVE", (gone(1), gone(2, 0)), 1), Discontinued.DRAFT, "ACTIVE", {"inventory-1": 0}),
    ],
    ids=["draft", "archived", "without stock", "one variant of several"],
)
def test_what_is_discontinued_goes_off_sale(
    found: Retiring, policy: Discontinued, status: str, zeroed: dict[str, int]
) -> None:
    change = retirement(found, replace(USUAL, discontinued=policy))
    assert change is not None
    assert change.after == {"status": status, "available": zeroed}
    assert change.before["status"] == found.status


@pytest.mark.parametrize(
    ("found", "policy"),
    [
        (Retiring("p1", "Kava", "ACTIVE", (gone(),), 0), Discontinued.NEVER),
        (Retiring("p1", "Kava", "DRAFT", (gone(),), 0), Discontinued.ARCHIVED),
        (Retiring("p1", "Kava", "ACTIVE", (gone(1, 0),), 1), Discontinued.DRAFT),
        (Retiring("p1", "Kava", "ACTIVE", (gone(1, -2),), 1), Discontinued.DRAFT),
    ],
    ids=["never", "not on sale", "nothing left to take off", "oversold already"],
)
def test_what_need_not_go_stays(found: Retiring, policy: Discontinued) -> None:
    assert retirement(found, replace(USUAL, discontinued=policy)) is None


# --- properties

POLICIES = st.builds(
    CataloguePolicy,
    title=st.sampled_from(FieldPolicy),
    description=st.sampled_from(FieldPolicy),
    images=st.sampled_from(FieldPolicy),
    price=st.sampled_from(FieldPolicy),
    categories=st.sampled_from(FieldPolicy),
    categories_as=st.sampled_from(CategoriesAs),
)
TEXTS = st.sampled_from(["", "Kava", "Kava Root", "<p>Tea</p>", " ", "Root & Tea"])
PRICES = st.one_of(st.none(), st.integers(0, 5_000))
ITEMS = st.builds(
    ItemCard,
    item_id=st.just("1"),
    title=TEXTS,
    price=PRICES,
    online_price=PRICES,
    text=TEXTS,
    category=st.sampled_from(["", "Tea", "Drinks/Kava"]),
    image_urls=st.sampled_from([(), ("a",), ("a", "b")]),
)
VARIANTS = st.builds(
    lambda price, crossed, **told: replace(VARIANT, price=price, compare_at=crossed, product=replace(PRODUCT, **told)),
    PRICES,
    PRICES,
    title=TEXTS,
    html=TEXTS,
    tags=st.sampled_from([(), ("kava",), ("new", "tea")]),
    images=st.integers(0, 2),
)


def applied(change: ProductChange, each: CardPair) -> CardPair:
    """Return the pair after one change was written."""
    variant = each.variant
    if change.field is Field.PRICE:
        return replace(each, variant=replace(variant, price=change.after))
    return replace(each, variant=replace(variant, product=become(variant.product, [change])))


@given(ITEMS, VARIANTS, POLICIES)
def test_changes_once_written_are_not_proposed_again_and_blank_nothing(
    item: ItemCard, variant: VariantCard, policy: CataloguePolicy
) -> None:
    one = pair(item, variant)
    changes = [change for change in field_changes([one], policy) if not change.refusal]
    for change in changes:
        assert change.after not in ("", [], None)
        assert change.field is not Field.PRICE or variant.compare_at is None
        if isinstance(change.before, list):
            assert set(change.before) <= set(change.after)
        one = applied(change, one)
    assert [change for change in field_changes([one], policy) if not change.refusal] == []


@given(ITEMS, VARIANTS, POLICIES)
def test_a_change_survives_its_file(item: ItemCard, variant: VariantCard, policy: CataloguePolicy) -> None:
    for change in field_changes([pair(item, variant)], policy):
        raw = json.loads(json.dumps(asdict(change)))
        back = ProductChange(**raw | {"kind": ChangeKind(raw["kind"]), "field": Field(raw["field"])})
        assert back == change
