"""The commands about SKUs and their help; what they do stands in `skus.py`, `suggestions.py` and `mapping.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from monitor.cli.common import settings, stored, usage

app = typer.Typer(help="See which SKUs could not be linked, and link them.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print data as JSON.")]
Replace = Annotated[bool, typer.Option("--replace", help="End the wrong links of what is linked to another.")]
Confirm = Annotated[bool, typer.Option("--confirm", help="Do it; without this only show what would be done.")]


@app.command()
def mismatches(json: Json = False) -> None:
    """List the SKUs that are sold online and could not be linked, with the reason.

    Example: lightspeed-sync sku mismatches
    """
    from monitor.cli import skus

    raise typer.Exit(skus.mismatches(settings(have=stored()), json=json))


@app.command()
def suggest(
    sku: Annotated[
        list[str] | None, typer.Option("--sku", metavar="SKU", help="Only this Shopify SKU; may be repeated.")
    ] = None,
    at_least: Annotated[
        float, typer.Option("--at-least", min=0.5, max=1.0, help="Score from which on a suggestion is sure.")
    ] = 0.95,
    confirm: Annotated[bool, typer.Option("--confirm", help="Link what is sure; ties are never linked.")] = False,
    json: Json = False,
) -> None:
    """Suggest which Lightspeed items the SKUs that could not be linked may be, with score and reasons.

    Example: lightspeed-sync sku suggest
    """
    from monitor.cli import suggestions

    chosen = settings(have=stored(), shops=confirm)
    raise typer.Exit(suggestions.show(chosen, sku or [], at_least, confirm=confirm, json=json))


@app.command("map")
def map_sku(
    lightspeed: Annotated[str, typer.Argument(metavar="LIGHTSPEED_SKU", help="Or item:ID.")],
    shopify: Annotated[str, typer.Argument(metavar="SHOPIFY_SKU", help="Or variant:ID.")],
    replace: Replace = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be done.")] = False,
    json: Json = False,
) -> None:
    """Link a Lightspeed SKU and a Shopify SKU, whatever they look like.

    Example: lightspeed-sync sku map KAVA-PREM-001 kava-premium-small
    """
    from monitor.cli import mapping

    chosen = settings(have=stored(), shops=not dry_run)
    pair = (lightspeed, shopify)
    raise typer.Exit(mapping.map_one(chosen, pair, replace=replace, dry_run=dry_run, json=json))


@app.command()
def unmap(
    skus: Annotated[list[str], typer.Argument(metavar="SKU...", help="As typed in either shop; all of them or none.")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why, for those who wonder later.")] = "",
    json: Json = False,
) -> None:
    """End wrong links; their two sides are kept apart until `sku map` joins them.

    Example: lightspeed-sync sku unmap KAVA-PREM-001 --reason "another size"
    """
    from monitor.cli import mapping

    raise typer.Exit(mapping.unmap(settings(have=stored(), shops=True), skus, reason, json=json))


@app.command("export")
def export_mapping(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="Left out: to the terminal.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="As CSV; so is a FILE that ends in .csv.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace FILE if it is there.")] = False,
) -> None:
    """Write the SKU mapping as it stands, as JSON or CSV.

    Example: lightspeed-sync sku export sku-mapping.json
    """
    from monitor.cli import mapping

    is_csv = as_csv or (file is not None and file.suffix.lower() == ".csv")
    raise typer.Exit(mapping.export(settings(have=stored()), file, as_csv=is_csv, overwrite=overwrite))


@app.command("import")
def import_mapping(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="As `sku export` writes it, JSON or CSV.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would change; so it is by itself.")
    ] = False,
    confirm: Confirm = False,
    replace: Replace = False,
    json: Json = False,
) -> None:
    """Link what a mapping file says; first shows what would change.

    Example: lightspeed-sync sku import sku-mapping.json --confirm
    """
    from monitor.cli import mapping

    if dry_run and confirm:
        raise usage("Say --dry-run or --confirm, not both.")
    chosen = settings(have=stored(), shops=confirm)
    raise typer.Exit(mapping.import_file(chosen, file, confirm=confirm, replace=replace, json=json))


@app.command()
def check(json: Json = False) -> None:
    """Look whether both sides of every link still agree in SKU, barcode or title; the daemon does so once a week.

    Example: lightspeed-sync sku check
    """
    from monitor.cli import skus

    raise typer.Exit(skus.check(settings(have=stored()), json=json))


@app.command("create-in-lightspeed")
def create_in_lightspeed(
    skus: Annotated[list[str], typer.Argument(metavar="SKU...", help="Shopify SKUs, or variant:ID.")],
    confirm: Confirm = False,
    json: Json = False,
) -> None:
    """Create items in Lightspeed for SKUs that are sold online only; first shows what would be created.

    Example: lightspeed-sync sku create-in-lightspeed KAVA-NEW-001 --confirm
    """
    from monitor.cli import creating

    raise typer.Exit(creating.create(settings(have=stored(), shops=True), skus, confirm=confirm, json=json))
