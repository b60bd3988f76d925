"""The table of all settings for docs/configuration.md, made from the model itself."""

from __future__ import annotations

from typing import get_args

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from sync.config import OWN_SANDBOX, SANDBOX
from sync.settings import Settings

DEFAULTS_IN_WORDS = {
    "SHOPIFY_ADMIN_URL": "`https://` and `SHOPIFY_STORE_DOMAIN`",
    "SHOPIFY_WEBHOOK_SECRET": "`SHOPIFY_PROXY_SHARED_SECRET`: both are the app's client secret",
    "ALLOWED_SHOPIFY_STORES": "`SHOPIFY_STORE_DOMAIN`",
    "DATABASE_URL": "a SQLite file in `STATE_DIR`",
    "LOG_FORMAT": "`console` on a terminal, else `json`",
    "LIGHTSPEED_REFRESH_TOKEN": "needed in production, until a pair is stored",
    "SHOPIFY_ADMIN_API_ACCESS_TOKEN": "needed in production, or a client",
}
"""Defaults that are no constant of the model."""


def settings_table() -> str:
    """Return a Markdown table with one row for each setting, in the model's order, ending in a line break."""
    head = ["| name | default | secret | what it is for |", "|---|---|---|---|"]
    rows = [_row(name.upper(), field) for name, field in Settings.model_fields.items()]
    return "\n".join([*head, *rows]) + "\n"


def sandbox_table() -> str:
    """Return a Markdown table of what the sandbox takes where nothing is set, ending in a line break."""
    values = SANDBOX | {name: value for name, value in OWN_SANDBOX.items() if value}
    return (
        "\n".join(["| name | in the sandbox |", "|---|---|", *(f"| `{n}` | `{v}` |" for n, v in values.items())]) + "\n"
    )


def _row(name: str, field: FieldInfo) -> str:
    secret = "yes" if _is_secret(field) else ""
    return f"| `{name}` | {_default(name, field)} | {secret} | {_purpose(field)} |"


def _default(name: str, field: FieldInfo) -> str:
    if name in DEFAULTS_IN_WORDS:
        return DEFAULTS_IN_WORDS[name]
    if field.is_required():
        return "needed in production"
    return "none" if field.default is None else f"`{field.default}`"


def _is_secret(field: FieldInfo) -> bool:
    marked = isinstance(field.json_schema_extra, dict) and bool(field.json_schema_extra.get("secret"))
    return marked or field.annotation is SecretStr or SecretStr in _parts(field.annotation)


def _parts(annotation: object) -> set[object]:
    """Return every type within an annotation such as `Annotated[SecretStr, …] | None`."""
    inner = get_args(annotation)
    return {annotation}.union(*(_parts(part) for part in inner if isinstance(part, type) or get_args(part)))


def _purpose(field: FieldInfo) -> str:
    return (field.description or "").replace("|", "\\|")
