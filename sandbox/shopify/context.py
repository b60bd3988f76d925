"""What a resolver knows about the call it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from sandbox.shopify.access import Grant
from sandbox.shopify.index import Doc, Entry
from sandbox.shopify.listing import Page, SortValue, number_of, page
from sandbox.shopify.search import Kind, Predicate, search
from sandbox.shopify.state import ShopifyStore


@dataclass(slots=True)
class Context:
    """One call: who asks, in which version, and what is to be said beside the data.

    `unpaged` lifts paging for bulk operations. `refusal` makes every mutation answer with that userErrors code.
    """

    store: ShopifyStore
    grant: Grant
    version: str
    base_url: str
    unpaged: bool = False
    refusal: str | None = None
    searches: list[dict[str, Any]] = field(default_factory=list)


class Info(Protocol):
    """The part of GraphQLResolveInfo that the resolvers of reads use; bulk operations have one of their own."""

    @property
    def context(self) -> Context:
        """The call."""

    @property
    def path(self) -> Any:
        """Where in the answer the field stands."""


def listed(
    info: Info,
    entries: list[Entry],
    asked: dict[str, Any],
    filters: dict[str, Kind],
    *,
    key: Any = number_of,
    only: Predicate | None = None,
) -> Page:
    """Answer a connection: search, sort, page; notes in the context how the search text was understood."""
    context = info.context
    keep = only
    text = asked.get("query")
    if text:
        found = search(text, filters, context.store.zone)
        said: dict[str, Any] = {"path": _path(info), "query": text, "parsed": found.parsed}
        if found.warnings:
            said["warnings"] = found.warnings
        context.searches.append(said)
        keep = _both(only, found.predicate)
    return page(entries, asked, key=key, keep=keep, unpaged=context.unpaged, reach=context.store.paging_reach)


def sorted_by(name: str) -> Any:
    """Sort by one of the index's values."""

    def key(entry: Entry) -> SortValue:
        return entry.doc[name]

    return key


def _path(info: Info) -> list[Any]:
    return info.path.as_list() if info.path is not None else []


def _both(one: Predicate | None, other: Predicate | None) -> Predicate | None:
    if one is None or other is None:
        return one or other

    def test(doc: Doc) -> bool:
        return one(doc) and other(doc)

    return test
