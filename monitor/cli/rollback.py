"""`restore`, `undo` and `verify-rollback`: from a file or a run to rows, and what became of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from monitor.asked import (
    FieldRolledBack,
    LinkRolledBack,
    RestoreOrder,
    RollbackOrder,
    RollbackReply,
    RolledBack,
    UndoOrder,
)
from monitor.asking import ask
from monitor.cli.common import (
    Exit,
    complain,
    err,
    exit_code,
    here,
    person,
    printable,
    run,
    say,
    say_folded,
    say_json,
    show_table,
    telling,
    usage,
)
from monitor.cli.explaining import moment
from monitor.cli.reading import opened_state
from monitor.units import counted
from sync import backup_file
from sync.clock import SystemClock
from sync.errors import Code, Refused
from sync.inventory_export import read_export
from sync.mapping import Pair
from sync.model import LinkState
from sync.products import ProductOutcome
from sync.records import RunOutcome, WriteOutcome
from sync.restoring import FORCIBLE, WRITES, Fate
from sync.rollback_ports import Asked, PastRow, Span, span_of
from sync.settings import Settings
from sync.storage.rollback import SqlRollbacks

_SHOWN = 40  # rows listed of each part
_SHORT = 24  # characters of a product's field that are shown
_LARGEST = 512 * 1024 * 1024  # bytes of a file that is read as a whole
_WELL = (None, WriteOutcome.APPLIED, WriteOutcome.FOUND_APPLIED)
_LINKS, _FIELDS = " --links", " --fields"
_SAME_SHOP = ("store_domain", "location_id")


@dataclass(frozen=True, slots=True)
class Wanted:
    """The file that is to be restored, and whether its links and product fields are, too."""

    path: Path
    links: bool = False
    fields: bool = False

    @property
    def words(self) -> str:
        """Return it in words, which `wanted_of` understands."""
        return f"{self.path.absolute()}{_LINKS if self.links else ''}{_FIELDS if self.fields else ''}"


def wanted_of(words: str) -> Wanted:
    """Return what `Wanted.words` names."""
    before = words.removesuffix(_FIELDS)
    path = before.removesuffix(_LINKS)
    return Wanted(Path(path), links=path != before, fields=before != words)


@dataclass(frozen=True, slots=True)
class _Content:
    """What a file holds: the numbers, and of a backup its links and when it was made."""

    rows: tuple[PastRow, ...]
    links: tuple[Pair, ...] = ()
    made_at: datetime | None = None


def restore(settings: Settings, wanted: Wanted, how: Mapping[str, Any], *, json: bool) -> Exit:
    """Show, or carry out, what a file would set back."""
    return _set_back(settings, _restoring(settings, wanted, how), json=json)


def undo(settings: Settings, which: Span, how: Mapping[str, Any], *, json: bool) -> Exit:
    """Show, or carry out, what taking writes back would set."""
    return _set_back(settings, _undoing(which, how), json=json)


def verify(settings: Settings, path: Path | None, *, json: bool) -> Exit:
    """Tell row by row whether Shopify shows what a file says, or what was set back last."""
    how = {"by": person(), "dry_run": True}
    order = _restoring(settings, Wanted(path), how) if path is not None else _last(settings, how)
    return _verified(_waiting(settings, order), json=json)


def _verified(reply: RollbackReply, *, json: bool) -> Exit:
    """Tell what was found; goods that are linked to nothing are named, and were no part of what was set back."""
    if json:
        say_json(_data(reply))
    if reply.outcome is RunOutcome.FAILED:
        return _failed(reply)
    wrong = [row for row in reply.rows if row.fate is not Fate.AS_WANTED]
    if not json:
        _tell_verified(reply, wrong)
    return Exit.WRONG if wrong or reply.fields or reply.links else Exit.DONE


def span(run_id: int | None, since: str | None, until: str | None) -> Span:
    """Return which writes a person means."""
    now = SystemClock().now()
    if run_id is not None:
        return Span(run_id=run_id)
    named = (
        None if text is None else moment(text, now, option) for text, option in ((since, "--since"), (until, "--until"))
    )
    first, last = named
    return Span(since=first, until=last or now)


# --- what is asked for ---


def _restoring(settings: Settings, wanted: Wanted, how: Mapping[str, Any]) -> RestoreOrder:
    with telling():
        found = _content(settings, wanted.path)
    if (wanted.links or wanted.fields) and found.made_at is None:
        raise usage("--links and --fields go with a backup of ours: an export holds stock alone.")
    return RestoreOrder(
        rows=found.rows,
        source=wanted.words,
        links=found.links if wanted.links else (),
        fields_since=found.made_at if wanted.fields else None,
        **how,
    )


def _undoing(which: Span, how: Mapping[str, Any]) -> UndoOrder:
    return UndoOrder(run_id=which.run_id, since=which.since, until=which.until, **how)


def _last(settings: Settings, how: Mapping[str, Any]) -> RollbackOrder:
    """Return what asks for the last restore or undo once more."""

    async def look() -> Asked | None:
        async with opened_state(settings) as database:
            return await SqlRollbacks(database).last_asked()

    asked = run(look)
    if asked is None:
        raise usage("Nothing was restored or undone so far: name a file with --backup-file.")
    if asked.what == "undo":
        return _undoing(span_of(asked.source), how)
    return _restoring(settings, wanted_of(asked.source), how)


def _content(settings: Settings, path: Path) -> _Content:
    """Return what a file holds; raises Refused where it is damaged, none of ours, or another shop's."""
    try:
        if path.stat().st_size > _LARGEST:
            raise Refused(Code.BK002, f"({path.name} is larger than {_LARGEST // 1024 // 1024} MB)")
        with path.open("rb") as stream:
            if backup_file.is_backup(stream):
                return _backup(settings, path)
            text = stream.read().decode("utf-8-sig")
    except OSError as error:
        raise usage(f"{printable(path)} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError:
        raise Refused(Code.BK002, f"({path.name} is no text)") from None
    try:
        export = read_export(text, settings.shopify_location_id)
    except ValueError as error:
        raise Refused(Code.BK002, f"({path.name}: {error})") from error
    if export.elsewhere or export.untracked:
        told = [f"{counted(export.elsewhere, 'row')} of other locations"] if export.elsewhere else []
        told += [f"{counted(export.untracked, 'row')} without a number"] if export.untracked else []
        complain(f"Left out of {path.name}: {' and '.join(told)}.")
    return _Content(export.rows)


def _backup(settings: Settings, path: Path) -> _Content:
    """Read a backup to its end before anything of it is believed."""
    try:
        with path.open("rb") as stream:
            head = backup_file.check(stream).head
        with path.open("rb") as stream:
            found = _sorted(backup_file.rows(stream, "stock", "links", "items"), head.made_at)
    except backup_file.Damaged as error:
        raise Refused(Code.BK001, f"({path.name}: {error})") from error
    except (ValueError, KeyError) as error:
        raise Refused(Code.BK002, f"({path.name}: {error})") from error
    ours = settings.shop_names
    for name in _SAME_SHOP:
        if head.shop.get(name) != ours[name]:
            raise Refused(Code.BK003, f"({name} is {printable(head.shop.get(name))}, the settings say {ours[name]})")
    return found


def _sorted(sections: Iterator[backup_file.Section], made_at: datetime) -> _Content:
    stock, linked, skus = list[PastRow](), list[Mapping[str, Any]](), dict[str, str]()
    for section, row in sections:
        if section == "stock":
            stock.append(_past(row))
        elif section == "items":
            skus[row["item_id"]] = row["custom_sku"]
        elif row["state"] == LinkState.CONFIRMED.value:
            linked.append(row)
    pairs = (
        Pair(row["item_id"], row["variant_id"], row["inventory_item_id"], row["sku"], skus.get(row["item_id"], ""))
        for row in linked
    )
    return _Content(tuple(stock), tuple(pairs), made_at)


def _past(row: Mapping[str, Any]) -> PastRow:
    return PastRow(row["inventory_item_id"], row["available"], row["spoken_for"], sku=row["sku"])


# --- asking, and telling what came of it ---


def _waiting(settings: Settings, order: RollbackOrder) -> RollbackReply:
    action = "restore" if isinstance(order, RestoreOrder) else "undo"
    with err.status("Reading what changed …" if order.dry_run else "Setting numbers back …"):
        return run(lambda: _ask(settings, action, order))


async def _ask(settings: Settings, action: str, order: RollbackOrder) -> RollbackReply:
    """Ask the running daemon, or do it here where none runs."""
    answer = await ask(settings.state_dir, action, order)
    if answer is not None:
        return RollbackReply.model_validate(answer)
    async with here(settings) as shop:
        if isinstance(order, RestoreOrder):
            return await shop.actions.restore(order)
        assert isinstance(order, UndoOrder)  # noqa: S101 - there are two kinds
        return await shop.actions.undo(order)


def _set_back(settings: Settings, order: RollbackOrder, *, json: bool) -> Exit:
    reply = _waiting(settings, order)
    if json:
        say_json(_data(reply))
    if reply.outcome is RunOutcome.FAILED:
        return _failed(reply)
    chosen, listed = _parts(reply.rows)
    if not json:
        _tell(reply, order, chosen, listed)
    if order.dry_run:
        return Exit.DONE
    failed = [row for row in chosen if row.outcome not in _WELL]
    unlinked = [each for each in reply.links if not each.joined]
    return Exit.WRONG if listed or failed or unlinked or _left(reply.fields) else Exit.DONE


def _parts(rows: Sequence[RolledBack]) -> tuple[list[RolledBack], list[RolledBack]]:
    """Return the rows that are written, and those that are left."""
    chosen = [row for row in rows if row.outcome is not None or row.fate in WRITES]
    return chosen, [row for row in rows if row.outcome is None and row.fate not in (*WRITES, Fate.AS_WANTED)]


def _left(fields: Sequence[FieldRolledBack]) -> list[FieldRolledBack]:
    """Return the fields that are not as they are to be, and that this will not change."""
    return [each for each in fields if each.outcome not in (None, ProductOutcome.APPLIED)]


def _data(reply: RollbackReply) -> dict[str, Any]:
    whole = reply.model_dump(mode="json", exclude={"rows", "fields", "links"})
    whole["rows"] = [asdict(row) for row in reply.rows]
    whole["fields"] = [asdict(row) for row in reply.fields]
    whole["links"] = [asdict(row) for row in reply.links]
    return whole


def _failed(reply: RollbackReply) -> Exit:
    code = Code[reply.code] if reply.code is not None else Code.IN001
    complain(f"{code.name} {code.sentence} {reply.detail}".rstrip(), code.remedy)
    complain(f"Run {reply.run_id} ended early; what it wrote by then is on record: say the same again to go on.")
    return exit_code(code)


def _tell(
    reply: RollbackReply, order: RollbackOrder, chosen: Sequence[RolledBack], listed: Sequence[RolledBack]
) -> None:
    if chosen:
        _table(chosen)
    if listed:
        say("", f"Left as they are: {counted(len(listed), 'row')}.")
        _table(listed)
    _tell_fields(reply.fields)
    _tell_links(reply.links)
    if reply.unlinked:
        say_folded(f"Not linked, so never written: {_named(reply.unlinked)}.")
    say("", *_summary(reply, order, chosen))
    say_folded(*_ways_on(order, chosen, listed))


def _tell_fields(fields: Sequence[FieldRolledBack]) -> None:
    if not fields:
        return
    say("", f"Product fields: {len(fields)}, of them left as they are: {len(_left(fields))}.")
    found = [(each.sku, each.field.value, _short(each.now), _short(each.wanted), _became(each)) for each in fields]
    show_table(("SKU", "field", "is", "will be", "why"), found[:_SHOWN])
    if len(found) > _SHOWN:
        say(f"… and {len(found) - _SHOWN} more; --json has all.")


def _tell_links(links: Sequence[LinkRolledBack]) -> None:
    if links:
        say("", f"Links of the backup that there are no more: {len(links)}.")
        show_table(("SKU", "why"), [(each.sku, _linked(each)) for each in links[:_SHOWN]])


def _linked(each: LinkRolledBack) -> str:
    if each.joined:
        return "linked again"
    return f"{each.code} {Code[each.code].sentence}" if each.code else each.fate.value


def _became(each: FieldRolledBack) -> str:
    if each.outcome is None:
        return Fate.SET_BACK.value
    return "set back" if each.outcome is ProductOutcome.APPLIED else each.detail or each.outcome.value


def _short(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= _SHORT else text[: _SHORT - 1] + "…"


def _table(rows: Sequence[RolledBack]) -> None:
    show_table(("SKU", "shows", "will", "then", "sold since", "why"), [_row(row) for row in rows[:_SHOWN]])
    if len(rows) > _SHOWN:
        say(f"… and {len(rows) - _SHOWN} more; --json has all.")


def _row(row: RolledBack) -> tuple[object, ...]:
    why = row.fate.value
    if row.listed is not None:
        why = f"{why} ({row.listed.value})"
    elif row.fate is Fate.ABOVE:
        why = f"{why} ({row.target})"
    if row.outcome is not None:
        why = "set back" if row.outcome in _WELL else f"{row.outcome.value}: {row.fate.value}"
    return row.sku, row.available, row.wanted, row.past, row.ordered or "", why


def _summary(reply: RollbackReply, order: RollbackOrder, chosen: Sequence[RolledBack]) -> Iterator[str]:
    same = reply.numbers.get(Fate.AS_WANTED.name.lower(), 0)
    rows = counted(reply.total, "row")
    if order.dry_run:
        yield f"{rows}: {len(chosen)} to set back, {same} as wanted already, nothing was changed."
        return
    done = sum(row.outcome in _WELL for row in chosen)
    yield f"Run {reply.run_id}: {done} of {rows} set back, {same} as wanted already."


def _ways_on(order: RollbackOrder, chosen: Sequence[RolledBack], listed: Sequence[RolledBack]) -> Iterator[str]:
    if any(row.fate in FORCIBLE for row in listed):
        yield "A listed row is set back all the same with --force-row SKU."
    if any(row.fate is Fate.ABOVE for row in listed):
        yield "All that are more than Lightspeed has: --force-raises. What is not there may be sold then."
    if order.dry_run:
        if chosen:
            yield "Carry it out by the same command with --confirm instead of --dry-run."
        return
    if chosen:
        yield (
            "What was set back is held: no sync writes to it until `lightspeed-sync resume --held`, or a word of "
            "`lightspeed-sync conflicts approve` or `dismiss`."
        )
        yield "Look whether it is so: lightspeed-sync verify-rollback"


def _tell_verified(reply: RollbackReply, wrong: Sequence[RolledBack]) -> None:
    if wrong:
        _table(wrong)
    _tell_fields(reply.fields)
    _tell_links(reply.links)
    if reply.unlinked:
        say_folded(f"Not linked, so not compared: {_named(reply.unlinked)}.")
    same = reply.numbers.get(Fate.AS_WANTED.name.lower(), 0)
    told = [f"{same} of {counted(reply.total + len(reply.unlinked), 'row')} show what they should"]
    told += [f"{len(wrong)} do not"] if wrong else []
    told += [f"{len(reply.unlinked)} could not be compared"] if reply.unlinked else []
    say(f"{', '.join(told)}.")


def _named(names: Sequence[str], most: int = 10) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
