"""The report for other programs: JSON with everything, CSV with a line for each finding; written one at a time."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from typing import IO, Any

import msgspec

from monitor.spreadsheet import guarded
from sync.findings import Finding, Summary

REPORT_VERSION = 1

COLUMNS = (
    *("class", "sku", "title", "lightspeed", "shopify", "difference", "sentence", "remedy"),
    *("item_id", "variant_id", "product_id", "also"),
)

_CONTROLS = re.compile("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f\\x85\u2028\u2029\ufffe\uffff]|[\ud800-\udfff]")


def write_json(file: IO[str], summary: Summary, findings: Iterator[Finding], store: str) -> None:
    """Write the summary and every finding."""
    head: dict[str, Any] = {"version": REPORT_VERSION, "store": store, "findings_count": summary.found}
    head |= msgspec.to_builtins(summary, str_keys=True)
    head["proves_equality"] = summary.proves_equality
    file.write(json.dumps(head, indent=1).removesuffix("\n}") + ',\n "findings": [')
    for place, finding in enumerate(findings):
        file.write(("," if place else "") + "\n  " + json.dumps(plain(finding)))
    file.write("\n ]\n}\n")


def plain(finding: Finding) -> Mapping[str, Any]:
    """Return a finding as JSON has it; `class` is its class."""
    values: dict[str, Any] = msgspec.to_builtins(finding)
    kind, title = values.pop("kind"), values.pop("subject")
    return {"class": kind, "sku": values.pop("sku"), "title": title, **values}


def write_csv(file: IO[str], findings: Iterator[Finding]) -> None:
    """Write a line for each finding, as spreadsheets read it: with a mark of its encoding, and without formulas."""
    file.write("\N{ZERO WIDTH NO-BREAK SPACE}")
    writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for finding in findings:
        values = {**plain(finding), "also": " ".join(finding.also)}
        writer.writerow([_cell(values[name]) for name in COLUMNS])


def _cell(value: object) -> str | int:
    return value if isinstance(value, int) else guarded(_CONTROLS.sub(" ", "" if value is None else str(value)))
