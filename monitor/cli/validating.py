"""`validate`, `check orphans`, `check pricing`: both shops read whole and compared, and reports of what was found."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from itertools import islice
from pathlib import Path

from monitor.asked import ValidateOrder, ValidateReply
from monitor.asking import ask
from monitor.channels.wording import clean
from monitor.cli.common import Exit, complain, exit_code, here, run, say, say_folded, show_table, usage
from monitor.cli.progress_bar import shown as shown_on_terminal
from monitor.cli.reading import opened_state
from monitor.progress import Progress, Watch
from monitor.reports.files import Write, stem_of, write_together
from monitor.reports.page import Facts, headline, page_of, pieces
from monitor.reports.tables import write_csv, write_json
from monitor.units import counted, local, written_minute
from sync.errors import Code
from sync.findings import EXPLAINED, Finding, FindingClass, Summary
from sync.settings import Settings
from sync.storage.finding_book import Shown, SqlFindingBook

_SHOWN = 40  # findings listed; the reports have all


def validate(
    settings: Settings, classes: Sequence[FindingClass], report: Path | None, *, last: bool, json: bool
) -> Exit:
    """Compare both shops (`last`: show what the last comparison found), and write reports into a folder."""
    validation_id = None
    if not last:
        with shown_on_terminal("Reading both shops whole") as told:
            reply = run(lambda: _ask(settings, ValidateOrder(classes=tuple(classes)), told))
        if reply.validation_id is None:
            return _failed(reply)
        validation_id = reply.validation_id
    return run(lambda: _told(settings, classes, validation_id, report, json=json))


async def _ask(settings: Settings, order: ValidateOrder, told: Callable[[Progress], None]) -> ValidateReply:
    """Ask the running daemon, or do it here where none runs."""
    answer = await ask(settings.state_dir, "validate", order)
    if answer is not None:
        return ValidateReply.model_validate(answer)
    async with here(settings) as shop:
        shop.events.join(Watch(shop.clock.monotonic, told))
        return await shop.actions.validate(order)


async def _told(
    settings: Settings,
    classes: Sequence[FindingClass],
    validation_id: int | None,
    report: Path | None,
    *,
    json: bool,
) -> Exit:
    """Show what is on record of a validation, the newest by default; exit 1 where it found anything."""
    async with opened_state(settings) as database:
        book = SqlFindingBook(database)
        summary = await book.summary(validation_id)
        if summary is None:
            raise usage("Nothing was compared yet: run it without --last.")
        if not set(classes) <= set(summary.classes):
            raise usage("The last comparison did not look for this: run it without --last.")
        summary = summary.narrowed(classes)
        store = settings.shopify_store_domain
        written = await book.show(
            summary.validation_id, classes, lambda shown: _show(summary, shown, store, report, json=json)
        )
    for path in written:
        (complain if json else say)(f"Written to {path}.")
    return Exit.WRONG if summary.found else Exit.DONE


def _show(summary: Summary, shown: Shown, store: str, report: Path | None, *, json: bool) -> Sequence[Path]:
    if json:
        write_json(sys.stdout, summary, shown.each(), store)
    else:
        _tell(summary, shown)
    if report is None:
        return ()
    try:
        return write_together(report, stem_of(local(summary.finished_at)), _parts(summary, shown, store))
    except OSError as error:
        raise usage(f"The report cannot be written to {report}: {error.strerror}.") from error


def _parts(summary: Summary, shown: Shown, store: str) -> Mapping[str, Write]:
    """Return what writes each file of a report, by its ending."""
    facts = Facts(store=store, version=version("lightspeed-sync"))
    return {
        ".html": lambda file: file.writelines(pieces(page_of(summary, shown.each(), shown.worst, shown.units, facts))),
        ".json": lambda file: write_json(file, summary, shown.each(), store),
        ".csv": lambda file: write_csv(file, shown.each()),
    }


def _tell(summary: Summary, shown: Shown) -> None:
    if summary.sellers:
        say("Best sellers of the last 30 days")
        show_table(
            ("SKU", "ordered", "should offer", "offers", "verdict"),
            [
                (clean(each.sku, 40), each.sold, each.target, each.available, _verdict(each.kinds, each.target))
                for each in summary.sellers
            ],
        )
        say("")
    if summary.found:
        counts = [(kind.label, count) for kind, count in summary.counts.items() if count]
        show_table(("class", "findings"), counts)
        say("")
    remedy = ""
    for finding in islice(shown.each(), _SHOWN):
        what, to_do = _lines(finding)
        say_folded(what, *([to_do] if to_do != remedy else []))
        remedy = to_do
    if summary.found > _SHOWN:
        say(f"… and {summary.found - _SHOWN} more; --report DIR and --json have all.")
    right = summary.explained.get(EXPLAINED, 0)
    if right:
        reasons = {reason: count for reason, count in summary.explained.items() if reason != EXPLAINED}
        say_folded(f"Different, and right: {counted(right, 'SKU')}{_listed(reasons)}.")
    if summary.left_out:
        say_folded(f"Not compared: {counted(sum(summary.left_out.values()), 'SKU')}{_listed(summary.left_out)}.")
    say_folded(
        f"{headline(summary)}: {counted(summary.compared.get('links', 0), 'linked SKU')} compared, both shops read "
        f"whole, {written_minute(summary.finished_at)}."
    )


def _verdict(kinds: Sequence[FindingClass], target: int | None) -> str:
    if kinds:
        return ", ".join(kind.label for kind in kinds)
    return "not linked" if target is None else "as it should be"


def _lines(finding: Finding) -> tuple[str, str]:
    """Return a finding as two lines: what, and what to do."""
    what = f"{finding.kind.label}: {finding.sku or finding.subject or 'no SKU'}. {finding.sentence}"
    return clean(what, 500), f"    {clean(finding.remedy, 500)}"


def _listed(counts: Mapping[str, int]) -> str:
    words = ", ".join(f"{reason} {count}" for reason, count in counts.items())
    return f" ({words})" if words else ""


def _failed(reply: ValidateReply) -> Exit:
    code = Code[reply.code] if reply.code else None
    if code is not None:
        complain(f"{code.name} {code.sentence} {reply.detail}", code.remedy)
    return exit_code(code)
