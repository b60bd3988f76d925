"""The commands about alerts and their help; what they do stands in `alerts.py` and the modules beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from monitor.cli.common import settings, settings_and_alerts, stored, usage

app = typer.Typer(help="See, explain, acknowledge and silence alerts; try channels and rules.", no_args_is_help=True)

Names = Annotated[list[str], typer.Argument(metavar="NAME...", help="Alerts, as alerts.yaml names them.")]
_HIGHEST = 999_999_999  # of a silence's number
Json = Annotated[bool, typer.Option("--json", help="Print data as JSON.")]


@app.command("list")
def list_alerts(json: Json = False) -> None:
    """Show what fires, and who knows of it.

    Also what is about to fire, who has it in hand, which silences stand, and what ended lately.

    Example: lightspeed-sync alerts list
    """
    from monitor.cli import alerts

    raise typer.Exit(alerts.show_list(settings(have=stored()), json=json))


@app.command()
def ack(names: Names, json: Json = False) -> None:
    """Take firing alerts into your hands.

    No more reminders, and nobody else is called; their end is still told.

    Example: lightspeed-sync alerts ack InventoryDiscrepancy
    """
    from monitor.cli import alerts

    raise typer.Exit(alerts.acknowledge(settings(have=stored()), names, json=json))


@app.command()
def silence(  # noqa: PLR0917 - one parameter an option
    length: Annotated[str, typer.Option("--for", metavar="TIME", help="How long, like 2h or 1d12h; 30 days at most.")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Shown to everybody who wonders.")],
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Alerts of these names.")] = None,
    label: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Only alerts with this label; may be repeated.")
    ] = None,
    severity: Annotated[
        str | None, typer.Option(metavar="SEVERITY", help="Only critical, warning or info ones.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every alert.")] = False,
    until_resolved: Annotated[
        bool, typer.Option("--until-resolved", help="Ends before its time when what it hides has ended.")
    ] = False,
    json: Json = False,
) -> None:
    """Hear nothing of alerts for a while.

    The end of what you were told is told all the same, and so is what came and went meanwhile.

    Example: lightspeed-sync alerts silence InventoryDiscrepancy --for 2h --reason "stock-take"
    """
    from monitor.cli import alerts

    if every == bool(names or label or severity):
        raise usage("Name the alerts, or say --label or --severity; --all silences every alert, and goes alone.")
    wanted = alerts.silence_order(names or [], label or [], severity, length, reason, until_resolved=until_resolved)
    raise typer.Exit(alerts.silence(settings(have=stored()), wanted, json=json))


@app.command()
def lift(
    number: Annotated[
        int, typer.Argument(metavar="N", min=1, max=_HIGHEST, help="The silence's number, as `alerts list` shows it.")
    ],
    json: Json = False,
) -> None:
    """End a silence before its time.

    What still fires is told.

    Example: lightspeed-sync alerts lift 3
    """
    from monitor.cli import alerts

    raise typer.Exit(alerts.lift(settings(have=stored()), number, json=json))


@app.command()
def trail(json: Json = False) -> None:
    """Show who did what about alerts.

    The latest first: acknowledgements, silences, and those lifted.

    Example: lightspeed-sync alerts trail
    """
    from monitor.cli import alerts

    raise typer.Exit(alerts.show_trail(settings(have=stored()), json=json))


@app.command()
def explain(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The alert, as alerts.yaml names it.")],
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help='Then: "2026-11-24 10:00", or 2h for so long ago.')
    ] = None,
    json: Json = False,
) -> None:
    """Tell the whole story of an alert.

    Its numbers, since when it waits or fires, who was told what, and why not more.

    Example: lightspeed-sync alerts explain InventoryDiscrepancy --at "2026-11-24 10:00"
    """
    from monitor.cli import explaining

    raise typer.Exit(explaining.show(settings(have=stored()), name, at, json=json))


@app.command("test")
def try_channel(
    channel: Annotated[str, typer.Argument(metavar="CHANNEL", help="As alerts.yaml names it under `channels`.")],
    json: Json = False,
) -> None:
    """Send a test through a channel.

    Shows the proof that it arrived, or the reason why it did not.

    Example: lightspeed-sync alerts test slack
    """
    from monitor.cli import rehearsing

    raise typer.Exit(rehearsing.test(settings(have=stored()), channel, json=json))


@app.command()
def drill(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The alert, as alerts.yaml names it.")],
    json: Json = False,
) -> None:
    """Pretend that an alert fires and ends.

    All whom it would reach get both messages, marked as a drill; nothing real is begun or ended.

    Example: lightspeed-sync alerts drill OversellRisk
    """
    from monitor.cli import rehearsing

    raise typer.Exit(rehearsing.drill(settings(have=stored()), name, json=json))


@app.command("export-prometheus")
def export_prometheus() -> None:
    """Print the alerts as Prometheus rules.

    They are over our metrics; what Prometheus cannot say is a comment in them.

    Example: lightspeed-sync alerts export-prometheus > rules.yml
    """
    from monitor.export import prometheus_rules

    _, content = settings_and_alerts(have=stored())
    typer.echo(prometheus_rules(content), nl=False)


@app.command()
def backtest(
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE", help="Another alerts file: tell how it would differ.")
    ] = None,
    days: Annotated[int, typer.Option("--days", min=1, max=45, help="How far back; 45 days are kept.")] = 14,
    json: Json = False,
) -> None:
    """Replay the recorded past through the rules.

    How often each alert would have fired, for how long, and how many messages a week.

    Example: lightspeed-sync alerts backtest --file alerts.new.yaml --days 30
    """
    from monitor.cli import backtesting

    raise typer.Exit(backtesting.show(settings(have=stored()), file, days, json=json))


@app.command("unit-test")
def unit_test(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file of tests, like alerts.test.yaml.")],
    json: Json = False,
) -> None:
    """Run unit tests of alert rules.

    Each gives series of signals, and says which alerts are to fire when.

    Example: lightspeed-sync alerts unit-test alerts.test.yaml
    """
    from monitor.cli import rule_testing

    raise typer.Exit(rule_testing.run(file, json=json))
