"""Mistakes in alerts.yaml that only show when its parts are seen together, and what is only doubtful."""

from monitor.alerts_lint.meaning import check_meanings
from monitor.alerts_lint.names import check_names
from monitor.alerts_lint.parts import Parts
from monitor.alerts_lint.ways import check_ways
from monitor.yaml_page import Page

__all__ = ["Parts", "check"]


def check(parts: Parts, page: Page) -> None:
    """Report every mistake between the parts of a file."""
    check_names(parts, page)
    check_meanings(parts, page)
    check_ways(parts, page)
