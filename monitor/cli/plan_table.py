"""Plans and what became of them, as tables that a person can read at 80 columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from rich.console import Console
from rich.table import Table
from rich.text import Text

from monitor.cli.common import READABLE, complain, out, printable, say, say_folded
from monitor.cli.product_lines import told_change, units_taken
from monitor.units import counted, written_duration, written_minute
from sync.errors import Code
from sync.plan import Plan, PlanCost
from sync.products import ChangeKind, ProductChange, ProductOutcome, ProductResult
from sync.reviewing import Left, RowLeft

SHOWN = 40  # rows listed; the file, or --json, has all
_LONGEST_SKU = 30  # of 80 columns; a longer one is folded


def show_plan(made: Plan) -> None:
    """Print what a plan would change, what carrying it out costs, and the brake that it would trip."""
    changes = made.changes
    if changes:
        rows = [(each.sku, each.before, each.after, each.reason) for each in changes[:SHOWN]]
        show_rows(("SKU", "now", "will be", "why"), rows)
    _tell_more(len(changes), "all in the file")
    if made.products:
        _show_products(made.products)
    retired = [each for each in made.products if each.kind is ChangeKind.RETIRE and not each.refusal]
    units = sum(change.after - change.before for change in changes) - sum(units_taken(each) for each in retired)
    zeroed = sum(change.after == 0 for change in changes) + sum(len(each.after["available"]) for each in retired)
    say_folded(
        f"{counted(len(changes), 'change')} ({units:+d} units, {zeroed} to zero), plan {made.hash} of "
        f"{written_minute(made.created_at)}."
    )
    if made.products:
        say_folded(_products_told(made.products))
    if changes or made.products:
        say_folded(f"Carrying it out takes {told_cost(made.cost)}.")
    if made.brake is not None:
        say_folded(f"{made.brake.code.name} {made.brake.code.sentence} {made.brake.detail}")


def _show_products(products: Sequence[ProductChange]) -> None:
    """Print changes of product fields; those that Shopify would refuse with their code."""
    rows = [
        (each.sku, told_change(each), f"{each.refusal}: {each.reason}" if each.refusal else each.reason)
        for each in products[:SHOWN]
    ]
    show_rows(("SKU", "product", "why"), rows)
    _tell_more(len(products), "all in the file")


def _products_told(products: Sequence[ProductChange]) -> str:
    refused = sum(bool(each.refusal) for each in products)
    rest = f", {refused} of which cannot be written as they are" if refused else ""
    return f"{counted(len(products), 'change')} of products{rest}."


def show_products_left(left: Sequence[ProductResult]) -> None:
    """Print the changes of product fields that were not written, each with its reason."""
    if left:
        say(f"Not written, {counted(len(left), 'change')} of products:")
        rows = [(each.change.sku, told_change(each.change), _why_not(each)) for each in left[:SHOWN]]
        show_rows(("SKU", "product", "why"), rows)
        _tell_more(len(left), "all with --json")


def _why_not(result: ProductResult) -> str:
    if result.outcome is ProductOutcome.MOVED and not result.detail:
        return "Shopify's has moved"
    return f"{result.outcome.value}: {result.code} {result.detail}".strip()


def show_left(left: Sequence[RowLeft]) -> None:
    """Print the rows of a plan that were not written, with the reasons; those without a turn only by their number."""
    named = [row for row in left if row.why is not Left.STOPPED]
    if named:
        say(f"Not written, {len(named)} of the plan's rows:")
        rows = [(each.sku, f"{each.before} to {each.after}", _number(each.available), reason(each)) for each in named]
        show_rows(("SKU", "reviewed", "now", "why"), rows[:SHOWN])
        _tell_more(len(named), "all with --json")
    if len(named) < len(left):
        rest = len(left) - len(named)
        say_folded(f"{rest} {'row was' if rest == 1 else 'rows were'} not reached; the same command goes on with them.")


def reason(row: RowLeft) -> str:
    """Return why a row was not written, in words."""
    if row.why is Left.TARGET and row.would_be is not None:
        return f"{row.why.value}: {row.would_be}" if row.would_be != row.available else "it needs no change now"
    if row.why is Left.PARKED and row.detail:
        return f"{row.why.value} ({row.detail}: {Code[row.detail].title})"
    return f"{row.why.value} ({row.detail})" if row.detail else row.why.value


def told_cost(cost: PlanCost) -> str:
    """Return what a plan costs, in words."""
    quota = f"{cost.lightspeed_units:g} units of Lightspeed's quota, {cost.shopify_points} points of Shopify's"
    least = f", at least {written_duration(timedelta(seconds=cost.seconds))}" if cost.seconds >= 1 else ""
    return f"{counted(cost.calls, 'call')} ({quota}){least}"


def show_rows(names: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under their names, no wider than a terminal or 80 columns; the first and the last column fold."""
    table = Table(box=None, pad_edge=False)
    last = len(names) - 1
    for place, name in enumerate(names):
        if place in (0, last) or name == "product":
            table.add_column(Text(printable(name)), overflow="fold", max_width=None if place else _LONGEST_SKU)
        else:
            table.add_column(Text(printable(name)), justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(printable(value)) for value in row))
    Console(file=out.file, highlight=False, width=out.width if out.is_terminal else READABLE).print(table)


def _tell_more(count: int, where: str) -> None:
    if count > SHOWN:
        say(f"… and {count - SHOWN} more, {where}.")


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def warn(code: Code, detail: str) -> None:
    """Tell what went wrong, with its remedy."""
    complain(f"{code.name} {code.sentence} {detail}".rstrip(), code.remedy)
