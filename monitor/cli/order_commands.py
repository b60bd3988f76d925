"""The commands about orders and their help; what they do stands in `orders.py`."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from monitor.cli.common import settings, settings_and_alerts, stored, usage

app = typer.Typer(
    help="See how orders are booked into Lightspeed, and decide on those that wait.", no_args_is_help=True
)

_SALE_ID = re.compile(r"[1-9][0-9]{0,18}")  # no longer than Lightspeed's own numbers can be

Name = Annotated[str, typer.Argument(metavar="NAME", help="Like #1001 or 1001, an id, or a reference like SH-1001-1.")]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="How many, the newest first.")]
Json = Annotated[bool, typer.Option("--json", help="Print data as JSON.")]


@app.command("list")
def list_orders(
    state: Annotated[
        list[str] | None, typer.Option("--state", metavar="STATE", help="Only this state; may be repeated.")
    ] = None,
    limit: Limit = 100,
    json: Json = False,
) -> None:
    """List orders: how far each has come, since when it waits, and why.

    Example: lightspeed-sync orders list --state parked --state dead
    """
    from monitor.cli import orders

    states = orders.states_of(state or [])
    raise typer.Exit(orders.show_list(settings(have=stored()), states, limit, json=json))


@app.command()
def show(name: Name, json: Json = False) -> None:
    """Tell the story of one order: its lines, its sales, what happened and what it needs next.

    Example: lightspeed-sync orders show 1001
    """
    from monitor.cli import orders

    raise typer.Exit(orders.show(settings(have=stored()), name, json=json))


@app.command()
def retry(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="As `orders show` takes them.")] = None,
    all_parked: Annotated[
        bool, typer.Option("--all-parked", help="All that wait for a person, except those whose sale was voided.")
    ] = False,
    json: Json = False,
) -> None:
    """Read orders anew and try at once to book them.

    Example: lightspeed-sync orders retry 1001 1002
    """
    from monitor.cli import orders

    if bool(names) == all_parked:
        raise usage("Name the orders, or say --all-parked.")
    chosen, content = settings_and_alerts(have=stored(), shops=True)
    raise typer.Exit(orders.retry(chosen, content, names or [], json=json))


@app.command()
def close(
    name: Name,
    sale: Annotated[str | None, typer.Option(metavar="SALEID", help="The Lightspeed sale that booked it.")] = None,
    anyway: Annotated[bool, typer.Option("--anyway", help="Even if the sale differs from the order.")] = False,
    never: Annotated[bool, typer.Option("--never", help="It is never booked; what it took stays taken.")] = False,
    json: Json = False,
) -> None:
    """Take an order out of our hands: say which sale booked it, or that none ever will.

    Example: lightspeed-sync orders close 1001 --sale 48213
    """
    from monitor.cli import orders

    if (sale is None) is not never:
        raise usage("Say --sale SALEID, or --never.")
    if sale is not None and not _SALE_ID.fullmatch(sale):
        raise usage("--sale is a sale's id in Lightspeed, a number.")
    chosen, content = settings_and_alerts(have=stored(), shops=True)
    raise typer.Exit(orders.close(chosen, content, name, sale, anyway=anyway, json=json))


@app.command()
def dead(limit: Limit = 100, json: Json = False) -> None:
    """List the orders that cannot be understood, with the reason.

    Example: lightspeed-sync orders dead
    """
    from monitor.cli import orders

    raise typer.Exit(orders.show_list(settings(have=stored()), orders.DEAD, limit, json=json))
