"""The commands about differences that wait for a person, and their help; what they do stands in `conflicts.py`."""

from __future__ import annotations

from typing import Annotated

import typer

from monitor.cli.common import settings, stored, usage

app = typer.Typer(help="Decide on differences that nothing explains.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print data as JSON.")]
Skus = Annotated[
    list[str] | None, typer.Argument(metavar="[SKU]...", help="As typed in either shop; all of them or none.")
]
Causes = Annotated[
    list[str] | None,
    typer.Option(
        "--class",
        metavar="CLASS",
        help="Of this proposed class, like manual-edit; may be repeated. Shows, with --confirm HASH does.",
    ),
]
AtMost = Annotated[int | None, typer.Option("--at-most", min=1, metavar="UNITS", help="Of no more units than this.")]
Words = Annotated[
    str | None, typer.Option("--words", metavar="WORDS", help="With these words in title or SKU; a comma means or.")
]
Everything = Annotated[bool, typer.Option("--all", help="All that wait for a person.")]
Confirm = Annotated[
    str | None,
    typer.Option(
        "--confirm",
        metavar="HASH",
        help="Decide on what was shown, by the hash that stands below it; filters alone only show it.",
    ),
]


@app.command("list")
def list_conflicts(
    causes: Causes = None,
    at_most: AtMost = None,
    words: Words = None,
    brief: Annotated[bool, typer.Option("--brief", help="One line each, without the evidence.")] = False,
    json: Json = False,
) -> None:
    """Show the differences that wait for a person, with what is on record about each, and those that were kept.

    Example: lightspeed-sync conflicts list --class manual-edit
    """
    from monitor.cli import conflicts

    chosen = conflicts.Filter.of(causes or (), at_most, words)
    raise typer.Exit(conflicts.show(settings(have=stored()), chosen, brief=brief, json=json))


@app.command()
def approve(  # noqa: PLR0917 - one parameter an option
    skus: Skus = None,
    causes: Causes = None,
    at_most: AtMost = None,
    words: Words = None,
    everything: Everything = False,
    confirm: Confirm = None,
    json: Json = False,
) -> None:
    """Take Lightspeed's number; a difference that was kept is kept no more.

    Example: lightspeed-sync conflicts approve KAVA-PREM-001
    """
    _decide("approved", skus, causes, at_most, words, everything=everything, confirm=confirm, json=json)


@app.command()
def dismiss(  # noqa: PLR0917 - one parameter an option
    skus: Skus = None,
    causes: Causes = None,
    at_most: AtMost = None,
    words: Words = None,
    everything: Everything = False,
    confirm: Confirm = None,
    json: Json = False,
) -> None:
    """Let Shopify's number stand; the difference is kept, and shown, until it is approved.

    Example: lightspeed-sync conflicts dismiss KAVA-PREM-001
    """
    _decide("dismissed", skus, causes, at_most, words, everything=everything, confirm=confirm, json=json)


def _decide(
    decision: str,
    skus: list[str] | None,
    causes: list[str] | None,
    at_most: int | None,
    words: str | None,
    *,
    everything: bool,
    confirm: str | None,
    json: bool,
) -> None:
    from monitor.cli import conflicts
    from sync.records import ConflictDecision

    filtered = bool(causes or at_most is not None or words or everything)
    if bool(skus) == filtered:
        raise usage("Name the SKUs, or say which are meant: --class, --at-most, --words, or --all.")
    chosen, word = settings(have=stored()), ConflictDecision(decision)
    if skus:
        raise typer.Exit(conflicts.decide(chosen, skus, word, json=json))
    wanted = conflicts.Filter.of(causes or (), at_most, words)
    raise typer.Exit(conflicts.decide_many(chosen, wanted, word, confirm=confirm, json=json))
