"""How a command reaches the running daemon: through the unix socket in the state directory."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, TypeAdapter

from monitor.asked import Acknowledged, FileStand, Rehearsed
from monitor.door import SOCKET, short_name
from monitor.hiding import Silence
from sync.errors import Code, OutcomeUnknown, Permanent, Refused, SyncError, Transient
from sync.records import Pause

if TYPE_CHECKING:
    import httpx

_BASE = "http://lightspeed-sync"
SILENCE = TypeAdapter(Silence)
"""How a silence is written in an answer."""
BEFORE = TypeAdapter(Mapping[str, Acknowledged])
"""How those are that somebody had acknowledged before."""
REHEARSED = TypeAdapter(Rehearsed)
"""How the outcome of a test or a drill is."""
FILE_STAND = TypeAdapter(FileStand)
"""How it is told how alerts.yaml stands."""
KINDS = {kind.__name__: kind for kind in (Transient, Permanent, OutcomeUnknown, Refused)}
"""The kinds of errors that an answer may be, by their names in it."""


def told_before(pause: Pause | None) -> dict[str, str] | None:
    """Return a pause that was in force already as JSON can hold it."""
    return {"reason": pause.reason, "since": pause.since.isoformat()} if pause else None


def told_error(error: SyncError) -> dict[str, str]:
    """Return an error as an answer holds it."""
    kind = next(name for name, kind in KINDS.items() if isinstance(error, kind))
    return {"kind": kind, "code": error.code.name, "detail": error.detail}


async def ask(state_dir: Path, action: str, order: BaseModel, *, within: float | None = None) -> Any:
    """Ask the running daemon and return its answer's JSON; None where no daemon runs.

    Raises the `SyncError` that the daemon answered with, and a transient one where it stopped first, or took more than
    `within` seconds.
    """
    async with _answered(state_dir, action, order, within) as answer:
        if answer is None:
            return None
        try:
            body = json.loads(await answer.aread())
        except _transport_errors() as error:
            raise _stopped() from error
        if answer.status_code == HTTPStatus.CONFLICT:
            raise _raised(body)
        return body


async def ask_on(state_dir: Path, action: str, order: BaseModel, told: Callable[[Any], None]) -> Any:
    """Ask the running daemon for something that takes a while, and return its reply's JSON; None where no daemon runs.

    `told` takes what it says of its progress meanwhile. Raises as `ask` does.
    """
    async with _answered(state_dir, action, order, None) as answer:
        if answer is None:
            return None
        try:
            if answer.status_code == HTTPStatus.CONFLICT:
                raise _raised(json.loads(await answer.aread()))
            async for line in answer.aiter_lines():
                ((kind, body),) = json.loads(line).items()
                if kind == "reply":
                    return body
                if kind == "error":
                    raise _raised(body)
                told(body)
        except _transport_errors() as error:
            raise _stopped() from error
    raise _stopped()


@asynccontextmanager
async def _answered(
    state_dir: Path, action: str, order: BaseModel, within: float | None
) -> AsyncIterator[httpx.Response | None]:
    """Send an order; yields the answer, which is still to be read, or None where no daemon runs."""
    if not (state_dir / SOCKET).exists():
        yield None
        return
    import httpx  # noqa: PLC0415 - most commands find no daemon to ask, or ask nothing

    with short_name(state_dir) as directory:
        transport = httpx.AsyncHTTPTransport(uds=f"{directory}/{SOCKET}", verify=False)
        async with httpx.AsyncClient(transport=transport, base_url=_BASE, timeout=within) as client:
            request = client.build_request("POST", f"/{action}", content=order.model_dump_json())
            try:
                answer = await client.send(request, stream=True)
            except httpx.ConnectError:
                answer = None
            except httpx.TransportError as error:
                raise _stopped() from error
            try:
                yield answer
            finally:
                if answer is not None:
                    await answer.aclose()


def _transport_errors() -> type[Exception]:
    import httpx  # noqa: PLC0415 - as above

    return httpx.TransportError


def _raised(body: Mapping[str, str]) -> SyncError:
    return KINDS[body["kind"]](Code[body["code"]], body["detail"])


def _stopped() -> Transient:
    return Transient(Code.IN001, "the daemon stopped before it answered")
