"""What is told of an item beside its own row: texts for the web, pictures, tags, attributes of a matrix."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from html import unescape

from sandbox.goods import Good
from sandbox.lightspeed import fixtures
from sandbox.lightspeed.books import Books
from sandbox.lightspeed.payload import Body, get_bool, get_decimal, get_int, get_text
from sandbox.lightspeed.rows import ECommerce, Image, Item, TagRelation
from sandbox.lightspeed.wire import ApiError

_TEXTS = {"longDescription": "long_description", "shortDescription": "short_description"}
_SIZES = ("weight", "width", "height", "length")
_ATTRIBUTES = ("attribute1", "attribute2", "attribute3")
_BLOCK_ENDS = re.compile(r"</(?:p|li|div|h[1-6]|tr)>|<br\s*/?>", re.IGNORECASE)
_MARKUP = re.compile(r"<[^>]*>")
_SHORT_EVERY = 7  # every seventh item has its text where the short one belongs


class Details:
    """Gives items their texts, pictures, tags and attributes, from a good or from the body of a request."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._tags: dict[str, int] = {}
        self._sets: dict[tuple[str, ...], int] = {}
        self._last_image = self._last_relation = self._last_text = 0

    def furnish(self) -> None:
        """Open the account with the sets of attributes that every one has."""
        for names in fixtures.ATTRIBUTE_SETS:
            self._keep_set(names, system=True)

    def attribute_set(self, names: Sequence[str]) -> int:
        """Return the set of attributes with these names (three at the most), making it if there is none."""
        wanted = tuple(names[:3])
        return self._sets.get(wanted) or self._keep_set(wanted, system=False)

    def describe(self, item: Item, good: Good) -> None:
        """Tell of an item what is known of its good."""
        if good.description_html:
            item.ecommerce = self._text_of(item, good)
        self.picture(item, good.image_urls)
        self._tag(item, good.tags)

    def picture(self, item: Item, urls: Sequence[str]) -> None:
        """Give an item these pictures instead of those it has; its own time stamp does not move."""
        now = self._books.now()
        images = []
        for ordering, url in enumerate(urls):
            base, _, filename = url.rpartition("/")
            self._last_image += 1
            images.append(
                Image(
                    image_id=self._last_image,
                    item_id=item.item_id,
                    filename=filename,
                    public_id=filename.rpartition(".")[0] or filename,
                    base_image_url=f"{base}/",
                    ordering=ordering,
                    create_time=now,
                    time_stamp=now,
                )
            )
        item.images = tuple(images)

    def check(self, body: Body, done: str) -> None:
        """Refuse what does not exist; raises ApiError (400). `done` is how the refusal begins."""
        for name in ("ItemAttributes", "ItemECommerce"):
            if not isinstance(body.get(name) or {}, Mapping):
                raise ApiError(400, f"{done} {name} is malformed.")
        text, attributes = (_part(body, name) for name in ("ItemECommerce", "ItemAttributes"))
        for name in _SIZES:
            get_decimal(text, name)
        get_bool(text, "listOnStore")
        _names(body.get("Tags"))
        set_id = get_int(attributes, "itemAttributeSetID")
        if set_id and self._books.records["ItemAttributeSet"].get(set_id) is None:
            raise ApiError(400, f"{done} The ItemAttributeSet is invalid.")

    def put(self, item: Item, body: Body) -> None:
        """Put the nested parts of a body on an item: missing parts stay, given lists replace what there was."""
        if text := _part(body, "ItemECommerce"):
            self._put_text(item, text)
        if "Tags" in body:
            self._tag(item, _names(body["Tags"]))
        if attributes := _part(body, "ItemAttributes"):
            item.attribute_set_id = get_int(attributes, "itemAttributeSetID", item.attribute_set_id)
            present = (*item.attributes, "", "", "")[:3]
            values = (get_text(attributes, name, old) for name, old in zip(_ATTRIBUTES, present, strict=True))
            item.attributes = tuple(value for value in values if value)

    def _text_of(self, item: Item, good: Good) -> ECommerce:
        """Return a good's text: some items have it with its markup, some as plain lines, some as the short one only."""
        text = good.description_html if item.item_id % 2 else _plain(good.description_html)
        short = item.item_id % _SHORT_EVERY == 0
        self._last_text += 1
        return ECommerce(
            item_ecommerce_id=self._last_text,
            long_description="" if short else text,
            short_description=text if short else "",
            list_on_store=good.online,
        )

    def _put_text(self, item: Item, row: Body) -> None:
        if item.ecommerce is None:
            self._last_text += 1
            item.ecommerce = ECommerce(item_ecommerce_id=self._last_text)
        for name, ours in _TEXTS.items():
            setattr(item.ecommerce, ours, get_text(row, name, getattr(item.ecommerce, ours)))
        for name in _SIZES:
            setattr(item.ecommerce, name, get_decimal(row, name, getattr(item.ecommerce, name)))
        item.ecommerce.list_on_store = get_bool(row, "listOnStore", default=item.ecommerce.list_on_store)

    def _tag(self, item: Item, names: Sequence[str]) -> None:
        relations = []
        for name in dict.fromkeys(names):
            self._last_relation += 1
            relations.append(TagRelation(self._last_relation, item.item_id, self._tag_id(name)))
        item.tags = tuple(relations)

    def _tag_id(self, name: str) -> int:
        table = self._books.open_empty("Tag")
        if not self._tags:
            self._tags = {str(row.fields["name"]): row.key for row in table}
        if name not in self._tags:
            self._tags[name] = self._books.keep("Tag", fixtures.tag(table.next_id(), name)).key
        return self._tags[name]

    def _keep_set(self, names: tuple[str, ...], *, system: bool) -> int:
        key = len(self._sets) + 1
        self._books.keep("ItemAttributeSet", fixtures.attribute_set(key, names, system=system))
        self._sets[names] = key
        return key


def _part(body: Body, name: str) -> Body:
    """Return a nested part of a body, nothing where it is missing or empty."""
    part = body.get(name)
    return part if isinstance(part, Mapping) else {}


def _names(value: object) -> Sequence[str]:
    """Return tags by name, as `{"tag": [...]}`, `{"Tag": [{"name": ...}]}` or a plain list; raises ApiError (400)."""
    if isinstance(value, Mapping):
        value = value.get("tag", value.get("Tag"))
    rows = value if isinstance(value, list) else [value] if value not in (None, "") else []
    names = [row.get("name") if isinstance(row, Mapping) else row for row in rows]
    if not all(isinstance(name, str) and name.strip() for name in names):
        raise ApiError(400, "Tags is malformed.")
    return [name.strip() for name in names if isinstance(name, str)]


@lru_cache(maxsize=1024)
def _plain(markup: str) -> str:
    """Return a text's lines without its markup, as somebody types it into the back office."""
    lines = unescape(_MARKUP.sub("", _BLOCK_ENDS.sub("\n", markup))).splitlines()
    return "\n".join(line.strip() for line in lines if line.strip())
