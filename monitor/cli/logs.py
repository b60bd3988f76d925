"""How log lines look: people's on a terminal, JSON elsewhere; secrets never."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

import structlog
from pydantic import SecretStr

from sync.config_values import DatabaseAddress, LogFormat, LogLevel, MailServer
from sync.settings import Settings

_STARS = "***"
_SECRET = re.compile(
    r"""(shp(?:at|ss|ca|pa|ua)_|xox[abp]-|Bearer\s+|Basic\s+|hooks\.slack\.com/services/
        |(?:access_token|refresh_token|client_secret|code_verifier|password|signature|hmac)["']?\s*[=:]\s*["']?
        |://[^\s/:@"']*:(?=[^\s/@"']+@)
        |\beyJ(?=[\w-]{8,}\.[\w-]{8,}))[^\s"'&@,]+""",
    re.IGNORECASE | re.VERBOSE,
)
"""What looks like a secret: vendors' prefixes, named values, passwords in addresses, and signed tokens."""

_NAMES = frozenset(("access_token", "refresh_token", "client_secret", "authorization", "password", "token", "secret"))
_SHORTEST = 6  # characters of a known secret; replacing shorter ones would riddle every line
_QUIET = ("httpx", "httpcore", "apscheduler", "uvicorn", "aiohttp", "asyncio", "slack_sdk", "aiosmtpd", "mail.log")


def configure(settings: Settings, *, quiet: bool = False) -> None:
    """Set logging up; lines go to standard error, the libraries' own ones too.

    `quiet` is for commands, which say themselves what went wrong: only errors are logged, unless LOG_LEVEL is debug.
    """
    people = settings.log_format is LogFormat.CONSOLE or (settings.log_format is None and sys.stderr.isatty())
    level = logging.getLevelNamesMapping()[settings.log_level.value.upper()]
    if quiet and settings.log_level is not LogLevel.DEBUG:
        level = logging.ERROR
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        if people
        else structlog.processors.JSONRenderer(ensure_ascii=True)
    )
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Any] = [_without_empty, structlog.processors.format_exc_info, Redaction(secrets_of(settings)), renderer]
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    _adopt_libraries(shared, last)


def _adopt_libraries(shared: Sequence[Any], last: Sequence[Any]) -> None:
    """Let what libraries log pass through the same processors, from WARNING on."""
    handler = logging.StreamHandler(sys.stderr)
    named = [structlog.stdlib.add_logger_name, *shared]
    finished = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last]
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=named, processors=finished))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def secrets_of(settings: Settings) -> frozenset[str]:
    """Return every secret that the settings hold."""
    values = (getattr(settings, field) for field in Settings.model_fields)
    found = (
        value.get_secret_value() if isinstance(value, SecretStr) else value.password
        for value in values
        if isinstance(value, SecretStr | MailServer | DatabaseAddress)
    )
    return frozenset(secret for secret in found if len(secret) >= _SHORTEST)


class Redaction:
    """Puts stars in place of the settings' secrets, and of what looks like one, however deep it lies in an event."""

    def __init__(self, secrets: frozenset[str]) -> None:
        self._known = re.compile("|".join(map(re.escape, sorted(secrets, key=len, reverse=True))) or r"(?!)")

    def __call__(self, _logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Return the event as anybody may read it."""
        return {name: self._clean(value, name) for name, value in event.items()}

    def _clean(self, value: Any, name: object = "") -> Any:
        if value is not None and str(name).lower() in _NAMES:
            return _STARS
        match value:
            case str():
                return _SECRET.sub(rf"\1{_STARS}", self._known.sub(_STARS, value))
            case Mapping():
                return {key: self._clean(each, key) for key, each in value.items()}
            case list() | tuple() | set() | frozenset():
                return [self._clean(each) for each in value]
            case bool() | int() | float() | None:
                return value
            case _:
                return self._clean(str(value))


def _without_empty(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {name: value for name, value in event.items() if value is not None}
