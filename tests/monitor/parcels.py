"""Messages as a channel is handed them."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.notice import Item, Notice, Parcel, Previous, Receipt


def parcel(notice: Notice, *before: Receipt, repeat: bool = False, to: str = "") -> Parcel:
    """Return a message about one incident, of which `before` was delivered earlier."""
    return Parcel(notice.identity, (Item(notice, Previous(before)),), to, repeat)


def group(identity: str, *notices: Notice, before: Sequence[Receipt] = (), members: Sequence[Notice] = ()) -> Parcel:
    """Return a message about several incidents, whose earlier messages told of `members`."""
    return Parcel(identity, tuple(Item(notice, Previous(before, members)) for notice in notices))
