"""`backup`: reading both shops, making the file, listing those there are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from monitor.asked import SyncOrder, SyncReply
from monitor.asking import ask
from monitor.cli.common import Exit, complain, err, exit_code, here, printable, run, say, say_json, show_table, usage
from monitor.cli.reading import opened_state
from monitor.units import written_minute
from sync.backup import FOLDER, Backups, Found, Kind, Made, backups_in, look_at
from sync.clock import SystemClock
from sync.errors import Code
from sync.records import RunOutcome
from sync.settings import Settings

_READING = SyncOrder(full=True, dry_run=True)
_KILO = 1024


def make(settings: Settings, to: Path | None, *, read: bool, json: bool) -> Exit:
    """Read both shops, unless what was read last is to do, and write the file."""
    if read:
        with err.status("Reading both shops whole …"):
            reply, made = run(lambda: _read_and_make(settings, to))
        if made is None:
            return _failed(reply)
    else:
        made = run(lambda: _make_beside(settings, to))
    if json:
        say_json(_data(Found(made.path, made.size, made.contents)))
    else:
        skus = made.contents.rows.get("stock", 0)
        say(f"{made.path}: {skus} linked SKUs, {_size(made.size)}, whole.")
    return Exit.DONE


async def _read_and_make(settings: Settings, to: Path | None) -> tuple[SyncReply | None, Made | None]:
    """Let the daemon read and write the file beside it, or do both here where none runs."""
    answer = await ask(settings.state_dir, "sync", _READING)
    if answer is not None:
        reply = SyncReply.model_validate(answer)
        return reply, await _make_beside(settings, to) if reply.outcome is not RunOutcome.FAILED else None
    async with here(settings) as shop:
        reply = await shop.actions.sync(_READING)
        return reply, await _write(shop.engine.backups, to) if reply.outcome is not RunOutcome.FAILED else None


async def _make_beside(settings: Settings, to: Path | None) -> Made:
    from sync.app import EngineLimits, backups_of

    async with opened_state(settings) as database:
        return await _write(backups_of(settings, database, SystemClock(), EngineLimits()), to)


async def _write(backups: Backups, to: Path | None) -> Made:
    return await backups.make(Kind.BY_HAND, "by hand", to)


def _failed(reply: SyncReply | None) -> Exit:
    code = Code[reply.code] if reply is not None and reply.code is not None else Code.IN001
    complain(
        f"Nothing was written: {code.name} {code.sentence} {reply.detail if reply else ''}".rstrip(),
        code.remedy,
        "What was read last can be kept all the same: lightspeed-sync backup --as-last-read",
    )
    return exit_code(code)


def show(settings: Settings, folder: Path | None, *, json: bool) -> Exit:
    """List the backups of a folder, newest first; exit code 1 where one is damaged."""
    chosen = folder or settings.state_dir / FOLDER
    found = backups_in(chosen)
    if json:
        say_json([_data(each) for each in found])
    elif found:
        show_table(("backup", "made", "why", "SKUs", "size", "state"), [_row(each) for each in found])
    else:
        say(f"There are no backups in {chosen}. `lightspeed-sync backup` makes one.")
    return _outcome(found)


def verify(path: Path, *, json: bool) -> Exit:
    """Read one backup to its end; exit code 1 where it is damaged."""
    try:
        found = look_at(path)
    except OSError as error:
        raise usage(f"{printable(path)} cannot be read: {error.strerror}.") from error
    if json:
        say_json(_data(found))
    elif found.contents is None:
        complain(f"{Code.BK001.name} {path.name}: {found.mistake}.", Code.BK001.remedy)
    else:
        rows = ", ".join(f"{count} {section}" for section, count in found.contents.rows.items())
        say(f"{path.name} is whole: made {written_minute(found.contents.head.made_at)}, {rows}.")
    return _outcome([found])


def _outcome(found: Sequence[Found]) -> Exit:
    return Exit.WRONG if any(each.contents is None for each in found) else Exit.DONE


def _row(each: Found) -> tuple[object, ...]:
    if each.contents is None:
        return each.path.name, "", "", "", _size(each.size), f"DAMAGED: {each.mistake}"
    head = each.contents.head
    skus = each.contents.rows.get("stock", 0)
    return each.path.name, written_minute(head.made_at), head.reason, skus, _size(each.size), "whole"


def _data(each: Found) -> dict[str, Any]:
    contents = each.contents
    return {
        "file": str(each.path),
        "bytes": each.size,
        "whole": contents is not None,
        "mistake": each.mistake,
        "made_at": contents and contents.head.made_at,
        "reason": contents and contents.head.reason,
        "rows": contents and contents.rows,
        "sha256": contents and contents.sha256,
    }


def _size(size: int) -> str:
    return f"{size / _KILO / _KILO:.1f} MB" if size >= _KILO * _KILO else f"{max(1, round(size / _KILO))} kB"
