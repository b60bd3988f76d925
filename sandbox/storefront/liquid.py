"""The few words of Liquid that the theme's snippet is written in: `if`, `comment`, output with three filters."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_COMMENT = re.compile(r"\{%-?\s*comment\s*-?%\}.*?\{%-?\s*endcomment\s*-?%\}", re.DOTALL)
_TAG = re.compile(r"\{%-?\s*(?P<tag>.*?)\s*-?%\}|\{\{-?\s*(?P<output>.*?)\s*-?\}\}", re.DOTALL)
_VALUE = re.compile(r"'(?P<text>[^']*)'|settings\.(?P<name>\w+)")


def render(template: str, settings: Mapping[str, Any]) -> str:
    """Return a snippet as the shop's page has it; raises ValueError for anything it is not made for."""
    out: list[str] = []
    shown = [True]
    place = 0
    text = _COMMENT.sub("", template)
    for found in _TAG.finditer(text):
        out += [text[place : found.start()]] if all(shown) else []
        place = found.end()
        if found["output"] is not None:
            out += [_output(found["output"], settings)] if all(shown) else []
        elif found["tag"] == "endif":
            shown.pop()
        elif found["tag"].startswith("if "):
            shown.append(_value(found["tag"].removeprefix("if ").strip(), settings) not in (None, False))
        else:
            raise ValueError(f"the sandbox does not know the Liquid tag {found['tag']!r}")
    if len(shown) != 1:
        raise ValueError("an `if` does not end")
    return "".join([*out, text[place:]])


def _output(expression: str, settings: Mapping[str, Any]) -> str:
    first, *filters = (part.strip() for part in expression.split("|"))
    value = _value(first, settings)
    for each in filters:
        name, _, argument = each.partition(":")
        value = _filtered(value, name.strip(), argument.strip(), settings)
    return "" if value is None else str(value)


def _filtered(value: Any, name: str, argument: str, settings: Mapping[str, Any]) -> Any:
    match name:
        case "json":  # as Shopify does: nothing in it ends a script element
            return json.dumps(value).replace("<", r"\u003c").replace(">", r"\u003e").replace("&", r"\u0026")
        case "default":
            return value if value not in (None, False, "") else _value(argument, settings)
        case "asset_url":
            return f"/assets/{value}"
        case _:
            raise ValueError(f"the sandbox does not know the Liquid filter {name!r}")


def _value(expression: str, settings: Mapping[str, Any]) -> Any:
    found = _VALUE.fullmatch(expression)
    if found is None:
        raise ValueError(f"the sandbox does not understand {expression!r}")
    return found["text"] if found["name"] is None else settings.get(found["name"])
