"""The unix socket in the state directory by which commands reach a running daemon.

Whoever may write to the state directory may steer the daemon; nobody else can reach the socket.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeAlias

import httpx
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from monitor.actions import Actions, CloseOrder, DecideOrder, RetryOrder, SyncOrder
from monitor.desk import Acknowledged, AcknowledgeOrder, AlertDesk, LiftOrder, SilenceOrder
from monitor.hiding import Silence
from monitor.rehearsal import DrillOrder, Rehearsal, Rehearsed, TrialOrder
from sync.errors import Code, OutcomeUnknown, Permanent, Refused, SyncError, Transient
from sync.records import Pause, PauseKind

SOCKET = "control.sock"
_BASE = "http://lightspeed-sync"
SILENCE = TypeAdapter(Silence)
"""How a silence is written in an answer."""
BEFORE = TypeAdapter(Mapping[str, Acknowledged])
"""How those are that somebody had acknowledged before."""
REHEARSED = TypeAdapter(Rehearsed)
"""How the outcome of a test or a drill is."""
Answer: TypeAlias = Callable[[Request], Awaitable[Response]]
_KINDS = {kind.__name__: kind for kind in (Transient, Permanent, OutcomeUnknown, Refused)}


class PauseOrder(BaseModel):
    """Stop a kind of work, with the reason that people are shown."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: PauseKind = PauseKind.WRITES
    reason: str


class ResumeOrder(BaseModel):
    """Lift one pause, or all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: PauseKind | None = None


class ConnectOrder(BaseModel):
    """Sign in to Lightspeed with the code of a consent."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    code: str
    verifier: str


def told_before(pause: Pause | None) -> dict[str, str] | None:
    """Return a pause that was in force already as JSON can hold it."""
    return {"reason": pause.reason, "since": pause.since.isoformat()} if pause else None


def control_app(actions: Actions, desk: AlertDesk, rehearsal: Rehearsal) -> Starlette:
    """Return the application that answers on the socket."""

    async def sync(request: Request) -> Response:
        reply = await actions.sync(SyncOrder.model_validate_json(await request.body()))
        return JSONResponse(reply.model_dump(mode="json"))

    async def pause(request: Request) -> Response:
        order = PauseOrder.model_validate_json(await request.body())
        before = await actions.pause(order.kind, order.reason)
        return JSONResponse({"paused": order.kind, "before": told_before(before)})

    async def resume(request: Request) -> Response:
        order = ResumeOrder.model_validate_json(await request.body())
        return JSONResponse({"lifted": await actions.resume(order.kind)})

    async def decide(request: Request) -> Response:
        order = DecideOrder.model_validate_json(await request.body())
        return JSONResponse({"decided": await actions.decide(order)})

    async def retry_orders(request: Request) -> Response:
        order = RetryOrder.model_validate_json(await request.body())
        return JSONResponse({"orders": [asdict(each) for each in await actions.retry_orders(order)]})

    async def close_order(request: Request) -> Response:
        order = CloseOrder.model_validate_json(await request.body())
        return JSONResponse(asdict(await actions.close_order(order)))

    async def connect(request: Request) -> Response:
        order = ConnectOrder.model_validate_json(await request.body())
        await actions.connect(order.code, order.verifier)
        return JSONResponse({"connected": True})

    known = (sync, pause, resume, decide, retry_orders, close_order, connect, *_alerting(desk), *_rehearsing(rehearsal))
    routes = [Route(f"/{name.__name__}", name, methods=["POST"]) for name in known]
    handlers = {SyncError: _tell_error, ValidationError: _tell_mistake}
    app = Starlette(routes=routes, exception_handlers=handlers)
    app.router.redirect_slashes = False
    return app


def _alerting(desk: AlertDesk) -> Sequence[Answer]:
    """Return what answers on alerts."""

    async def acknowledge(request: Request) -> Response:
        order = AcknowledgeOrder.model_validate_json(await request.body())
        return JSONResponse(BEFORE.dump_python(await desk.acknowledge(order), mode="json"))

    async def silence(request: Request) -> Response:
        order = SilenceOrder.model_validate_json(await request.body())
        return JSONResponse(SILENCE.dump_python(await desk.silence(order), mode="json"))

    async def lift(request: Request) -> Response:
        order = LiftOrder.model_validate_json(await request.body())
        return JSONResponse(SILENCE.dump_python(await desk.lift(order), mode="json"))

    return acknowledge, silence, lift


def _rehearsing(rehearsal: Rehearsal) -> Sequence[Answer]:
    """Return what answers on tests and drills; the answer comes when everything was tried."""

    async def test_channel(request: Request) -> Response:
        came = await rehearsal.test(TrialOrder.model_validate_json(await request.body()))
        return JSONResponse(REHEARSED.dump_python(came, mode="json"))

    async def drill(request: Request) -> Response:
        came = await rehearsal.drill(DrillOrder.model_validate_json(await request.body()))
        return JSONResponse(REHEARSED.dump_python(came, mode="json"))

    return test_channel, drill


async def _tell_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, SyncError)  # noqa: S101 - registered for this class alone
    kind = next(name for name, kind in _KINDS.items() if isinstance(error, kind))
    body = {"kind": kind, "code": error.code.name, "detail": error.detail}
    return JSONResponse(body, status_code=HTTPStatus.CONFLICT)


async def _tell_mistake(_request: Request, error: Exception) -> Response:
    return JSONResponse({"kind": "Permanent", "code": Code.CF002.name, "detail": str(error)}, HTTPStatus.CONFLICT)


def bind(state_dir: Path) -> socket.socket:
    """Return the listening socket; the directory's lock is held, so a file left behind is nobody's."""
    path = state_dir / SOCKET
    path.unlink(missing_ok=True)
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with _short(state_dir) as directory:
        bound.bind(f"{directory}/{SOCKET}")
    path.chmod(0o600)
    bound.listen(16)
    return bound


@contextmanager
def _short(state_dir: Path) -> Iterator[str]:
    """Name a directory in few characters: a socket's path may have 107 at most."""
    handle = os.open(state_dir, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{handle}"
    finally:
        os.close(handle)


async def ask(state_dir: Path, action: str, order: BaseModel) -> Any:
    """Ask the running daemon and return its answer's JSON; None where no daemon runs.

    Raises the `SyncError` that the daemon answered with.
    """
    if not (state_dir / SOCKET).exists():
        return None
    with _short(state_dir) as directory:
        transport = httpx.AsyncHTTPTransport(uds=f"{directory}/{SOCKET}")
        async with httpx.AsyncClient(transport=transport, base_url=_BASE, timeout=None) as client:  # noqa: S113
            try:
                answer = await client.post(f"/{action}", content=order.model_dump_json())
            except httpx.ConnectError:
                return None
            except httpx.TransportError as error:
                raise Transient(Code.IN001, "the daemon stopped before it answered") from error
    body = answer.json()
    if answer.status_code == HTTPStatus.CONFLICT:
        raise _KINDS[body["kind"]](Code[body["code"]], body["detail"])
    return body
