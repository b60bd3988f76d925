"""The command line. Each command opens what it needs when it is called, so that starting is quick."""

from __future__ import annotations


def main() -> None:
    """Run `lightspeed-sync`."""
    from monitor.cli.commands import app
    from monitor.cli.common import nothing_unforeseen

    with nothing_unforeseen():
        app()
