"""The commands and their help; what they do stands in the modules beside."""

from __future__ import annotations

import errno
import os
from importlib.metadata import version as release
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli import rollback_commands
from monitor.cli.alert_commands import app as alert_commands
from monitor.cli.common import (
    Exit,
    alerts_path,
    run,
    say,
    settings,
    settings_and_alerts,
    settings_as_they_are,
    stored,
    usage,
)
from monitor.cli.conflict_commands import app as conflict_commands
from monitor.cli.order_commands import app as order_commands
from monitor.cli.sku_commands import app as sku_commands

if TYPE_CHECKING:
    from sync.findings import FindingClass

app = typer.Typer(
    name="lightspeed-sync",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
check = typer.Typer(help="Check settings, the alerts file, or the connections.", no_args_is_help=True)
connect = typer.Typer(help="Give consent to a service for the first time.", no_args_is_help=True)
app.add_typer(alert_commands, name="alerts")
app.add_typer(check, name="check")
app.add_typer(conflict_commands, name="conflicts")
app.add_typer(connect, name="connect")
app.add_typer(order_commands, name="orders")
app.add_typer(sku_commands, name="sku")

_TAKEN = (errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES)  # why a place to listen at cannot be had
_LAST_PORT = 65_529  # seven in a row

Json = Annotated[bool, typer.Option("--json", help="Print data as JSON.")]


def _tell_version(wanted: bool) -> None:
    if wanted:
        say(f"lightspeed-sync {release('lightspeed-sync')}")
        raise typer.Exit


@app.callback()
def every(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and end.", is_eager=True, callback=_tell_version)
    ] = False,
) -> None:
    """Keep a Shopify store's stock in step with a Lightspeed till, and say so when it does not."""


@app.command("run")
def run_daemon() -> None:
    """Run the daemon until SIGTERM or Ctrl-C.

    Example: lightspeed-sync run
    """
    from monitor import daemon
    from monitor.supervisor import Supervisor

    chosen, content = settings_and_alerts(have=stored(), shops=True, daemon=True)
    supervisor = Supervisor.of(os.environ, os.getpid())
    try:
        raise typer.Exit(run(lambda: daemon.run(chosen, content, supervisor)))
    except OSError as error:
        if error.errno not in _TAKEN:
            raise
        raise usage(f"{error.filename} cannot be used: {error.strerror}.") from error


@app.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="End when everything promised was seen.")] = False,
) -> None:
    """Show it all on pretend shops.

    Example: lightspeed-sync demo --once
    """
    try:
        from monitor.cli.demo import demo as play
    except ModuleNotFoundError as error:
        raise _without_sandbox(error) from error
    raise typer.Exit(play(once=once))


@app.command()
def sandbox(  # noqa: PLR0917 - one parameter an option
    catalog: Annotated[Path | None, typer.Option(help="Open the shop with a Shopify product export (CSV).")] = None,
    mend: Annotated[bool, typer.Option(help="Invent SKUs and tracking where the export lacks them.")] = True,
    goods: Annotated[int, typer.Option(min=1, help="How many goods to make up, without an export.")] = 200,
    seed: Annotated[int, typer.Option(help="The same seed makes the same shop.")] = 1,
    cashiers_per_hour: Annotated[float, typer.Option(min=0, help="How often something happens at the till.")] = 60,
    shoppers_per_hour: Annotated[float, typer.Option(min=0, help="How often something happens online.")] = 30,
    port: Annotated[
        int,
        typer.Option(
            min=0,
            max=_LAST_PORT,
            help="First of seven ports: Lightspeed, Shopify, Slack, SMS, control, mail, the shop itself. 0: free ones.",
        ),
    ] = 0,
    storefront: Annotated[
        str,
        typer.Option(metavar="HOST:PORT", help="The daemon's STOREFRONT_LISTEN: the app proxy leads there."),
    ] = "127.0.0.1:8080",
) -> None:
    """Serve the pretend shops, Slack, mail and SMS on loopback, until Ctrl-C.

    Example: lightspeed-sync sandbox --catalog products_export.csv
    """
    try:
        from monitor.cli import sandbox as serve
    except ModuleNotFoundError as error:
        raise _without_sandbox(error) from error
    serve.serve(catalog, goods, seed, mend, (cashiers_per_hour, shoppers_per_hour), port, storefront)


@app.command()
def sync(  # noqa: PLR0917 - one parameter an option
    plan: Annotated[str | None, typer.Argument(metavar="[PLAN]", help="With --confirm: a plan's file or hash.")] = None,
    environment: Annotated[
        str | None, typer.Option(metavar="NAME", help="Must be the configured one; a safeguard.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write a plan, change nothing.")] = False,
    confirm: Annotated[bool, typer.Option("--confirm", help="Carry out a plan; today's newest by default.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Read both shops whole.")] = False,
    sku: Annotated[
        list[str] | None, typer.Option("--sku", metavar="SKU", help="Only this SKU; may be repeated.")
    ] = None,
    products: Annotated[
        str, typer.Option("--products", metavar="WORDS", help="Only goods so called: kava,kratom,thc-beverages.")
    ] = "",
    priority: Annotated[
        bool, typer.Option("--priority", help="Best sellers of 30 days and what is nearly sold out first.")
    ] = False,
    json: Json = False,
) -> None:
    """Sync stock and product fields now: first --dry-run, then --confirm.

    A dry run writes sync-plan-YYYYMMDD.json and changes nothing. --confirm carries out exactly that plan: a row that
    has moved since is named, not written. Ctrl-C stops between two calls; the same --confirm goes on with the rest.

    Example: lightspeed-sync sync --products "kava, thc-beverages" --priority --dry-run
    """
    from monitor.cli import sync as syncing

    chosen = settings(have=stored(), shops=True)
    if environment is not None and environment != chosen.environment.value:
        raise usage(f"--environment is {environment}, but ENVIRONMENT is {chosen.environment.value}.")
    if dry_run == confirm:
        raise usage("Say --dry-run to see what would change, or --confirm to change it.")
    if plan is not None and not confirm:
        raise usage("A plan goes with --confirm.")
    order = syncing.Order(
        full=full, skus=tuple(sku or ()), plan=plan, products=syncing.kinds_in(products), priority=priority
    )
    raise typer.Exit(syncing.plan(chosen, order, json=json) if dry_run else syncing.confirm(chosen, order, json=json))


Report = Annotated[
    Path | None, typer.Option("--report", metavar="DIR", help="Write HTML, JSON and CSV into this folder.")
]
Last = Annotated[bool, typer.Option("--last", help="Read nothing: show what the last comparison found.")]


@app.command()
def validate(report: Report = None, last: Last = False, json: Json = False) -> None:
    """Read both shops whole, compare everything, change nothing; exit 1 where something differs.

    Example: lightspeed-sync validate --report reports
    """
    from sync.findings import FindingClass

    _validate(tuple(FindingClass), report, last=last, json=json)


@app.command()
def status(json: Json = False) -> None:
    """Show on one screen how things stand.

    Example: lightspeed-sync status
    """
    from monitor.cli.status import status as show

    raise typer.Exit(show(settings(have=stored()), json=json))


@app.command()
def why(
    sku: Annotated[str, typer.Argument(metavar="SKU", help="As typed in either shop.")],
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help='Then: "2026-11-24 10:00", or 2h for so long ago.')
    ] = None,
    json: Json = False,
) -> None:
    """Tell every change of one SKU with its equation, its orders, and who asked for it.

    With --at: how it stood then, and the last change before.

    Example: lightspeed-sync why KAVA-PREM-001 --at "2026-11-24 10:00"
    """
    from monitor.cli import why as telling

    raise typer.Exit(telling.why(settings(have=stored()), sku, at, json=json))


@app.command()
def sql(
    query: Annotated[str, typer.Argument(metavar="QUERY", help="One SELECT.")],
    json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print data as CSV.")] = False,
) -> None:
    """Ask the state database; it is opened for reading only.

    Example: lightspeed-sync sql "SELECT sku, lightspeed_qty, shopify_qty FROM sync_validation"
    """
    from monitor.cli import reading

    if json and as_csv:
        raise usage("Say --json or --csv, not both.")
    raise typer.Exit(reading.sql(settings(have=stored()), query, json=json, as_csv=as_csv))


@app.command()
def pause(
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Shown to everybody who wonders.")],
    writes: Annotated[bool, typer.Option("--writes", help="Stop stock writes (the default).")] = False,
    orders: Annotated[bool, typer.Option("--orders", help="Stop booking orders.")] = False,
) -> None:
    """Stop what is automatic, until `resume`.

    Example: lightspeed-sync pause --reason "stock-take"
    """
    from monitor.cli import levers

    if not reason.strip():
        raise usage("--reason is empty: say why, for those who wonder later.")
    levers.pause(settings(have=stored()), reason, writes=writes or not orders, orders=orders)


@app.command()
def resume(
    writes: Annotated[bool, typer.Option("--writes", help="Only stock writes.")] = False,
    orders: Annotated[bool, typer.Option("--orders", help="Only orders.")] = False,
    held: Annotated[bool, typer.Option("--held", help="Only SKUs that were restored or undone.")] = False,
    sku: Annotated[
        list[str] | None, typer.Option("--sku", metavar="SKU", help="With --held: only this one; may be repeated.")
    ] = None,
) -> None:
    """Lift pauses and let go of what was restored or undone; all of them unless one is named.

    Example: lightspeed-sync resume
    """
    from monitor.cli import levers

    if sku and not held:
        raise usage("--sku goes with --held.")
    chosen = settings(have=stored())
    if not held or writes or orders:
        levers.resume(chosen, writes=writes, orders=orders)
    if held or not (writes or orders):
        levers.let_go(chosen, sku or ())


@check.command("config")
def check_config(json: Json = False) -> None:
    """Show every setting, secrets hidden, and check the alerts file.

    Example: lightspeed-sync check config
    """
    from monitor.cli import checks

    chosen, content = settings_and_alerts(have=stored())
    checks.config(chosen, content, json=json)


@check.command("alerts")
def check_alerts(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Another file than the one that ALERTS_FILE names.")
    ] = None,
) -> None:
    """Check the alerts file: every mistake with its line and column, what is doubtful, and who cannot be reached.

    Example: lightspeed-sync check alerts alerts.new.yaml
    """
    from monitor.cli import checks

    checks.alerts(settings_as_they_are(have=stored()), file or alerts_path())


@check.command("connections")
def check_connections(json: Json = False) -> None:
    """Try both shops: sign-in, rights, shop, location.

    Example: lightspeed-sync check connections
    """
    from monitor.cli import checks

    chosen, content = settings_and_alerts(have=stored(), shops=True)
    raise typer.Exit(checks.connections(chosen, content, json=json))


@check.command("orphans")
def check_orphans(report: Report = None, last: Last = False, json: Json = False) -> None:
    """Find what stands in one shop only, under almost the same SKU, or under one SKU twice; with its likely partner.

    Example: lightspeed-sync check orphans
    """
    from sync.findings import ORPHANS

    _validate(ORPHANS, report, last=last, json=json)


@check.command("pricing")
def check_pricing(report: Report = None, last: Last = False, json: Json = False) -> None:
    """Find the prices that differ between both shops.

    Example: lightspeed-sync check pricing
    """
    from sync.findings import FindingClass

    _validate((FindingClass.PRICE,), report, last=last, json=json)


@connect.command("lightspeed")
def connect_lightspeed(
    items: Annotated[bool, typer.Option("--items", help="Also for `sku create-in-lightspeed`.")] = False,
) -> None:
    """Give consent at Lightspeed: open the address shown, then paste what it answers.

    Example: lightspeed-sync connect lightspeed
    """
    from monitor.cli import consent

    chosen, content = settings_and_alerts(have=("LIGHTSPEED_REFRESH_TOKEN",), shops=True)
    raise typer.Exit(consent.lightspeed(chosen, content, items=items))


def _validate(classes: tuple[FindingClass, ...], report: Path | None, *, last: bool, json: bool) -> None:
    from monitor.cli import validating

    chosen = settings(have=stored(), shops=not last)
    raise typer.Exit(validating.validate(chosen, classes, report, last=last, json=json))


def _without_sandbox(error: ModuleNotFoundError) -> typer.Exit:
    return usage(f"The pretend services are not installed ({error.name}): pip install 'lightspeed-sync[sandbox]'.")


rollback_commands.add_to(app)

__all__ = ["Exit", "app"]
