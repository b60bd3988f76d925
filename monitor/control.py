"""The unix socket in the state directory by which commands reach a running daemon.

Whoever may write to the state directory may steer the daemon; nobody else can reach the socket.
"""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from http import HTTPStatus
from pathlib import Path
from typing import TypeAlias

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from monitor.actions import Actions
from monitor.asked import (
    AcknowledgeOrder,
    CloseOrder,
    ConnectOrder,
    CreateItemsOrder,
    DecideManyOrder,
    DecideOrder,
    DrillOrder,
    FileOrder,
    FileStand,
    LetGoOrder,
    LiftOrder,
    MapOrder,
    PauseOrder,
    RestoreOrder,
    ResumeOrder,
    RetryOrder,
    SilenceOrder,
    StopOrder,
    SyncOrder,
    TrialOrder,
    UndoOrder,
    UnmapOrder,
    ValidateOrder,
)
from monitor.asking import BEFORE, FILE_STAND, REHEARSED, SILENCE, told_before, told_error
from monitor.desk import AlertDesk
from monitor.door import SOCKET, short_name
from monitor.mapped import MAPPED, told
from monitor.passing import Passing
from monitor.rehearsal import Rehearsal
from sync.errors import Code, SyncError

Answer: TypeAlias = Callable[[Request], Awaitable[Response]]


def control_app(
    actions: Actions, passing: Passing, desk: AlertDesk, rehearsal: Rehearsal, file_stand: Callable[[], FileStand]
) -> Starlette:
    """Return the application that answers on the socket; `file_stand` tells how alerts.yaml stands."""

    async def validate(request: Request) -> Response:
        reply = await actions.validate(ValidateOrder.model_validate_json(await request.body()))
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

    async def alerts_file(request: Request) -> Response:
        FileOrder.model_validate_json(await request.body())
        return JSONResponse(FILE_STAND.dump_python(file_stand(), mode="json"))

    engine = (*_passing(passing), validate, pause, resume, decide, retry_orders, close_order, connect)
    people = (*_mapping(actions), *_setting_back(actions), *_alerting(desk), *_rehearsing(rehearsal))
    known = (*engine, alerts_file, *people)
    routes = [Route(f"/{name.__name__}", name, methods=["POST"]) for name in known]
    handlers = {SyncError: _tell_error, ValidationError: _tell_mistake}
    app = Starlette(routes=routes, exception_handlers=handlers)
    app.router.redirect_slashes = False
    return app


def _passing(passing: Passing) -> Sequence[Answer]:
    """Return what answers on passes: a stream of lines that ends with the reply; and their end before that."""

    async def sync(request: Request) -> Response:
        text = b"".join([chunk async for chunk in request.stream()])  # not kept with the request for a whole pass
        order = SyncOrder.model_validate_json(text)
        del text
        return StreamingResponse(passing.lines(order), media_type="application/x-ndjson")

    async def stop(request: Request) -> Response:
        order = StopOrder.model_validate_json(await request.body())
        return JSONResponse({"stopped": passing.stop(order.ticket)})

    return sync, stop


def _setting_back(actions: Actions) -> Sequence[Answer]:
    """Return what answers on backups that are restored, and on writes that are undone."""

    async def restore(request: Request) -> Response:
        order = RestoreOrder.model_validate_json(await request.body())
        return JSONResponse((await actions.restore(order)).model_dump(mode="json"))

    async def undo(request: Request) -> Response:
        order = UndoOrder.model_validate_json(await request.body())
        return JSONResponse((await actions.undo(order)).model_dump(mode="json"))

    async def let_go(request: Request) -> Response:
        order = LetGoOrder.model_validate_json(await request.body())
        return JSONResponse({"let_go": await actions.let_go(order)})

    return restore, undo, let_go


def _mapping(actions: Actions) -> Sequence[Answer]:
    """Return what answers on links between SKUs, and on many differences at once."""

    async def map_skus(request: Request) -> Response:
        mapped = await actions.map_skus(MapOrder.model_validate_json(await request.body()))
        return JSONResponse(MAPPED.dump_python(mapped, mode="json"))

    async def create_items(request: Request) -> Response:
        made = await actions.create_items(CreateItemsOrder.model_validate_json(await request.body()))
        return JSONResponse([told(each) for each in made])

    async def decide_many(request: Request) -> Response:
        decided = await actions.decide_many(DecideManyOrder.model_validate_json(await request.body()))
        return JSONResponse(decided.model_dump(mode="json"))

    async def unmap_skus(request: Request) -> Response:
        ended = await actions.unmap_skus(UnmapOrder.model_validate_json(await request.body()))
        return JSONResponse({"ended": ended})

    return map_skus, unmap_skus, create_items, decide_many


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
    return JSONResponse(told_error(error), status_code=HTTPStatus.CONFLICT)


async def _tell_mistake(_request: Request, error: Exception) -> Response:
    return JSONResponse({"kind": "Permanent", "code": Code.CF002.name, "detail": str(error)}, HTTPStatus.CONFLICT)


def bind(state_dir: Path) -> socket.socket:
    """Return the listening socket; the directory's lock is held, so a file left behind is nobody's."""
    path = state_dir / SOCKET
    path.unlink(missing_ok=True)
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with short_name(state_dir) as directory:
        bound.bind(f"{directory}/{SOCKET}")
    path.chmod(0o600)
    bound.listen(16)
    return bound
