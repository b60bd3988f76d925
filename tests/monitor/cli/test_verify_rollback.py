"""`verify-rollback`: what it asks for once more, and when it may say that all is as it should be."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from monitor.asked import FieldRolledBack, LinkRolledBack, RollbackReply
from monitor.cli import rollback
from monitor.cli.common import Exit
from monitor.cli.rollback import Wanted, wanted_of
from sync.backup import Kind
from sync.config import Settings, load_settings
from sync.products import Field
from sync.records import RunOutcome
from sync.rollback_ports import Asked, LinkFate
from tests.sync.shop import few, live_shop

FIELD = FieldRolledBack(
    sku="KAVA-1", subject="1", field=Field.TITLE, now="Kava", wanted="Kava root", outcome=None, detail=""
)
LINK = LinkRolledBack(sku="KAVA-1", item_id="1", variant_id="2", fate=LinkFate.FREE)
WELL = RollbackReply(run_id=7, outcome=RunOutcome.OK, numbers={"as_wanted": 2})


@pytest.mark.parametrize("links", [False, True])
@pytest.mark.parametrize("fields", [False, True])
def test_what_is_verified_is_what_was_restored_with_links_and_fields(links: bool, fields: bool, tmp_path: Path) -> None:
    how = {"by": "ann", "dry_run": True}

    async def backed_up() -> tuple[Settings, Path]:
        async with live_shop(few(2), tmp_path) as shop:
            made = await shop.work.engine.backups.make(Kind.BY_HAND, "by hand")
            settings = load_settings(shop.world.settings() | {"STATE_DIR": str(tmp_path)})
            order = rollback._restoring(settings, Wanted(made.path, links=links, fields=fields), how)
            asked = Asked(1, "ann", "restore", order.source, shop.work.clock.now())
            await shop.work.engine.rollbacks.note_asked(asked)
            return settings, made.path

    settings, path = asyncio.run(backed_up())
    order = rollback._last(settings, how)
    assert order == rollback._restoring(settings, Wanted(path, links=links, fields=fields), how)
    assert (bool(order.links), order.fields_since is not None) == (links, fields)


def test_the_words_of_a_restore_name_it_again() -> None:
    for wanted in (Wanted(Path("/a b"), links=True), Wanted(Path("/a"), fields=True), Wanted(Path("/a"), True, True)):
        assert wanted_of(wanted.words) == wanted


@pytest.mark.parametrize(
    ("found", "code", "told"),
    [
        pytest.param({}, Exit.DONE, "2 of 2 rows show what they should.", id="all is so"),
        pytest.param(
            {"unlinked": ("ONLINE-ONLY",)},
            Exit.DONE,
            "2 of 3 rows show what they should, 1 could not be compared.",
            id="goods sold online only",
        ),
        pytest.param({"links": (LINK,)}, Exit.WRONG, "Links of the backup that there are no more: 1.", id="a link"),
        pytest.param({"fields": (FIELD,)}, Exit.WRONG, "Product fields: 1", id="a field"),
    ],
)
def test_it_is_so_only_where_all_that_can_be_set_back_is(
    found: dict[str, Any], code: Exit, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rollback._verified(WELL.model_copy(update=found), json=False) is code
    assert told in capsys.readouterr().out
