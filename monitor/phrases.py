"""Fills in the sentences of alerts: the simplest of Jinja, where a name that is not known is a mistake.

A sentence names what is to be filled in, passes it through a filter, or asks `if`: nothing that can take long.
`check` tells mistakes when the file is read. What fails only when it is filled in still makes a text, with the error.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import islice
from typing import Any, Final

from jinja2 import StrictUndefined, TemplateSyntaxError, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from monitor.units import Unfit, did_you_mean, encodable, shown

WORDS = ("value", "limit", "alert", "severity", "labels", "examples", "since")
"""What every sentence may name, besides the signals of its alert."""

_LONGEST = 2_000  # characters of a text filled in
_MOST_PIECES = 1_000  # of which it may be made
_LONGEST_ERROR = 200
_DEEPEST = 50  # nodes below one another; compiling takes the square of that
_FILTERS: Final = ("capitalize", "default", "float", "int", "length", "lower", "title", "trim", "upper")
"""What no value makes slow, and no chain of makes long."""

_FORMS: tuple[type[nodes.Node], ...] = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Filter,
    nodes.If,
    nodes.CondExpr,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
)
_ALLOWED = f"allowed are {{{{ name }}}}, {{{{ labels.name }}}}, {{% if %}} and the filters {', '.join(_FILTERS)}"
_ENVIRONMENT = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
_ENVIRONMENT.globals.clear()


def check(template: str, names: Collection[str]) -> None:
    """Raise Unfit where a template cannot be read, does more than fill in, or names what is not among `names`."""
    tree = _parsed(template)
    for name in sorted(meta.find_undeclared_variables(tree) - set(names)):
        raise Unfit(f"there is no {shown(name)} to be filled in", did_you_mean(name, names))
    try:
        _ENVIRONMENT.from_string(tree)
    except (RecursionError, SyntaxError) as error:
        raise Unfit(f"{shown(template)} is nested too deeply", _ALLOWED) from error


def fill(template: str, words: Mapping[str, Any]) -> str:
    """Return a text with its words filled in; where that fails, the template as it is, with the error."""
    try:
        return _joined(_ENVIRONMENT.from_string(_parsed(template)).generate(words))
    except Exception as error:  # noqa: BLE001 - whatever a template does, its alert is told
        what = " ".join(str(error).split())[:_LONGEST_ERROR] or type(error).__name__
        return encodable(f"{template[:_LONGEST]} (this text could not be filled in: {what})")


def _parsed(template: str) -> nodes.Template:
    """Return the tree of a template that is only read, not compiled: compiling would work out what it says."""
    try:
        tree = _ENVIRONMENT.parse(template)
    except TemplateSyntaxError as error:
        raise Unfit(f"{shown(template)} cannot be read: {error.message}", "check its braces") from error
    except (RecursionError, ValueError) as error:
        raise Unfit(f"{shown(template)} cannot be read", _ALLOWED) from error
    for node in (tree, *tree.find_all(nodes.Node)):
        if not isinstance(node, _FORMS):
            raise Unfit(f"{type(node).__name__.lower()} is not taken in {shown(template)}", _ALLOWED)
        if isinstance(node, nodes.Filter) and node.name not in _FILTERS:
            raise Unfit(f"the filter {shown(node.name)} is not taken in {shown(template)}", _ALLOWED)
    if _deeper_than(_DEEPEST, tree):
        raise Unfit(f"{shown(template)} is nested too deeply", _ALLOWED)
    return tree


def _deeper_than(most: int, tree: nodes.Node) -> bool:
    level = [tree]
    for _ in range(most):
        level = [child for node in level for child in node.iter_child_nodes()]
    return bool(level)


def _joined(pieces: Iterable[str]) -> str:
    return encodable("".join(islice(pieces, _MOST_PIECES))[:_LONGEST])
