"""How log lines look: people's on a terminal, JSON elsewhere; secrets never."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from sync.config_values import LogFormat
from sync.settings import Settings

_SECRET = re.compile(r"(shp(?:at|ss|ca)_|xox[abp]-|Bearer |hooks\.slack\.com/services/)[^\s\"']+", re.IGNORECASE)
_QUIET = ("httpx", "httpcore", "apscheduler", "uvicorn", "aiohttp", "asyncio", "slack_sdk")


def configure(settings: Settings) -> None:
    """Set logging up for the daemon and for commands; lines go to standard error."""
    people = settings.log_format is LogFormat.CONSOLE or (settings.log_format is None and sys.stderr.isatty())
    level = logging.getLevelNamesMapping()[settings.log_level.value.upper()]
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        if people
        else structlog.processors.JSONRenderer(ensure_ascii=True)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _without_empty,
            structlog.processors.format_exc_info,
            _redacted,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s", stream=sys.stderr)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _without_empty(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {name: value for name, value in event.items() if value is not None}


def _redacted(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Put stars in place of what looks like a secret, wherever it came from."""
    return {name: _SECRET.sub(r"\1***", value) if isinstance(value, str) else value for name, value in event.items()}
