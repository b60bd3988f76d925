"""The generated tables of docs/alerts.md, made from the models, the signals and the metrics themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_origin

from pydantic import BaseModel

from monitor.alerts_model import CHANNEL_TYPES, AlertsFile, AnyChannel, model_in, plainly
from monitor.metrics import Build, Metrics
from monitor.signals import SIGNALS, Signal


def alerts_table() -> str:
    """Return a Markdown table with one row for each key of alerts.yaml, ending in a line break."""
    rows = [f"| `{key}` | {default} | {text} |" for key, default, text in keys()]
    return "\n".join(["| key | default | meaning |", "|---|---|---|", *rows]) + "\n"


def signals_table() -> str:
    """Return a Markdown table with one row for each signal, ending in a line break."""
    rows = [
        f"| `{name}` | {_measured(signal)} | {signal.title} | {signal.source} |" for name, signal in SIGNALS.items()
    ]
    return "\n".join(["| signal | measured as | what it is | where it comes from |", "|---|---|---|---|", *rows]) + "\n"


def _measured(signal: Signal) -> str:
    return f"{signal.unit.value}, over a window" if signal.windowed else signal.unit.value


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
        default = getattr(defaults, name) if defaults is not None else field.get_default(call_default_factory=True)
        inner = model_in(field.annotation)
        if key == "channels":
            yield from _channel_keys()
        elif isinstance(default, BaseModel):
            yield from _keys_of(type(default), f"{key}.", default)
        elif inner is not None:
            yield from _keys_of(inner, f"{key}{_BEHIND.get(get_origin(field.annotation), '.')}", None)
        else:
            yield key, _default(default, required=field.is_required()), field.description or ""


_BEHIND: Mapping[Any, str] = {tuple: "[].", Mapping: ".NAME."}
"""What stands in a path behind a list, and behind a group whose keys are names."""


def _channel_keys() -> Iterator[tuple[str, str, str]]:
    """Yield what every channel may say, then what only those of one type may, or say by another default."""
    usual = AnyChannel()
    yield from _keys_of(AnyChannel, "channels.NAME.", usual)
    for kind, model in CHANNEL_TYPES.items():
        for key, default, meaning in _keys_of(model, f"channels.{kind}.", None):
            name = key.removeprefix(f"channels.{kind}.")
            same = name in AnyChannel.model_fields and default == _default(getattr(usual, name), required=False)
            if name != "type" and not same:
                yield key, default, meaning


def _default(value: Any, *, required: bool) -> str:
    if required:
        return "needed"
    return "" if value in (None, "", (), {}) else f"`{plainly(value)}`"
