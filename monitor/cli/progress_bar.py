"""Shows on a terminal how far a pass has come; elsewhere nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from monitor.cli.common import err
from monitor.progress import Moved, Progress
from monitor.units import counted, written_duration

_BAR = 24  # columns
_NAMES = {"lightspeed": "Lightspeed", "shopify": "Shopify"}


@contextmanager
def shown(what: str, console: Console = err) -> Iterator[Callable[[Progress], None]]:
    """Show `what` is done and how far it has come while the block runs; yields what takes the newest progress."""
    if not console.is_terminal:
        yield lambda _: None
        return
    spinner = Spinner("dots", Text(f"{what} …"))
    with Live(spinner, console=console, transient=True, refresh_per_second=8) as live:
        yield lambda progress: live.update(_drawn(spinner, progress))


def _drawn(spinner: Spinner, progress: Progress) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    for moved in progress.steps:
        table.add_row(Text(moved.step.value), _bar(moved), Text(rows_of(moved)))
    return Group(spinner, table, Text(spent(progress)))


def _bar(moved: Moved) -> RenderableType:
    if moved.of is None and not moved.done:
        return Text("")
    return ProgressBar(total=moved.of, completed=moved.done, width=_BAR, pulse=moved.of is None)


def rows_of(moved: Moved) -> str:
    """Return how many rows of a step are done, in words."""
    if moved.of is not None:
        return f"{moved.done} of {moved.of}"
    return str(moved.done) if moved.done else ""


def spent(progress: Progress) -> str:
    """Return the calls made, the quota used and the time left, in words."""
    told = []
    for api, calls in sorted(progress.calls.items()):
        quota = f", {progress.quota[api]:.0%} of its quota" if api in progress.quota else ""
        told.append(f"{_NAMES.get(api, api)}: {counted(calls, 'call')}{quota}")
    if progress.seconds_left is not None:
        told.append(f"about {written_duration(timedelta(seconds=max(1.0, progress.seconds_left)))} left")
    return "; ".join(told)
