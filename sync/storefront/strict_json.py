"""JSON as strangers may send it: one object, in UTF-8, and nothing that two readers could understand differently."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

DEEPEST = 16
"""How far objects and arrays may be nested; existing theme scripts nest three deep."""
LONGEST_NUMBER = 32
"""Characters of one number: Shopify's largest id has 20 digits."""

# It matches at every quote, at one that nothing closes up to the end: each character is read once.
_TEXT = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_NOT_BRACKETS = re.compile(r"[^\[\]{}]++")
_ONE_KIND = str.maketrans("[]", "{}")


class NotStrict(ValueError):
    """A body that is no object in strict JSON."""


def parse(body: bytes) -> dict[str, Any]:
    """Return a body's object.

    Raises NotStrict for anything else: not UTF-8, NaN and infinities, a name twice in one object, nesting beyond
    `DEEPEST`, numbers beyond `LONGEST_NUMBER`.
    """
    try:
        text = body.decode("utf-8")
        if _nests_deeper(text, DEEPEST):
            raise NotStrict("it is nested too deeply")
        found = _decoder.decode(text)
    except (ValueError, RecursionError) as error:
        raise NotStrict("it is not strict JSON") from error
    if type(found) is not dict:
        raise NotStrict("it is not an object")
    return found


def _nests_deeper(text: str, most: int) -> bool:
    """Tell whether brackets are nested deeper than `most`, or left open."""
    if text.count("{") + text.count("[") <= most:
        return False
    brackets = _NOT_BRACKETS.sub("", _TEXT.sub("", text)).translate(_ONE_KIND)
    for _ in range(most):
        brackets = brackets.replace("{}", "")  # takes the innermost level away
    return bool(brackets)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotStrict("a name stands twice")
    return found


def _integer(text: str) -> int:
    if len(text) > LONGEST_NUMBER:
        raise NotStrict("a number is too long")
    return int(text)


def _fraction(text: str) -> float:
    if len(text) > LONGEST_NUMBER or not math.isfinite(number := float(text)):
        raise NotStrict("a number is too long or too large")
    return number


def _no_constant(name: str) -> NoReturn:
    raise NotStrict(f"{name} is not JSON")


_decoder = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_fraction, parse_constant=_no_constant
)
