"""Fills in the sentences of alerts: Jinja in a sandbox, where a name that is not known is a mistake.

`check` tells mistakes when the file is read. What fails only when it is filled in still makes a text, with the error.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import islice
from typing import Any

from jinja2 import StrictUndefined, TemplateSyntaxError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from monitor.units import Unfit, did_you_mean, shown

WORDS = ("value", "limit", "alert", "severity", "labels", "examples", "since")
"""What every sentence may name, besides the signals of its alert."""

_LONGEST = 2_000  # characters of a text filled in
_MOST_PIECES = 1_000  # of which it may be made
_LONGEST_ERROR = 200
_ENVIRONMENT = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)


def check(template: str, names: Collection[str]) -> None:
    """Raise Unfit where a template cannot be read, or names what is not among `names`."""
    try:
        tree = _ENVIRONMENT.parse(template)
        _ENVIRONMENT.compile(template)
    except TemplateSyntaxError as error:
        raise Unfit(f"{shown(template)} cannot be read: {error.message}", "check its braces") from error
    for name in sorted(meta.find_undeclared_variables(tree) - set(names) - set(_ENVIRONMENT.globals)):
        raise Unfit(f"there is no {shown(name)} to be filled in", did_you_mean(name, names))


def fill(template: str, words: Mapping[str, Any]) -> str:
    """Return a text with its words filled in; where that fails, the template as it is, with the error."""
    try:
        return _joined(_ENVIRONMENT.from_string(template).generate(words))
    except Exception as error:  # noqa: BLE001 - whatever a template does, its alert is told
        what = " ".join(str(error).split())[:_LONGEST_ERROR] or type(error).__name__
        return f"{template[:_LONGEST]} (this text could not be filled in: {what})"


def _joined(pieces: Iterable[str]) -> str:
    return "".join(islice(pieces, _MOST_PIECES))[:_LONGEST]
