"""The SKU mapping as a file: the runbook's JSON, or CSV for spreadsheets; pure.

    {"sku_mappings": {"LIGHTSPEED": "shopify"}, "unmapped_lightspeed": [...], "unmapped_shopify": [...]}

A SKU that is blank, or stands on several, is written as `item:ID` or `variant:ID`.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from monitor.spreadsheet import guarded, plain
from sync.errors import Code, Permanent
from sync.likeness import sku_key
from sync.mapping import first, id_name
from sync.matching import LINKABLE
from sync.records import SkuKey

LARGEST = 32 * 1024 * 1024
"""Bytes that a file may have."""

_MAPPINGS, _THERE, _HERE = "sku_mappings", "unmapped_lightspeed", "unmapped_shopify"
_COLUMNS = ("lightspeed_sku", "shopify_sku", "state", "lightspeed_title", "shopify_title")


@dataclass(frozen=True, slots=True)
class MappingFile:
    """What a mapping file says: pairs of a Lightspeed and a Shopify SKU, and what has no other side."""

    pairs: tuple[tuple[str, str], ...] = ()
    unmapped_lightspeed: tuple[str, ...] = ()
    unmapped_shopify: tuple[str, ...] = ()


def parse(text: str) -> MappingFile:
    """Return what a file says, JSON or CSV by its first sign; raises Permanent (SK010) with the place of a mistake."""
    text = text.removeprefix("\ufeff")
    return _parse_json(text) if text.lstrip()[:1] in {"{", "["} else _parse_csv(text)


def mapping_of(items: Sequence[SkuKey], variants: Sequence[SkuKey]) -> MappingFile:
    """Return the mapping as it stands: all confirmed links, and what is linked to nothing."""
    there, here = _names(items), _names(variants)
    linked = {variant.linked_to: variant for variant in variants if variant.linked_to}
    pairs = [(there[item.id], here[linked[item.id].id]) for item in items if item.id in linked]
    return MappingFile(
        tuple(sorted(pairs)),
        tuple(sorted(there[each.id] for each in items if each.id not in linked and each.item_type in LINKABLE)),
        tuple(sorted(here[each.id] for each in variants if not each.linked_to)),
    )


def to_json(mapping: MappingFile) -> str:
    """Return the runbook's JSON."""
    content = {
        _MAPPINGS: dict(mapping.pairs),
        _THERE: list(mapping.unmapped_lightspeed),
        _HERE: list(mapping.unmapped_shopify),
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def to_csv(mapping: MappingFile, titles: dict[str, str]) -> str:
    """Return a table for spreadsheets; `titles` by the names that the mapping uses, those of either shop."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    rows = [
        *((one, other, "linked") for one, other in mapping.pairs),
        *((one, "", _THERE) for one in mapping.unmapped_lightspeed),
        *(("", other, _HERE) for other in mapping.unmapped_shopify),
    ]
    for one, other, state in rows:
        cells = (one, other, state, titles.get(f"i {one}", ""), titles.get(f"v {other}", ""))
        writer.writerow([guarded(cell) for cell in cells])
    return file.getvalue()


def titles_of(items: Sequence[SkuKey], variants: Sequence[SkuKey]) -> dict[str, str]:
    """Return the titles for `to_csv`."""
    there, here = _names(items), _names(variants)
    return {f"i {there[each.id]}": each.title for each in items} | {
        f"v {here[each.id]}": each.title for each in variants
    }


def _names(things: Sequence[SkuKey]) -> dict[str, str]:
    """Return how the file calls each thing: by its SKU where that is its alone."""
    count = Counter(key for each in things for key in {sku_key(sku) for sku in each.skus})
    return {each.id: first(each) if _alone(each, count) else id_name(each) for each in things}


def _alone(thing: SkuKey, count: Counter[str]) -> bool:
    sku = first(thing)
    return bool(sku) and count[sku_key(sku)] == 1 and not sku.startswith(("item:", "variant:"))


# --- reading ---


def _parse_json(text: str) -> MappingFile:
    try:
        content = json.loads(text, object_pairs_hook=_without_repeats)
    except json.JSONDecodeError as error:
        raise _mistake(f"line {error.lineno}, column {error.colno}: {error.msg}") from None
    except (ValueError, RecursionError) as error:
        raise _mistake(str(error)) from None
    if not isinstance(content, dict) or _MAPPINGS not in content:
        raise _mistake(f"it has no {_MAPPINGS}")
    if strange := sorted(set(content) - {_MAPPINGS, _THERE, _HERE}):
        raise _mistake(f"it has {', '.join(strange)}, which means nothing here")
    mappings = content[_MAPPINGS]
    if not isinstance(mappings, dict):
        raise _mistake(f"{_MAPPINGS} is no object")
    for one, other in mappings.items():
        if not isinstance(other, str) or not one.strip() or not other.strip():
            raise _mistake(f"{_MAPPINGS}, {one!r}: both SKUs must be texts that are not blank")
    return MappingFile(
        tuple((one.strip(), other.strip()) for one, other in mappings.items()),
        _texts(content, _THERE),
        _texts(content, _HERE),
    )


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    repeated = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
    if repeated:
        raise ValueError(f"{repeated[0]!r} stands there twice")
    return dict(pairs)


def _texts(content: dict[str, Any], name: str) -> tuple[str, ...]:
    found = content.get(name, [])
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise _mistake(f"{name} is no list of texts")
    return tuple(found)


def _parse_csv(text: str) -> MappingFile:
    lines = io.StringIO(text, newline="")
    first_line = text.partition("\n")[0]
    reader = csv.DictReader(lines, delimiter=";" if first_line.count(";") > first_line.count(",") else ",")
    names = {name.strip().lower(): name for name in reader.fieldnames or ()}
    if missing := [name for name in _COLUMNS[:2] if name not in names]:
        raise _mistake(f"line 1: there is no column {' nor '.join(missing)}")
    pairs, there, here = [], [], []
    for row in _rows(reader):
        if None in row:
            raise _mistake(f"line {reader.line_num}: more cells than columns")
        one, other = (plain((row[names[name]] or "").strip()).strip() for name in _COLUMNS[:2])
        if one and other:
            pairs.append((one, other))
        elif one:
            there.append(one)
        elif other:
            here.append(other)
    return MappingFile(tuple(pairs), tuple(there), tuple(here))


def _rows(reader: csv.DictReader[str]) -> Iterator[dict[str, str]]:
    try:
        yield from reader
    except csv.Error as error:
        raise _mistake(f"line {reader.line_num}: {error}") from None


def _mistake(detail: str) -> Permanent:
    return Permanent(Code.SK010, f"({detail})")
