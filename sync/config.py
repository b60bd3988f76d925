"""Settings from the environment, checked once at the door: all mistakes together, before anything starts.

Every setting may also come as NAME_FILE, a path whose content is the value. In the sandbox nothing has to be set.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from sync.config_values import (
    Environment,
    Listen,
    LogFormat,
    LogLevel,
    MailSecurity,
    MailServer,
    Unfit,
    directory,
    shown,
    store_domain,
)
from sync.errors import Code, Permanent
from sync.settings import Settings

__all__ = [
    "NAMES",
    "ConfigurationError",
    "Environment",
    "Listen",
    "LogFormat",
    "LogLevel",
    "MailSecurity",
    "MailServer",
    "Mistake",
    "Settings",
    "described",
    "doubtful_names",
    "load_part",
    "load_settings",
    "read_text",
]

Part = TypeVar("Part", bound=BaseModel)
ReadFile = Callable[[Path], str]
"""Returns a file's text; raises OSError or UnicodeError."""

NAMES = tuple(field.upper() for field in Settings.model_fields)
"""Every setting's name in the environment, in the order of the documentation."""

OLD_NAMES = {
    "LIGHTSPEED_API_KEY": "LIGHTSPEED_CLIENT_ID, LIGHTSPEED_CLIENT_SECRET and LIGHTSPEED_REFRESH_TOKEN",
    "SHOPIFY_API_KEY": "SHOPIFY_ADMIN_API_ACCESS_TOKEN",
    "SHOPIFY_PASSWORD": "SHOPIFY_ADMIN_API_ACCESS_TOKEN",
    "SHOPIFY_STORE_URL": "SHOPIFY_STORE_DOMAIN",
}
"""Names that the shop's runbook still gives, and what took their place."""

SANDBOX = {
    "LIGHTSPEED_ACCOUNT_ID": "123456",
    "LIGHTSPEED_CLIENT_ID": "sandbox-client",
    "LIGHTSPEED_CLIENT_SECRET": "sandbox-client-secret",
    "LIGHTSPEED_REFRESH_TOKEN": "sandbox-refresh-token",
    "LIGHTSPEED_SHOP_ID": "1",
    "LIGHTSPEED_REGISTER_ID": "1",
    "LIGHTSPEED_EMPLOYEE_ID": "1",
    "LIGHTSPEED_PAYMENT_TYPE_ID": "7",
    "LIGHTSPEED_SHIPPING_ITEM_ID": "900001",
    "LIGHTSPEED_TAX_ITEM_ID": "900002",
    "LIGHTSPEED_OTHER_ITEM_ID": "900003",
    "SHOPIFY_STORE_DOMAIN": "wtfswag.myshopify.com",
    "SHOPIFY_LOCATION_ID": "gid://shopify/Location/1001",
    "SHOPIFY_PROXY_SHARED_SECRET": "sandbox-app-secret",
}
"""What the pretend services accept, where nothing else is set."""

OWN_SANDBOX = {
    "LIGHTSPEED_API_URL": "",
    "LIGHTSPEED_AUTH_URL": "",
    "SHOPIFY_ADMIN_URL": "",
    "SLACK_API_URL": "",
    "SLACK_BOT_TOKEN": "xoxb-sandbox",
    "TWILIO_API_URL": "",
}
"""What is added where the pretend services are ours to start: their addresses are known only then."""

DATABASE = "lightspeed-sync.db"
"""The SQLite file's name within STATE_DIR."""

CREDENTIALS = "lightspeed-sync"
"""What the unit's LoadCredential= calls the directory with a file for each secret."""

_SERVICES = ("LIGHTSPEED_API_URL", "LIGHTSPEED_AUTH_URL", "SHOPIFY_ADMIN_URL")
_TOGETHER = (
    ("SHOPIFY_CLIENT_ID", "SHOPIFY_CLIENT_SECRET"),
    ("SMTP_URL", "MAIL_FROM"),
    ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM"),
)
_DERIVED = ("SHOPIFY_WEBHOOK_SECRET", "ALLOWED_SHOPIFY_STORES", "DATABASE_URL")
_FAMILIES = ("LIGHTSPEED_", "SHOPIFY_")  # names that begin so are most likely meant for us
_SAME_BUT_A_SLIP = 0.9  # how alike a name is to a setting's that can only be a slip of the pen
_ALIKE = 0.8  # how alike a name is that may be meant, or may be another program's
_LONG_ENOUGH = 12  # letters of a name that no other program is likely to have by chance


@dataclass(frozen=True, slots=True)
class Mistake:
    """One setting that is wrong: its name, its code, what is wrong, what would be right."""

    name: str
    code: Code
    problem: str
    remedy: str

    def __str__(self) -> str:
        """Write it as one line."""
        return f"{self.code.name} {self.name}: {self.problem}; {self.remedy}."


class ConfigurationError(Permanent):
    """The settings have `mistakes`, at least one, in the order of the settings."""

    def __init__(self, mistakes: Collection[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__(self.mistakes[0].code, "\n".join(str(mistake) for mistake in self.mistakes))

    def __str__(self) -> str:
        """List all of them, one a line."""
        return self.detail


def read_text(path: Path) -> str:
    """Return the text of a file that a setting names."""
    return path.read_text(encoding="utf-8")


def load_settings(
    environ: Mapping[str, str], read_file: ReadFile = read_text, *, have: Collection[str] = ()
) -> Settings:
    """Return the settings that `environ` gives.

    `have` names settings that the caller holds otherwise, such as a stored LIGHTSPEED_REFRESH_TOKEN.
    Raises `ConfigurationError` with every mistake; no secret's value appears in it.
    """
    given, mistakes = _gather(environ, read_file)
    sandbox = given.get("ENVIRONMENT", "").lower() == Environment.SANDBOX
    environment = Environment.SANDBOX if sandbox else Environment.PRODUCTION
    mistakes += [*_incomplete(given), *_misspelt(environ)]
    mistakes += _without_own_services(given) if sandbox else [*_without_credentials(given, have), *_old_names(environ)]
    completed = {name.lower(): value for name, value in _completed(given, environment).items()}
    settings = None
    try:
        settings = Settings.model_validate(completed, context={"environment": environment})
    except ValidationError as error:
        mistakes += _of_the_model(error.errors(include_url=False, include_input=False), given)
    if settings is None or mistakes:
        raise ConfigurationError(_in_order(mistakes))
    return settings


def load_part(model: type[Part], environ: Mapping[str, str], read_file: ReadFile = read_text) -> Part:
    """Return those settings that `model` names, for a process that needs no more; raises `ConfigurationError`."""
    names = [field.upper() for field in model.model_fields]
    given, mistakes = _gather(environ, read_file, names)
    completed = _completed(given, Environment.PRODUCTION)
    part = None
    try:
        part = model.model_validate(
            {name.lower(): completed[name] for name in names if name in completed},
            context={"environment": Environment.PRODUCTION},
        )
    except ValidationError as error:
        mistakes += _of_the_model(error.errors(include_url=False, include_input=False), given)
    if part is None or mistakes:
        raise ConfigurationError(_in_order(mistakes))
    return part


def doubtful_names(environ: Mapping[str, str]) -> list[Mistake]:
    """Return names that are worth a warning: they may be meant for us, and stop nothing, as they may not be.

    Names in `load_settings`'s own mistakes are not among them.
    """
    refused = {mistake.name for mistake in _misspelt(environ)}
    return [*_old_names(environ), *(each for each in _unknown(environ) if each.name not in refused)]


def _old_names(environ: Mapping[str, str]) -> list[Mistake]:
    """Answer each of the runbook's older names with the new one: mistakes in production, worth a warning elsewhere."""
    return [
        Mistake(name, Code.CF003, "this name is no longer used", f"set {new} and remove {name}")
        for name, new in OLD_NAMES.items()
        if environ.get(name, "").strip() or environ.get(f"{name}_FILE", "").strip()
    ]


def described(settings: Settings) -> dict[str, str]:
    """Return every setting by name, in words that anybody may see."""
    return {field.upper(): _words(getattr(settings, field)) for field in Settings.model_fields}


def _words(value: object) -> str:
    if value is None:
        return "(not set)"
    if isinstance(value, SecretStr):
        return "(set, hidden)"
    if isinstance(value, tuple):
        return ", ".join(value)
    return str(value) or "(the product's own sandbox)"


def _gather(
    environ: Mapping[str, str], read_file: ReadFile, names: Collection[str] = NAMES
) -> tuple[dict[str, str], list[Mistake]]:
    """Return what is set, by name; an empty value counts as not set, since compose files pass such."""
    given: dict[str, str] = {}
    mistakes: list[Mistake] = []
    for name in names:
        value, path = environ.get(name, "").strip(), environ.get(f"{name}_FILE", "").strip()
        if value and path:
            mistakes.append(Mistake(name, Code.CF002, f"{name}_FILE is set too", "set only one of the two"))
        elif path:
            value = _content(f"{name}_FILE", path, read_file, mistakes).strip()
        elif not value:
            value = _credential(name, environ, read_file, mistakes)
        if value:
            given[name] = value
    if "SMTP_CA_FILE" in given:  # the one setting that is a file to read itself
        _content("SMTP_CA_FILE", given["SMTP_CA_FILE"], read_file, mistakes)
    return given, mistakes


def _credential(name: str, environ: Mapping[str, str], read_file: ReadFile, mistakes: list[Mistake]) -> str:
    """Return what systemd has handed over for a setting, "" for nothing; it may stand in the name of a directory."""
    folder = environ.get("CREDENTIALS_DIRECTORY", "").strip()
    if not folder:
        return ""
    for path in (Path(folder, name), Path(folder, f"{CREDENTIALS}_{name}")):
        try:
            read_file(path)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, UnicodeError):
            pass  # told below
        return _content(name, str(path), read_file, mistakes).strip()
    return ""


def _content(name: str, path: str, read_file: ReadFile, mistakes: list[Mistake]) -> str:
    """Return a file's text, or "" and one more mistake."""
    try:
        text = read_file(Path(path))
    except OSError as error:
        why = (error.strerror or "unreadable").lower()
        problem, remedy = f"{shown(path)} cannot be read ({why})", "name a file that this user may read"
    except UnicodeError:
        problem, remedy = f"{shown(path)} is no text", "name a file of text in UTF-8"
    else:
        if text.strip():
            return text
        problem, remedy = f"{shown(path)} is empty", "write the value into it"
    mistakes.append(Mistake(name, Code.CF002, problem, remedy))
    return ""


def _missing(name: str, problem: str = "it is not set") -> Mistake:
    return Mistake(name, Code.CF001, problem, f"set {name}, or {name}_FILE to a file that holds it")


def _incomplete(given: Mapping[str, str]) -> Iterator[Mistake]:
    """Find settings that need each other, or exclude each other."""
    for group in _TOGETHER:
        present = [name for name in group if name in given]
        if present:
            yield from (_missing(name, f"{present[0]} needs it") for name in group if name not in given)
    if "SHOPIFY_CLIENT_ID" in given and "SHOPIFY_ADMIN_API_ACCESS_TOKEN" in given:
        problem = "SHOPIFY_CLIENT_ID is set too, so it cannot be told which one shall sign in"
        yield Mistake("SHOPIFY_ADMIN_API_ACCESS_TOKEN", Code.CF002, problem, "remove one of the two")


def _without_own_services(given: Mapping[str, str]) -> Iterator[Mistake]:
    """Find which of the services' addresses lack, where a sandbox of one's own is given only in part."""
    present = [name for name in _SERVICES if name in given]
    if present:
        yield from (_missing(name, f"{present[0]} needs it in the sandbox") for name in _SERVICES if name not in given)


def _without_credentials(given: Mapping[str, str], have: Collection[str]) -> Iterator[Mistake]:
    """Find credentials that production cannot do without, and that have an alternative."""
    if "LIGHTSPEED_REFRESH_TOKEN" not in {*given, *have}:
        remedy = "set it, or run `lightspeed-sync connect lightspeed`"
        yield Mistake("LIGHTSPEED_REFRESH_TOKEN", Code.CF001, "it is not set", remedy)
    if not {"SHOPIFY_ADMIN_API_ACCESS_TOKEN", "SHOPIFY_CLIENT_ID", "SHOPIFY_CLIENT_SECRET"} & {*given, *have}:
        remedy = "set it, or SHOPIFY_CLIENT_ID and SHOPIFY_CLIENT_SECRET"
        yield Mistake("SHOPIFY_ADMIN_API_ACCESS_TOKEN", Code.CF001, "it is not set", remedy)


def _misspelt(environ: Mapping[str, str]) -> Iterator[Mistake]:
    """Find names that can only be slips of the pen for a setting that is not set."""
    unset = [name for name in NAMES if name not in environ and f"{name}_FILE" not in environ]
    for name in _strange(environ):
        if len(name) >= _LONG_ENOUGH and (meant := _nearest(name, unset, _SAME_BUT_A_SLIP)):
            remedy = f"did you mean {meant}? Else remove {name}"
            yield Mistake(name, Code.CF003, "there is no such setting", remedy)


def _unknown(environ: Mapping[str, str]) -> Iterator[Mistake]:
    """Find names that look as if they were meant for us, and that nothing reads."""
    for name in _strange(environ):
        meant = _nearest(name, NAMES, _ALIKE)
        if meant or name.upper().startswith(_FAMILIES):
            remedy = f"perhaps {meant} is meant" if meant else "docs/configuration.md lists all there are"
            yield Mistake(name, Code.CF003, "there is no such setting, so it has no effect", remedy)


def _strange(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield the names that are no settings of ours, and that hold something."""
    known = {*NAMES, *(f"{name}_FILE" for name in NAMES), *OLD_NAMES, *(f"{name}_FILE" for name in OLD_NAMES)}
    return (name for name, value in environ.items() if name not in known and value.strip())


def _nearest(name: str, names: Collection[str], alike: float) -> str | None:
    """Return which of `names` is meant by one that is alike, with its _FILE where that is meant; None: none is."""
    upper = name.upper()
    ending = "_FILE" if upper.endswith("_FILE") else ""
    found = difflib.get_close_matches(upper.removesuffix("_FILE"), names, n=1, cutoff=alike)
    return found[0] + ending if found else None


def _completed(given: Mapping[str, str], environment: Environment) -> dict[str, str]:
    """Return what is given with the defaults that depend on the environment or on other settings."""
    values: dict[str, str] = {}
    if environment is Environment.SANDBOX:
        values |= SANDBOX if any(name in given for name in _SERVICES) else SANDBOX | OWN_SANDBOX
        if "SHOPIFY_CLIENT_ID" not in given:
            values["SHOPIFY_ADMIN_API_ACCESS_TOKEN"] = "shpat_sandbox"  # noqa: S105 - no secret: our own pretend shop
    values |= given
    if "SHOPIFY_PROXY_SHARED_SECRET" in values:
        values.setdefault("SHOPIFY_WEBHOOK_SECRET", values["SHOPIFY_PROXY_SHARED_SECRET"])
    if "SHOPIFY_STORE_DOMAIN" in values:
        with suppress(Unfit):  # the domain itself is reported then
            domain = store_domain(values["SHOPIFY_STORE_DOMAIN"])
            values = {"ALLOWED_SHOPIFY_STORES": domain, "SHOPIFY_ADMIN_URL": f"https://{domain}"} | values
    with suppress(Unfit):  # STATE_DIR itself is reported then
        values.setdefault("DATABASE_URL", f"sqlite:///{directory(values.get('STATE_DIR', 'state')) / DATABASE}")
    return values


def _of_the_model(errors: Collection[ErrorDetails], given: Mapping[str, str]) -> Iterator[Mistake]:
    """Translate the model's errors; those of values that we derived ourselves only repeat another mistake."""
    for error in errors:
        name = str(error["loc"][0]).upper()
        cause = error.get("ctx", {}).get("error")
        if error["type"] == "missing":
            if name not in _DERIVED:
                yield _missing(name)
        elif name in given:
            fit = cause if isinstance(cause, Unfit) else Unfit("it cannot be understood", error["msg"])
            yield Mistake(name, fit.code, fit.problem, fit.remedy)


def _in_order(mistakes: Collection[Mistake]) -> list[Mistake]:
    """Return each mistake once, in the order of the settings; nothing is missing that was given wrongly."""
    wrong = {mistake.name.removesuffix("_FILE") for mistake in mistakes if mistake.code is not Code.CF001}
    told = [mistake for mistake in mistakes if mistake.code is not Code.CF001 or mistake.name not in wrong]
    order = {name: place for place, name in enumerate(NAMES)}
    return sorted(dict.fromkeys(told), key=lambda mistake: order.get(mistake.name.removesuffix("_FILE"), len(order)))
