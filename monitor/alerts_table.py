"""The generated tables of docs/alerts.md, made from the models, the signals and the metrics themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from monitor.alerts_model import Alert, AlertsFile, Route, plainly
from monitor.metrics import Build, Metrics
from monitor.signals import SIGNALS

_LISTS: dict[str, type[BaseModel]] = {"alerts": Alert, "routes": Route}


def alerts_table() -> str:
    """Return a Markdown table with one row for each key of alerts.yaml, ending in a line break."""
    rows = [f"| `{key}` | {default} | {text} |" for key, default, text in keys()]
    return "\n".join(["| key | default | meaning |", "|---|---|---|", *rows]) + "\n"


def signals_table() -> str:
    """Return a Markdown table with one row for each signal, ending in a line break."""
    rows = [f"| `{name}` | {signal.unit.value} | {signal.title} |" for name, signal in SIGNALS.items()]
    return "\n".join(["| signal | measured as | what it is |", "|---|---|---|", *rows]) + "\n"


def metrics_table() -> str:
    """Return a Markdown table with one row for each metric of ours, ending in a line break."""
    rows = [f"| `{name}` | {kind} | {text} |" for name, kind, text in Metrics(Build("", "")).catalogue()]
    return "\n".join(["| metric | type | what it is |", "|---|---|---|", *rows]) + "\n"


def keys() -> Iterator[tuple[str, str, str]]:
    """Yield path, default and meaning of every key that alerts.yaml knows."""
    yield from _keys_of(AlertsFile, "", AlertsFile())


def _keys_of(model: type[BaseModel], path: str, defaults: BaseModel | None) -> Iterator[tuple[str, str, str]]:
    for name, field in model.model_fields.items():
        key = f"{path}{field.alias or name}"
        default = getattr(defaults, name) if defaults is not None else field.get_default()
        if name in _LISTS:
            yield from _keys_of(_LISTS[name], f"{key}[].", None)
        elif isinstance(default, BaseModel):
            yield from _keys_of(type(default), f"{key}.", default)
        else:
            yield key, _default(default, required=field.is_required()), field.description or ""


def _default(value: Any, *, required: bool) -> str:
    if required:
        return "needed"
    return "" if value in (None, "") else f"`{plainly(value)}`"
