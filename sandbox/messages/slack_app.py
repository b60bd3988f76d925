"""Slack's Web API and incoming webhooks over HTTP, in front of a `SlackWorkspace`.

Errors of the Web API come with HTTP 200 and `ok: false`; only rate limits have a status of their own. Arguments
come as JSON, as a form whose structures are JSON strings, or in the query, as `slack_sdk` sends them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from sandbox.clock import Clock
from sandbox.faults import Fault, FaultKind, Faults
from sandbox.faults_http import Answer, ASGIApp, Call, FaultMiddleware, Proceed
from sandbox.messages.slack import TOKEN, WEBHOOK_PATH, Message, RateLimited, SlackError, SlackWorkspace

_STRUCTURES = ("blocks", "attachments", "metadata")
_WEBHOOK_STATUS = {"channel_not_found": 404, "is_archived": 410}
_PAGE = 100  # messages a history call returns unless asked for fewer

Arguments = Mapping[str, Any]


def slack_app(workspace: SlackWorkspace, faults: Faults, *, clock: Clock) -> ASGIApp:
    """Return the ASGI app: `/api/{method}` and the incoming webhook of the first channel at WEBHOOK_PATH.

    Faults of service `slack` are named by the method (`chat.postMessage`) or `webhook`. THROTTLED says
    Retry-After `seconds` (1 unless given; none at all with code `bare`); REFUSED answers with `code`.
    """

    async def api(request: Request) -> Response:
        return await _answer_method(workspace, request)

    async def webhook(request: Request) -> Response:
        return await _answer_webhook(workspace, request)

    routes = [
        Route("/api/{method}", api, methods=["GET", "POST"]),
        Route("/services/{rest:path}", webhook, methods=["POST"]),
    ]
    return FaultMiddleware(
        Starlette(routes=routes),
        service="slack",
        faults=faults,
        clock=clock,
        operations_of=_operations_of,
        render=_render,
    )


async def _answer_method(workspace: SlackWorkspace, request: Request) -> Response:
    try:
        method = _METHODS.get(request.path_params["method"], _unknown_method)
        arguments = await _arguments(request)
        _check_token(request, arguments)
        return JSONResponse({"ok": True, **method(workspace, arguments)})
    except RateLimited as limited:
        return _ratelimited(limited)
    except SlackError as error:
        answer: dict[str, Any] = {"ok": False, "error": error.code}
        if error.messages:
            answer["errors"] = [message.removeprefix("[ERROR] ") for message in error.messages]
            answer["response_metadata"] = {"messages": list(error.messages)}
        return JSONResponse(answer)


async def _answer_webhook(workspace: SlackWorkspace, request: Request) -> Response:
    """Incoming webhooks speak plain text: `ok`, or the error's code."""
    if request.url.path != WEBHOOK_PATH:
        return PlainTextResponse("no_service", status_code=404)
    try:
        arguments = await _arguments(request)
        content = _json_object(arguments["payload"]) if "payload" in arguments else arguments
        workspace.post(next(iter(workspace.channels)), content, by_webhook=True)
    except RateLimited as limited:
        return PlainTextResponse("rate_limited", 429, headers={"Retry-After": str(limited.retry_after)})
    except SlackError as error:
        code = "invalid_payload" if error.code in ("invalid_json", "json_not_object") else error.code
        return PlainTextResponse(code, _WEBHOOK_STATUS.get(code, 400))
    return PlainTextResponse("ok")


async def _arguments(request: Request) -> dict[str, Any]:
    """Return the arguments of a call from its query and its body."""
    arguments: dict[str, Any] = dict(request.query_params)
    body = await request.body()
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if body and kind == "application/json":
        arguments |= _json_object(body)
    elif body and kind == "application/x-www-form-urlencoded":
        arguments |= dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    elif body:
        raise SlackError("invalid_post_type")
    return {
        name: _decoded(name, value) if name in _STRUCTURES and isinstance(value, str) else value
        for name, value in arguments.items()
    }


def _json_object(body: bytes | str) -> dict[str, Any]:
    try:
        decoded = json.loads(body)
    except ValueError as error:
        raise SlackError("invalid_json") from error
    if not isinstance(decoded, dict):
        raise SlackError("json_not_object")
    return decoded


def _decoded(name: str, value: str) -> Any:
    """Return a structure that came as a JSON string inside a form."""
    try:
        return json.loads(value)
    except ValueError as error:
        codes = {"blocks": "invalid_blocks_format", "attachments": "invalid_attachments"}
        raise SlackError(codes.get(name, "invalid_metadata_format")) from error


def _check_token(request: Request, arguments: Arguments) -> None:
    """Look for the token in the header; a form or query may carry it too, a JSON body may not."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        as_json = request.headers.get("content-type", "").startswith("application/json")
        token = "" if as_json else str(arguments.get("token", ""))
    if not token:
        raise SlackError("not_authed")
    if token != TOKEN:
        raise SlackError("invalid_auth")


def _unknown_method(_workspace: SlackWorkspace, _arguments: Arguments) -> dict[str, Any]:
    raise SlackError("unknown_method")


def _auth_test(_workspace: SlackWorkspace, _arguments: Arguments) -> dict[str, Any]:
    return {
        "url": "https://wtf-sandbox.slack.com/",
        "team": "WTF Sandbox",
        "user": "lightspeed_sync",
        "team_id": "T0SANDBOX",
        "user_id": "U0SANDBOX",
        "bot_id": "B0SANDBOX",
        "is_enterprise_install": False,
    }


def _post_message(workspace: SlackWorkspace, arguments: Arguments) -> dict[str, Any]:
    thread_ts = arguments.get("thread_ts")
    message = workspace.post(
        _required(arguments, "channel"),
        arguments,
        thread_ts=str(thread_ts) if thread_ts else None,
        broadcast=arguments.get("reply_broadcast") in (True, "true", "1", 1),
    )
    return {"channel": message.channel, "ts": message.ts, "message": _shown(message)}


def _update(workspace: SlackWorkspace, arguments: Arguments) -> dict[str, Any]:
    message = workspace.update(_required(arguments, "channel"), _required(arguments, "ts"), arguments)
    return {"channel": message.channel, "ts": message.ts, "text": message.shown.text, "message": _shown(message)}


def _list_channels(workspace: SlackWorkspace, arguments: Arguments) -> dict[str, Any]:
    hide_archived = arguments.get("exclude_archived") in (True, "true", "1", 1)
    channels = [
        {
            "id": channel.id,
            "name": channel.name,
            "is_channel": True,
            "is_private": False,
            "is_archived": channel.archived,
            "is_member": channel.member,
        }
        for channel in workspace.channels.values()
        if not (hide_archived and channel.archived)
    ]
    return {"channels": channels, "response_metadata": {"next_cursor": ""}}


def _history(workspace: SlackWorkspace, arguments: Arguments) -> dict[str, Any]:
    """Return the newest messages first, without thread replies; metadata only when asked for."""
    channel = workspace.channel(_required(arguments, "channel"), by_name=False)
    oldest = str(arguments.get("oldest", "0"))
    rows = [
        message
        for message in reversed(workspace.messages)
        if message.channel == channel.id and message.ts > oldest and not message.deleted
        if message.thread_ts is None or message.broadcast
    ]
    try:
        limit = min(int(arguments.get("limit", _PAGE)), 999)
    except ValueError as error:
        raise SlackError("invalid_limit") from error
    with_metadata = arguments.get("include_all_metadata") in (True, "true", "1", 1)
    shown = [_shown(message, with_metadata=with_metadata) for message in rows[:limit]]
    return {"messages": shown, "has_more": len(rows) > limit, "response_metadata": {"next_cursor": ""}}


_METHODS: Mapping[str, Callable[[SlackWorkspace, Arguments], dict[str, Any]]] = {
    "auth.test": _auth_test,
    "chat.postMessage": _post_message,
    "chat.update": _update,
    "conversations.list": _list_channels,
    "conversations.history": _history,
}


def _required(arguments: Arguments, name: str) -> str:
    value = arguments.get(name)
    if not isinstance(value, str) or not value:
        raise SlackError("invalid_arguments", [f"[ERROR] missing required field: {name}"])
    return value


def _shown(message: Message, *, with_metadata: bool = True) -> dict[str, Any]:
    """Return a message as Slack shows it."""
    shown: dict[str, Any] = {
        "type": "message",
        "user": "U0SANDBOX",
        "bot_id": "B0SANDBOX",
        "team": "T0SANDBOX",
        "text": message.shown.text,
        "ts": message.ts,
    }
    optional = {
        "thread_ts": message.thread_ts,
        "blocks": list(message.shown.blocks) or None,
        "attachments": list(message.shown.attachments) or None,
        "metadata": message.shown.metadata if with_metadata else None,
        "edited": {"user": "U0SANDBOX", "ts": message.ts} if len(message.versions) > 1 else None,
    }
    return shown | {name: value for name, value in optional.items() if value is not None}


def _ratelimited(limited: RateLimited) -> Response:
    answer = {"ok": False, "error": "ratelimited"}
    return JSONResponse(answer, 429, headers={"Retry-After": str(limited.retry_after)})


def _operations_of(call: Call) -> Sequence[str]:
    return ["webhook" if call.path.startswith("/services/") else call.path.rpartition("/")[2]]


async def _render(fault: Fault, call: Call, proceed: Proceed) -> Answer:
    """Answer a call that meets a fault of Slack's own kind."""
    webhook = call.path.startswith("/services/")
    match fault.kind:
        case FaultKind.THROTTLED:
            wait = () if fault.code == "bare" else (("retry-after", str(max(1, round(fault.seconds)))),)
            return _failure(429, "rate_limited" if webhook else "ratelimited", webhook=webhook, headers=wait)
        case FaultKind.SERVER_ERROR:
            return _failure(500, fault.code or "internal_error", webhook=webhook)
        case FaultKind.UNAUTHORIZED:
            return _failure(403 if webhook else 200, fault.code or "token_expired", webhook=webhook)
        case FaultKind.REFUSED:
            return _failure(400 if webhook else 200, fault.code or "channel_not_found", webhook=webhook)
        case _:
            return await proceed()


def _failure(status: int, code: str, *, webhook: bool, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    kind, body = ("text/plain", code) if webhook else ("application/json", json.dumps({"ok": False, "error": code}))
    return Answer(status, (("content-type", kind), *headers), body.encode())
