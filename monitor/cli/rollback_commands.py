"""The commands that make backups and set numbers back, and their help; what they do stands in the modules beside."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from monitor.cli.common import settings, stored, usage

Json = Annotated[bool, typer.Option("--json", help="Print data as JSON.")]
File = Annotated[
    Path, typer.Option("--backup-file", metavar="FILE", help="A backup, or Shopify's inventory_levels.json.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be set back, change nothing.")]
Confirm = Annotated[bool, typer.Option("--confirm", help="Set back what can be.")]
Force = Annotated[
    list[str] | None,
    typer.Option("--force-row", metavar="SKU", help="Set this row back although it is listed; may be repeated."),
]
Raises = Annotated[
    bool, typer.Option("--force-raises", help="Also rows above what Lightspeed has: you may sell what is not there.")
]


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (backup, restore, undo):
        app.command()(command)
    app.command("verify-rollback")(verify_rollback)


def backup(
    to: Annotated[
        Path | None, typer.Option("--to", metavar="DIR", help="Another folder than STATE_DIR/backups.")
    ] = None,
    as_last_read: Annotated[
        bool, typer.Option("--as-last-read", help="Ask neither shop: keep what was read last.")
    ] = False,
    listed: Annotated[bool, typer.Option("--list", help="Show the backups there are, each read to its end.")] = False,
    verify: Annotated[
        Path | None, typer.Option("--verify", metavar="FILE", help="Read a backup to its end: is it whole?")
    ] = None,
    json: Json = False,
) -> None:
    """Read both shops and keep their stock, the links and alerts.yaml in one file.

    The daemon does so daily, and before each confirmed full sync, restore and undo.

    Example: lightspeed-sync backup --list
    """
    from monitor.cli import backups

    if listed + (verify is not None) + as_last_read > 1:
        raise usage("Say one of --as-last-read, --list and --verify.")
    if verify is not None:
        raise typer.Exit(backups.verify(verify, json=json))
    chosen = settings(have=stored(), shops=not (listed or as_last_read))
    if listed:
        raise typer.Exit(backups.show(chosen, to, json=json))
    raise typer.Exit(backups.make(chosen, to, read=not as_last_read, json=json))


def restore(  # noqa: PLR0917 - one parameter an option
    backup_file: File,
    dry_run: DryRun = False,
    confirm: Confirm = False,
    force_row: Force = None,
    force_raises: Raises = False,
    links: Annotated[bool, typer.Option("--links", help="Also link again what the backup had linked.")] = False,
    fields: Annotated[
        bool, typer.Option("--fields", help="Also take back product fields that we wrote since the backup.")
    ] = False,
    json: Json = False,
) -> None:
    """Set Shopify's stock back to what a file says: first --dry-run, then --confirm.

    What was ordered since is taken off. Rows that somebody else changed, or that Lightspeed has not enough of, are
    listed and left. What is set back is held: no sync writes to it until `resume`, or a word on it.

    Example: lightspeed-sync restore --backup-file shopify_inventory_backup.json --dry-run
    """
    from monitor.cli import rollback

    how = _how(dry_run=dry_run, confirm=confirm, force=force_row, raises=force_raises)
    wanted = rollback.Wanted(backup_file, links=links, fields=fields)
    raise typer.Exit(rollback.restore(settings(have=stored(), shops=True), wanted, how, json=json))


def verify_rollback(
    backup_file: Annotated[
        Path | None,
        typer.Option("--backup-file", metavar="FILE", help="The file; by default what was restored or undone last."),
    ] = None,
    json: Json = False,
) -> None:
    """Read Shopify anew and tell row by row whether it shows what was set back; exit code 1 where not.

    Example: lightspeed-sync verify-rollback --backup-file shopify_inventory_backup.json
    """
    from monitor.cli import rollback

    raise typer.Exit(rollback.verify(settings(have=stored(), shops=True), backup_file, json=json))


def undo(  # noqa: PLR0917 - one parameter an option
    run: Annotated[int | None, typer.Argument(metavar="[RUN]", help="The run's number, as `status` shows it.")] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help='Or a time: from "2026-11-24 10:00", or 2h ago.')
    ] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="Until then; by default now.")] = None,
    dry_run: DryRun = False,
    confirm: Confirm = False,
    force_row: Force = None,
    force_raises: Raises = False,
    json: Json = False,
) -> None:
    """Take back what a run, or all runs of a time, wrote of stock and product fields: first --dry-run, then --confirm.

    What others changed meanwhile is listed and left. What is set back is held, as after `restore`.

    Example: lightspeed-sync undo 1234 --dry-run
    """
    from monitor.cli import rollback

    if (run is None) == (since is None):
        raise usage("Name a run by its number, or a time with --since.")
    if until is not None and since is None:
        raise usage("--until goes with --since.")
    how = _how(dry_run=dry_run, confirm=confirm, force=force_row, raises=force_raises)
    chosen = settings(have=stored(), shops=True)
    raise typer.Exit(rollback.undo(chosen, rollback.span(run, since, until), how, json=json))


def _how(*, dry_run: bool, confirm: bool, force: list[str] | None, raises: bool) -> dict[str, object]:
    """Return what restore and undo have in common, as an order takes it."""
    from monitor.cli.common import person

    if dry_run == confirm:
        raise usage("Say --dry-run to see what would be set back, or --confirm to do it.")
    return {"by": person(), "dry_run": dry_run, "force": tuple(force or ()), "raises": raises}
