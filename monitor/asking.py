"""How a command reaches the running daemon: through the unix socket in the state directory."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter

from monitor.asked import Acknowledged, FileStand, Rehearsed
from monitor.door import SOCKET, short_name
from monitor.hiding import Silence
from sync.errors import Code, OutcomeUnknown, Permanent, Refused, Transient
from sync.records import Pause

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


async def ask(state_dir: Path, action: str, order: BaseModel, *, within: float | None = None) -> Any:
    """Ask the running daemon and return its answer's JSON; None where no daemon runs.

    Raises the `SyncError` that the daemon answered with, and a transient one where it stopped first, or took more than
    `within` seconds.
    """
    if not (state_dir / SOCKET).exists():
        return None
    import httpx  # noqa: PLC0415 - most commands find no daemon to ask, or ask nothing

    with short_name(state_dir) as directory:
        transport = httpx.AsyncHTTPTransport(uds=f"{directory}/{SOCKET}", verify=False)
        async with httpx.AsyncClient(transport=transport, base_url=_BASE, timeout=within) as client:
            try:
                answer = await client.post(f"/{action}", content=order.model_dump_json())
            except httpx.ConnectError:
                return None
            except httpx.TransportError as error:
                raise Transient(Code.IN001, "the daemon stopped before it answered") from error
    body = answer.json()
    if answer.status_code == HTTPStatus.CONFLICT:
        raise KINDS[body["kind"]](Code[body["code"]], body["detail"])
    return body
