"""A pretend Twilio: `POST /2010-04-01/Accounts/{Sid}/Messages.json` and the message's later fate.

Shapes and codes are those of Twilio's API 2010-04-01. A message is queued at first; a second later it is
delivered, or not, where its number is one of `unreachable`. A fault of service `sms` under the operation `fate` is
that of the next message taken: UNDELIVERED, or REFUSED for `failed`, each with a 30xxx code of yours; with SLOW it is
`sent` for `seconds` before the network says that it arrived.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.clock import Clock
from sandbox.faults import Fault, FaultKind, Faults
from sandbox.faults_http import Answer, ASGIApp, Call, FaultMiddleware, Proceed

ACCOUNT_SID = "AC" + "0" * 32
AUTH_TOKEN = "sandbox-twilio-auth-token"
FROM = "+15005550006"

_ACCOUNT = "/2010-04-01/Accounts/{account}"
_NUMBER = re.compile(r"\+[1-9]\d{6,14}")
_LONGEST = 1_600
_DELIVERY_SECONDS = 1.0
_BASIC = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = set("^{}\\[~]|€")  # two places each

_ERRORS: Mapping[int, tuple[int, str]] = {
    20001: (400, "Invalid parameter"),
    20003: (401, "Authenticate"),
    20404: (404, "The requested resource was not found"),
    20429: (429, "Too Many Requests"),
    20500: (500, "An internal server error has occurred"),
    21211: (400, "Invalid 'To' Phone Number"),
    21212: (400, "Invalid From Number"),
    21602: (400, "Message body is required"),
    21603: (400, "A 'From' phone number is required"),
    21604: (400, "A 'To' phone number is required"),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit"),
}
"""Code -> HTTP status and sentence, of the errors that the pretend Twilio gives by itself."""

_FATES = {FaultKind.UNDELIVERED: ("undelivered", 30003), FaultKind.REFUSED: ("failed", 30008)}
_FATE_SENTENCES: Mapping[int, str] = {
    30003: "Unreachable destination handset",
    30005: "Unknown destination handset",
    30006: "Landline or unreachable carrier",
    30007: "Carrier violation",
    30008: "Unknown error",
}


class SmsError(Exception):
    """Twilio refuses; the first argument is its code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Sms:
    """One text message as it was accepted."""

    sid: str
    to: str
    sender: str
    body: str
    at: datetime
    segments: int
    validity_seconds: int | None = None
    fate: Fault | None = None  # what the network does with it; None: it delivers


class SmsInbox:
    """Records text messages; `opted_out` numbers are refused, `unreachable` ones fail later with 30003."""

    def __init__(self, *, clock: Clock, faults: Faults | None = None) -> None:
        self._clock = clock
        self._faults = faults or Faults()
        self.messages: list[Sms] = []
        self.opted_out: set[str] = set()
        self.unreachable: set[str] = set()

    def send(self, to: str, sender: str, body: str, *, validity_seconds: int | None = None) -> Sms:
        """Accept a message; raises SmsError with Twilio's code."""
        checks = (
            (21604, bool(to)),
            (21603, bool(sender)),
            (21602, bool(body)),
            (21211, _NUMBER.fullmatch(to) is not None),
            (21212, _NUMBER.fullmatch(sender) is not None),
            (21617, len(body) <= _LONGEST),
            (21610, to not in self.opted_out),
        )
        for code, fine in checks:
            if not fine:
                raise SmsError(code)
        sid = f"SM{len(self.messages) + 1:032x}"
        fate = self._faults.take("sms", "fate", named=True)
        message = Sms(sid, to, sender, body, self._clock.now(), segments(body), validity_seconds, fate)
        self.messages.append(message)
        return message

    def find(self, sid: str) -> Sms:
        """Return a message by its SID; raises SmsError 20404."""
        for message in self.messages:
            if message.sid == sid:
                return message
        raise SmsError(20404)

    def fate(self, message: Sms) -> tuple[str, int | None]:
        """Return a message's status now, and the 30xxx code where it could not be delivered."""
        age, fate = (self._clock.now() - message.at).total_seconds(), message.fate
        if age < _DELIVERY_SECONDS:
            return "queued", None
        if fate is not None and fate.kind in _FATES:
            status, code = _FATES[fate.kind]
            return status, int(fate.code or code)
        if fate is not None and age < _DELIVERY_SECONDS + fate.seconds:
            return "sent", None
        return ("undelivered", 30003) if message.to in self.unreachable else ("delivered", None)


def segments(body: str) -> int:
    """Return how many SMS a text takes: 160 (153 each when several) in GSM-7, 70 (67) with any other letter."""
    if all(letter in _BASIC or letter in _EXTENDED for letter in body):
        length, single, joined = len(body) + sum(letter in _EXTENDED for letter in body), 160, 153
    else:
        length, single, joined = len(body.encode("utf-16-le")) // 2, 70, 67
    return 1 if length <= single else -(-length // joined)


def sms_app(inbox: SmsInbox, faults: Faults, *, clock: Clock) -> ASGIApp:
    """Return the ASGI app. Faults of service `sms` meet `Messages` (sending) or `Message` (asking for one by its SID).

    REFUSED takes a code.
    """

    async def create(request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
        return _answer(request, 201, lambda: _shape(inbox, _accept(inbox, form)))

    async def fetch(request: Request) -> Response:
        return _answer(request, 200, lambda: _shape(inbox, inbox.find(request.path_params["sid"])))

    async def search(request: Request) -> Response:
        return _answer(request, 200, lambda: _listed(inbox, request.query_params))

    routes = [
        Route(f"{_ACCOUNT}/Messages.json", create, methods=["POST"]),
        Route(f"{_ACCOUNT}/Messages.json", search, methods=["GET"]),
        Route(f"{_ACCOUNT}/Messages/{{sid}}.json", fetch, methods=["GET"]),
    ]
    return FaultMiddleware(
        Starlette(routes=routes),
        service="sms",
        faults=faults,
        clock=clock,
        operations_of=_operations_of,
        render=_render,
    )


def _answer(request: Request, status: int, make: Callable[[], dict[str, Any]]) -> Response:
    """Check who asks, then answer with what `make` returns, or with Twilio's error body."""
    try:
        _check_caller(request)
        return JSONResponse(make(), status)
    except SmsError as error:
        status, body = _error(error.code)
        return JSONResponse(body, status)


def _check_caller(request: Request) -> None:
    """Raise SmsError 20003 unless the account's own SID and token come in the basic header."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    try:
        given = b64decode(encoded, validate=True).decode("utf-8", "replace")
    except Base64Error as error:
        raise SmsError(20003) from error
    account = request.path_params["account"]
    if scheme.lower() != "basic" or given != f"{account}:{AUTH_TOKEN}" or account != ACCOUNT_SID:
        raise SmsError(20003)


def _accept(inbox: SmsInbox, form: Mapping[str, str]) -> Sms:
    validity = form.get("ValidityPeriod")
    if validity is not None and not (validity.isascii() and validity.isdigit() and 1 <= int(validity) <= 36_000):
        raise SmsError(20001)
    return inbox.send(
        form.get("To", ""),
        form.get("From", ""),
        form.get("Body", ""),
        validity_seconds=None if validity is None else int(validity),
    )


def _listed(inbox: SmsInbox, query: Mapping[str, str]) -> dict[str, Any]:
    """Return the newest messages first: how a sender looks up whether a lost call was executed."""
    found = [message for message in reversed(inbox.messages) if query.get("To", message.to) == message.to]
    return {"messages": [_shape(inbox, message) for message in found[:50]], "page": 0, "page_size": 50}


def _shape(inbox: SmsInbox, message: Sms) -> dict[str, Any]:
    """Return a message as Twilio shows it."""
    status, code = inbox.fate(message)
    path = f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/{message.sid}"
    return {
        "account_sid": ACCOUNT_SID,
        "api_version": "2010-04-01",
        "body": message.body,
        "date_created": format_datetime(message.at),
        "date_sent": None if status == "queued" else format_datetime(message.at),
        "date_updated": format_datetime(message.at),
        "direction": "outbound-api",
        "error_code": code,
        "error_message": None if code is None else _FATE_SENTENCES.get(code, "The message was not delivered"),
        "from": message.sender,
        "messaging_service_sid": None,
        "num_media": "0",
        "num_segments": str(message.segments),
        "price": None,
        "price_unit": None,
        "sid": message.sid,
        "status": status,
        "subresource_uris": {"media": f"{path}/Media.json"},
        "to": message.to,
        "uri": f"{path}.json",
    }


def _error(code: int) -> tuple[int, dict[str, Any]]:
    """Return the status and the body of a refusal; a code we have no sentence for is a 400."""
    status, text = _ERRORS.get(code, (400, "The message was refused"))
    more = f"https://www.twilio.com/docs/errors/{code}"
    return status, {"code": code, "message": text, "more_info": more, "status": status}


def _operations_of(call: Call) -> Sequence[str]:
    """Name the sending and the list `Messages`, the question for one message `Message`."""
    if "/Messages/" in call.path:
        return ["Message"]
    return ["Messages"] if "/Messages" in call.path else []


_FAULT_CODES = {
    FaultKind.THROTTLED: 20429,
    FaultKind.SERVER_ERROR: 20500,
    FaultKind.UNAUTHORIZED: 20003,
    FaultKind.REFUSED: 21211,
}


async def _render(fault: Fault, _call: Call, proceed: Proceed) -> Answer:
    """Answer a call that meets a fault of Twilio's own kind; `code` replaces the usual one."""
    if fault.kind not in _FAULT_CODES:
        return await proceed()
    code = int(fault.code) if fault.code.isdigit() else _FAULT_CODES[fault.kind]
    status, body = _error(code)
    wait = fault.kind is FaultKind.THROTTLED and fault.seconds > 0
    headers = (("retry-after", str(round(fault.seconds))),) if wait else ()
    return Answer(status, (("content-type", "application/json"), *headers), json.dumps(body).encode())
