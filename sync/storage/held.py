"""Links that a person set back: held from the intent on, until somebody lets go of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from sync.records import HeldEnding
from sync.storage.statements import CONFIRMED, batches, insert_all, one_of
from sync.storage.tables import held_links, links, stock_intents
from sync.storage.touched import touch

STANDING = held_links.c.ended_at.is_(None)
_HELD = sa.select(held_links.c.link_id).where(STANDING)


def hold(connection: sa.Connection, link_ids: Sequence[int], run_id: int, now: datetime) -> None:
    """Hold links that a run is about to set back; one that is held already stays held by the run that did it."""
    known: set[int] = set()
    for batch in batches(link_ids):
        known.update(connection.scalars(_HELD.where(one_of(held_links.c.link_id)), {"ids": batch}))
    fresh = [link_id for link_id in link_ids if link_id not in known]
    insert_all(connection, held_links, [{"link_id": each, "run_id": run_id, "since": now} for each in fresh])


def never_written(connection: sa.Connection, link_ids: Sequence[int], now: datetime) -> None:
    """Let go of links whose run came to nothing for them: it has no write of theirs that was or may be applied."""
    each, row = stock_intents.c, held_links.c
    maybe = sa.or_(each.outcome.is_(None), each.outcome.in_(("applied", "found applied", "unanswered")))
    written = sa.exists().where(each.link_id == row.link_id, each.run_id == row.run_id, maybe)
    values = {"ended_at": now, "ending": HeldEnding.NOT_WRITTEN.value}
    for batch in batches(link_ids):
        chosen = sa.and_(STANDING, row.link_id.in_(batch), sa.not_(written))
        gone = connection.scalars(sa.update(held_links).where(chosen).values(**values).returning(row.link_id)).all()
        _wake(connection, gone, forget=False)


def let_go(
    connection: sa.Connection, link_ids: Sequence[int] | None, ending: HeldEnding, by: str, now: datetime
) -> Sequence[int]:
    """Let go of these held links (None: of all) and return which were; Shopify's numbers stay as they are.

    Their base is forgotten, so the whole difference to Lightspeed's number is taken as at first sight.
    """
    row = held_links.c
    values = {"ended_at": now, "ended_by": by, "ending": ending.value}
    gone: list[int] = []
    for batch in [None] if link_ids is None else batches(link_ids):
        chosen = STANDING if batch is None else sa.and_(STANDING, row.link_id.in_(batch))
        gone += connection.scalars(sa.update(held_links).where(chosen).values(**values).returning(row.link_id))
    _wake(connection, gone, forget=True)
    return gone


def _wake(connection: sa.Connection, link_ids: Sequence[int], *, forget: bool) -> None:
    """Make links due; with `forget` as if they had never been brought into step."""
    values = {"due": sa.true(), "marks": links.c.marks + 1}
    forgotten = dict.fromkeys(("base", "upward_units", "upward_since"))
    for batch in batches(link_ids):
        change = sa.update(links).where(links.c.link_id.in_(batch), CONFIRMED)
        connection.execute(change.values(**values, **(forgotten if forget else {})))
    touch(connection, link_ids=link_ids)
