"""What counts as a difference between an item and its product, by tables and by properties."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.cards import ItemCard, ProductCard, VariantCard
from sync.catalogue.compare import by_product, compare
from sync.catalogue.texts import as_html, excerpt, same_text, same_words, visible
from sync.products import CardPair, Field

ITEM = ItemCard(
    item_id="1",
    title="Kava Root",
    price=1_990,
    online_price=None,
    text="Rooted in the islands.",
    category="Drinks/Kava",
    image_urls=("https://img/1.jpg",),
)
PRODUCT = ProductCard(
    product_id="p1",
    title="Kava Root",
    html="<p>Rooted in the islands.</p>",
    status="ACTIVE",
    product_type="",
    tags=("kava", "new"),
    images=1,
    option_names=("Title",),
)
VARIANT = VariantCard(variant_id="v1", product_id="p1", price=1_990, compare_at=None, options=(), product=PRODUCT)


def pair(item: ItemCard = ITEM, variant: VariantCard = VARIANT, number: int = 1) -> CardPair:
    return CardPair(number, f"SKU-{number}", f"inventory-{number}", item, variant)


def of_product(**changes: object) -> VariantCard:
    return replace(VARIANT, product=replace(PRODUCT, **changes))  # type: ignore[arg-type]


def fields(*pairs: CardPair) -> list[Field]:
    return [difference.field for _, difference in compare(pairs)]


def test_equal_cards_do_not_differ() -> None:
    assert compare([pair()]) == []


@pytest.mark.parametrize(
    ("item", "variant", "expected"),
    [
        (replace(ITEM, title="Root, Kava!"), VARIANT, []),
        (replace(ITEM, title="KAVA ROOT"), VARIANT, []),
        (replace(ITEM, title="KavaRoot"), VARIANT, []),
        (replace(ITEM, title="Kava Rot"), VARIANT, [Field.TITLE]),
        (replace(ITEM, title="Kava"), VARIANT, [Field.TITLE]),
        (replace(ITEM, title=" "), VARIANT, []),
        (replace(ITEM, title="Kava Root Small"), replace(VARIANT, options=(("Size", "Small"),)), []),
        (replace(ITEM, title="Small Kava - Root"), replace(VARIANT, options=(("Size", "Small"),)), []),
        (replace(ITEM, title="Kava Root"), replace(VARIANT, options=(("Size", "Small"),)), []),
        (replace(ITEM, title="Kava Root Large"), replace(VARIANT, options=(("Size", "Small"),)), [Field.TITLE]),
        (
            replace(ITEM, title="Kava Root SM", matrix_id="4", matrix_title="Kava Root"),
            replace(VARIANT, options=(("Size", "Small"),)),
            [],
        ),
        (ITEM, of_product(title="Kratom"), [Field.TITLE]),
        (ITEM, of_product(title=""), [Field.TITLE]),
    ],
    ids=[
        "order and punctuation",
        "case",
        "gaps",
        "a letter less",
        "a word less",
        "nothing said",
        "with the option",
        "the option first",
        "without the option",
        "another option",
        "another spelling of the option",
        "another title",
        "no title",
    ],
)
def test_titles(item: ItemCard, variant: VariantCard, expected: list[Field]) -> None:
    assert fields(pair(item, variant)) == expected


@pytest.mark.parametrize(
    ("text", "markup", "expected"),
    [
        ("Rooted & strong", "<p>Rooted &amp;\n strong</p>", []),
        ("<b>R</b>ooted", "Rooted", []),
        ("One\n\nTwo", "<p>One</p><p>Two</p>", []),
        ("Rooted", "<!-- by us --><style>p{color:red}</style><div>Rooted</div>", []),
        ("Rooted", "<p>Routed</p>", [Field.DESCRIPTION]),
        ("Rooted", "", [Field.DESCRIPTION]),
        ("Rooted", "<p> &nbsp;</p>", [Field.DESCRIPTION]),
        ("", "<p>Ours</p>", []),
        ("<p></p>", "<p>Ours</p>", []),
        ("a < b", "a &lt; b", []),
    ],
)
def test_descriptions_are_compared_as_they_are_read(text: str, markup: str, expected: list[Field]) -> None:
    assert fields(pair(replace(ITEM, text=text), of_product(html=markup))) == expected


@pytest.mark.parametrize(
    ("urls", "count", "expected"),
    [(("a", "b"), 1, []), (("a",), 0, [Field.IMAGES]), ((), 0, []), ((), 3, [])],
    ids=["other numbers", "none in Shopify", "none at all", "only in Shopify"],
)
def test_pictures_are_there_or_not(urls: tuple[str, ...], count: int, expected: list[Field]) -> None:
    assert fields(pair(replace(ITEM, image_urls=urls), of_product(images=count))) == expected


@pytest.mark.parametrize(
    ("path", "changes", "expected"),
    [
        ("Drinks/Kava", {"tags": ("KAVA",)}, []),
        ("Drinks/Kava", {"tags": (), "product_type": "Kava"}, []),
        ("Drinks/Kava", {"tags": (), "collections": ("New", "kava")}, []),
        ("Drinks/Kava", {"tags": ("Drinks > Kava",)}, []),
        ("Drinks/Kava", {"tags": ("drinks",)}, [Field.CATEGORY]),
        ("Drinks/Kava", {"tags": ()}, [Field.CATEGORY]),
        ("", {"tags": ()}, []),
    ],
    ids=["as a tag", "as the type", "as a collection", "as a path", "only what is above it", "nowhere", "no category"],
)
def test_a_category_is_shown_anywhere(path: str, changes: dict[str, object], expected: list[Field]) -> None:
    assert fields(pair(replace(ITEM, category=path), of_product(**changes))) == expected


@pytest.mark.parametrize(
    ("default", "online", "asked", "crossed_out", "expected"),
    [
        (1_990, None, 1_990, None, []),
        (1_990, 1_790, 1_790, None, []),
        (1_990, 1_790, 1_990, None, [Field.PRICE]),
        (1_990, None, 1_500, 1_990, []),
        (1_990, None, 1_500, 1_800, [Field.PRICE]),
        (None, None, 1_500, None, []),
        (1_990, None, None, None, [Field.PRICE]),
    ],
    ids=["equal", "online", "default is not asked for", "on sale", "another usual price", "no price", "none there"],
)
def test_prices(
    default: int | None, online: int | None, asked: int | None, crossed_out: int | None, expected: list[Field]
) -> None:
    item = replace(ITEM, price=default, online_price=online)
    assert fields(pair(item, replace(VARIANT, price=asked, compare_at=crossed_out))) == expected


def matrix(*titles: str, product: ProductCard = PRODUCT, **more: object) -> list[CardPair]:
    """Return the pairs of one product with a variant for each title."""
    return [
        pair(
            replace(ITEM, item_id=str(n), title=text, matrix_id="4", **more),  # type: ignore[arg-type]
            replace(VARIANT, variant_id=f"v{n}", product=product),
            n,
        )
        for n, text in enumerate(titles)
    ]


def test_one_fault_of_a_product_is_told_of_once() -> None:
    bare = replace(PRODUCT, title="Kratom", html="", tags=(), images=0)
    found = compare(matrix("Kava Root S", "Kava Root M", "Kava Root L", product=bare))
    assert [(each.sku, difference.field) for each, difference in found] == [
        ("SKU-0", Field.TITLE),
        ("SKU-0", Field.DESCRIPTION),
        ("SKU-0", Field.IMAGES),
        ("SKU-0", Field.CATEGORY),
    ]


def test_one_item_that_is_called_otherwise_is_told_of_by_itself() -> None:
    found = compare(matrix("Kava Root", "Kava Rot", "Kava Root"))
    assert [(each.sku, difference.field) for each, difference in found] == [("SKU-1", Field.TITLE)]


def test_a_product_may_have_the_text_of_any_of_its_items() -> None:
    first, second = matrix("Kava Root", "Kava Root")
    other = replace(first, item=replace(first.item, text="Another text"))
    assert compare([other, second]) == []
    assert fields(other, replace(second, item=replace(second.item, text=""))) == [Field.DESCRIPTION]


def test_sentences_say_what_is_on_both_sides() -> None:
    item = replace(ITEM, title="Kava Rot", price=1_905, text="Rooted in all the islands.")
    variant = replace(of_product(html="", images=0, tags=()), price=99)
    assert [difference.sentence for _, difference in compare([pair(item, variant)])] == [
        "Lightspeed's title is “Kava Rot”, Shopify's “Kava Root”.",
        "Lightspeed's price is 19.05, Shopify's 0.99.",
        "Shopify has no description; Lightspeed's begins “Rooted in all the islands.”.",
        "Lightspeed has 1 picture, Shopify none.",
        "Shopify does not show Lightspeed's category “Drinks/Kava” as tag, type or collection.",
    ]


def test_pairs_are_taken_product_by_product() -> None:
    other = replace(VARIANT, product_id="p2")
    groups = by_product([pair(number=1), pair(number=2), pair(variant=other, number=3)])
    assert [[each.link_id for each in group] for group in groups] == [[1, 2], [3]]


# --- properties

TEXTS = st.text(max_size=60)


@given(TEXTS)
def test_a_text_reads_the_same_as_its_html(text: str) -> None:
    assert same_text(as_html(text), text)


@given(TEXTS, TEXTS)
def test_reading_the_same_has_no_direction(one: str, other: str) -> None:
    assert same_text(one, other) == same_text(other, one)
    assert same_words(one, other) == same_words(other, one)


@given(st.lists(st.text("abcde", min_size=1, max_size=5), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_words_says_nothing(words: list[str], random: object) -> None:
    shuffled = list(words)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert same_words(" ".join(words), ", ".join(shuffled).upper())


@given(TEXTS)
def test_visible_text_has_no_wide_gaps(text: str) -> None:
    assert visible(text) == " ".join(visible(text).split())


def test_a_long_text_is_told_by_its_beginning() -> None:
    assert excerpt("<p>" + "Rooted " * 30, 20) == "Rooted Rooted Roote…"
    assert excerpt("Rooted", 20) == "Rooted"
