"""The HTTP edge: whole answers or none, deadlines, size limits, retries of reads, Retry-After kept to the second."""

from __future__ import annotations

import asyncio
import gzip
import logging
import random
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import respx

from sync.errors import Code, OutcomeUnknown, Permanent, Transient
from sync.http import Answer, Failure, HttpEdge, Outcome, Request, RetryBudget, RetryPolicy, Trouble, user_agent
from sync.http_values import NotJson, clock_ahead, parse_json, parse_retry_after, retry_after_of, server_time
from sync.pacing import Bucket

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
URL = "https://vendor.test/things?secret=canary-in-url"


class VirtualClock:
    """Sleeping moves time at once."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += max(0.0, seconds)


class Meter:
    def __init__(self) -> None:
        self.attempts: list[tuple[str, str, float, str | None]] = []
        self.clocks: list[tuple[float, float]] = []

    def attempt(self, api: str, operation: str, seconds: float, code: str | None) -> None:
        self.attempts.append((api, operation, seconds, code))

    def quota(self, api: str, used_ratio: float, bucket: Bucket) -> None:
        raise AssertionError("the edge knows nothing of quotas")

    def clock(self, api: str, ahead: float, within: float) -> None:
        self.clocks.append((ahead, within))

    def sign_in(self, api: str, until: datetime) -> None:
        raise AssertionError("the edge knows nothing of sign-ins")


class Pieces(httpx.AsyncByteStream):
    """A body in pieces; ends with `error` where there is one, or never where `hang` is set."""

    def __init__(self, pieces: Sequence[bytes], *, error: Exception | None = None, hang: bool = False) -> None:
        self._pieces = pieces
        self._error = error
        self._hang = hang
        self.given = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            self.given += 1
            yield piece
        if self._hang:
            await asyncio.Event().wait()
        if self._error is not None:
            raise self._error


Handler = Callable[[httpx.Request], httpx.Response]


class Stage:
    """An edge in front of a scripted vendor, on a virtual clock."""

    def __init__(self, handler: Handler, policy: RetryPolicy | None = None) -> None:
        self.clock, self.meter, self.requests = VirtualClock(), Meter(), list[httpx.Request]()
        self.sent_at: list[float] = []

        def handle(request: httpx.Request) -> httpx.Response:
            self.requests.append(request)
            self.sent_at.append(self.clock.seconds)
            return handler(request)

        self.edge = HttpEdge(
            api="vendor",
            clock=self.clock,
            meter=self.meter,
            rng=random.Random(7),
            policy=policy,
            transport=httpx.MockTransport(handle),
        )

    async def outcome(self, request: Request | None = None) -> Outcome:
        return await self.edge.call(request or asked(), lambda outcome: outcome)

    async def read(self) -> bytes:
        async def prepare() -> Request:
            return asked()

        return await self.edge.read(prepare, translate)


def asked(**changes: object) -> Request:
    return Request(**{"method": "GET", "url": URL, "operation": "things", **changes})  # type: ignore[arg-type]


def translate(outcome: Outcome) -> bytes:
    """Translate as an adapter does, in small."""
    if isinstance(outcome, Failure):
        raise Transient(Code.SH004)
    if outcome.status == 429:
        raise Transient(Code.SH001, retry_after=retry_after_of(outcome.headers, NOW))
    if outcome.status >= 500:
        raise Transient(Code.SH006)
    if outcome.status >= 400:
        raise Permanent(Code.SH008)
    return outcome.body


def streamed(*pieces: bytes, error: Exception | None = None, hang: bool = False, **headers: str) -> Handler:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: httpx.Response(200, headers=named, stream=Pieces(pieces, error=error, hang=hang))


def script(*answers: httpx.Response | Exception) -> Handler:
    """Give the answers one after the other, the last one for ever."""
    waiting = list(answers)

    def handle(request: httpx.Request) -> httpx.Response:
        answer = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    return handle


@pytest.mark.parametrize(
    ("handler", "failure"),
    [
        pytest.param(script(httpx.ConnectError("no")), Failure(Trouble.UNREACHABLE, sent=False), id="refused"),
        pytest.param(script(httpx.ConnectTimeout("no")), Failure(Trouble.TIMEOUT, sent=False), id="connect hangs"),
        pytest.param(script(httpx.PoolTimeout("no")), Failure(Trouble.TIMEOUT, sent=False), id="no connection free"),
        pytest.param(script(httpx.ReadTimeout("no")), Failure(Trouble.TIMEOUT), id="silence after sending"),
        pytest.param(script(httpx.WriteTimeout("no")), Failure(Trouble.TIMEOUT), id="silence while sending"),
        pytest.param(script(httpx.ReadError("no")), Failure(Trouble.CUT), id="reset before headers"),
        pytest.param(script(httpx.WriteError("no")), Failure(Trouble.CUT), id="reset while sending"),
        pytest.param(script(httpx.RemoteProtocolError("no")), Failure(Trouble.CUT), id="orderly close"),
        pytest.param(streamed(b"[1,", error=httpx.ReadError("no")), Failure(Trouble.CUT), id="reset within body"),
        pytest.param(streamed(b"[1", content_length="3"), Failure(Trouble.NOT_WHOLE), id="shorter than announced"),
        pytest.param(streamed(b"[1]]", content_length="3"), Failure(Trouble.NOT_WHOLE), id="longer than announced"),
        pytest.param(streamed(b"[1]", content_length="three"), Failure(Trouble.NOT_WHOLE), id="length garbage"),
        pytest.param(
            streamed(gzip.compress(b"[1]")[:-9], content_encoding="gzip"),
            Failure(Trouble.NOT_WHOLE),
            id="gzip that ends too early",
        ),
        pytest.param(
            streamed(gzip.compress(b"[1]") + b"x", content_encoding="gzip"),
            Failure(Trouble.NOT_WHOLE),
            id="bytes behind the gzip",
        ),
        pytest.param(streamed(b"[1]", content_encoding="gzip"), Failure(Trouble.NOT_WHOLE), id="gzip that is none"),
        pytest.param(streamed(b"[1]", content_encoding="br"), Failure(Trouble.NOT_WHOLE), id="unknown encoding"),
        pytest.param(
            streamed(gzip.compress(b"0" * 5_000_000), content_encoding="gzip"),
            Failure(Trouble.TOO_LARGE),
            id="decompression bomb",
        ),
    ],
)
async def test_whatever_is_not_a_whole_answer_is_a_failure(handler: Handler, failure: Failure) -> None:
    assert await Stage(handler).outcome(asked(max_bytes=1_000_000)) == failure


async def test_a_body_over_the_limit_is_not_read_to_its_end() -> None:
    body = Pieces([b"x" * 1000] * 1000)
    stage = Stage(lambda request: httpx.Response(200, stream=body))
    assert await stage.outcome(asked(max_bytes=10_500)) == Failure(Trouble.TOO_LARGE)
    assert body.given == 11


async def test_a_body_that_never_ends_is_given_up_at_the_deadline() -> None:
    stage = Stage(streamed(b"[", hang=True))
    assert await stage.outcome(asked(deadline=0.05, read_timeout=60.0)) == Failure(Trouble.TIMEOUT)


async def test_a_url_that_is_none_was_surely_not_sent() -> None:
    stage = Stage(script(httpx.Response(200)))
    request = Request(method="GET", url="https://vendor.test:port/", operation="things")
    assert await stage.outcome(request) == Failure(Trouble.UNREACHABLE, sent=False)
    assert stage.requests == []


@pytest.mark.parametrize(
    "handler",
    [
        pytest.param(streamed(b"[1", b",2]"), id="chunked"),
        pytest.param(streamed(b"[1,2]", content_length="5"), id="with its length"),
        pytest.param(streamed(gzip.compress(b"[1,2]"), content_encoding="gzip"), id="gzip unasked, whole"),
        pytest.param(streamed(b"[1,2]", content_encoding="identity"), id="identity"),
    ],
)
async def test_a_whole_answer_is_given_as_it_is(handler: Handler) -> None:
    answer = await Stage(handler).outcome()
    assert isinstance(answer, Answer)
    assert (answer.status, answer.body) == (200, b"[1,2]")


async def test_a_sink_takes_the_pieces_and_the_answer_stays_empty() -> None:
    taken: list[bytes] = []
    answer = await Stage(streamed(b"one\n", b"two\n")).outcome(asked(sink=taken.append))
    assert isinstance(answer, Answer)
    assert (taken, answer.body) == ([b"one\n", b"two\n"], b"")


async def test_a_sink_gets_nothing_of_an_error_page() -> None:
    taken: list[bytes] = []
    answer = await Stage(script(httpx.Response(404, content=b"gone"))).outcome(asked(sink=taken.append))
    assert isinstance(answer, Answer)
    assert (taken, answer.body) == ([], b"gone")


async def test_no_cookie_is_kept() -> None:
    stage = Stage(script(httpx.Response(200, headers={"Set-Cookie": "a=1"}), httpx.Response(200)))
    await stage.outcome(asked())
    await stage.outcome(asked())
    assert ["cookie" in request.headers for request in stage.requests] == [False, False]


async def test_redirects_are_not_followed() -> None:
    stage = Stage(script(httpx.Response(302, headers={"location": "https://elsewhere.test/"})))
    answer = await stage.outcome()
    assert isinstance(answer, Answer)
    assert answer.status == 302
    assert len(stage.requests) == 1


@respx.mock(assert_all_called=True, assert_all_mocked=True)
async def test_a_request_names_the_product_and_asks_for_no_compression(respx_mock: respx.MockRouter) -> None:
    route = respx_mock.get("https://vendor.test/things").respond(200, json=[])
    clock, meter = VirtualClock(), Meter()
    async with HttpEdge(api="vendor", clock=clock, meter=meter, rng=random.Random(1)) as edge:
        await edge.call(asked(headers={"Authorization": "Bearer t"}), translate)
    headers = route.calls.last.request.headers
    assert headers["user-agent"] == user_agent()
    assert user_agent().startswith("lightspeed-sync")
    assert headers["accept-encoding"] == "identity"
    assert headers["authorization"] == "Bearer t"


async def test_a_read_is_tried_again_until_it_succeeds_and_each_attempt_is_counted() -> None:
    stage = Stage(script(httpx.Response(502), httpx.ReadError("no"), httpx.Response(200, content=b"[]")))
    assert await stage.read() == b"[]"
    assert [code for _, _, _, code in stage.meter.attempts] == ["SH006", "SH004", None]
    assert {(api, operation) for api, operation, _, _ in stage.meter.attempts} == {("vendor", "things")}
    first, second = stage.clock.slept
    assert 0 <= first <= 0.5
    assert 0 <= second <= 1.0


async def test_a_read_gives_up_after_its_attempts_with_the_last_error() -> None:
    stage = Stage(script(httpx.Response(503)), RetryPolicy(attempts=3))
    with pytest.raises(Transient) as caught:
        await stage.read()
    assert caught.value.code is Code.SH006
    assert len(stage.requests) == 3


async def test_a_refusal_is_not_tried_again() -> None:
    stage = Stage(script(httpx.Response(400)))
    with pytest.raises(Permanent):
        await stage.read()
    assert len(stage.requests) == 1


async def test_a_write_is_never_repeated_by_the_edge() -> None:
    def unknown(outcome: Outcome) -> bytes:
        raise OutcomeUnknown(Code.SH004)

    stage = Stage(script(httpx.ReadTimeout("no")))
    with pytest.raises(OutcomeUnknown):
        await stage.edge.call(asked(method="POST"), unknown)
    assert len(stage.requests) == 1
    assert stage.meter.attempts[0][3] == "SH004"


async def test_nothing_is_sent_before_retry_after_has_passed() -> None:
    refused = httpx.Response(429, headers={"retry-after": "7"})
    stage = Stage(script(refused, httpx.Response(200, content=b"[]")))
    assert await stage.read() == b"[]"
    assert stage.sent_at == [0.0, 7.0]


async def test_other_calls_wait_for_the_same_retry_after() -> None:
    refused = httpx.Response(429, headers={"retry-after": "5"})
    stage = Stage(script(refused, httpx.Response(200, content=b"[]")))
    with pytest.raises(Transient):
        await stage.edge.call(asked(), translate)
    stage.clock.seconds += 2.0
    await stage.edge.call(asked(), translate)
    assert stage.sent_at == [0.0, 5.0]


async def test_a_long_retry_after_is_not_sat_out_but_handed_back_at_once() -> None:
    stage = Stage(script(httpx.Response(429, headers={"retry-after": "99999"})))
    with pytest.raises(Transient) as first:
        await stage.read()
    assert first.value.retry_after == 900.0
    stage.clock.seconds += 600.0
    with pytest.raises(Transient) as second:
        await stage.read()
    assert second.value.code is Code.SH001
    assert second.value.retry_after == pytest.approx(300.0)
    assert len(stage.requests) == 1


async def test_an_outage_is_not_answered_with_a_storm() -> None:
    stage = Stage(script(httpx.Response(502)))
    for _ in range(100):
        with pytest.raises(Transient):
            await stage.read()
    assert len(stage.requests) == 100 + 19  # the 10 that were saved up, and a tenth of the calls since


def test_the_retry_budget_saves_up_to_its_cap_and_no_further() -> None:
    budget = RetryBudget(share=0.5, cap=2.0, saved=0.0)
    assert budget.take() is False
    for _ in range(100):
        budget.call()
    assert [budget.take() for _ in range(3)] == [True, True, False]


async def test_nothing_secret_is_logged_or_shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    stage = Stage(script(httpx.Response(200, content=b"canary-in-body")))
    request = asked(headers={"Authorization": "canary-in-header"}, body=b"canary-in-request")
    answer = await stage.outcome(request)
    assert "canary" not in caplog.text + repr(request) + repr(answer)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        pytest.param(b' {"a": [1, 2.5, "x", null, true]} ', {"a": [1, 2.5, "x", None, True]}, id="all types"),
        pytest.param(b'{"a": 1, "a": 2}', {"a": 2}, id="duplicate key: the last wins"),
        pytest.param(b'"\\ud83d\\ude00"', "\U0001f600", id="a surrogate pair is a character"),
        pytest.param('"ä"'.encode(), "ä", id="UTF-8"),
        pytest.param(b'"\\\\ud800"', "\\ud800", id="an escaped backslash is no surrogate"),
    ],
)
def test_json_is_read(body: bytes, value: object) -> None:
    assert parse_json(body) == value


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"   ", id="blank"),
        pytest.param(b"<html></html>", id="a web page"),
        pytest.param(b'{"a": [1, 2', id="ends too early"),
        pytest.param(b'{"a": 1} {"b": 2}', id="something behind the end"),
        pytest.param(b"[NaN]", id="NaN"),
        pytest.param(b"[Infinity]", id="Infinity"),
        pytest.param(b"[-Infinity]", id="-Infinity"),
        pytest.param(b"[1e999]", id="a number beyond a double"),
        pytest.param(b"[" + b"9" * 5000 + b"]", id="an integer beyond reason"),
        pytest.param(b'"\xff"', id="invalid UTF-8"),
        pytest.param(b'"\\ud800"', id="lone surrogate"),
        pytest.param(b'{"\\uDFFF": 1}', id="lone surrogate in a key"),
        pytest.param(b"\xef\xbb\xbf[]", id="byte order mark"),
        pytest.param(b"[" * 200_000, id="endless nesting"),
    ],
)
def test_what_is_not_one_whole_json_value_is_refused(body: bytes) -> None:
    with pytest.raises(NotJson):
        parse_json(body)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        pytest.param("3", 3.0, id="seconds"),
        pytest.param(" 2.5 ", 2.5, id="with a fraction and blanks"),
        pytest.param("+4", 4.0, id="with a sign"),
        pytest.param("0", 1.0, id="zero is a second"),
        pytest.param("-17", 1.0, id="negative is a second"),
        pytest.param("1000000000", 900.0, id="huge"),
        pytest.param("9" * 400, 900.0, id="endless"),
        pytest.param("Sun, 22 Nov 2026 12:00:30 GMT", 30.0, id="HTTP date"),
        pytest.param("Sun, 22 Nov 2026 13:00:30 +0100", 30.0, id="date with an offset"),
        pytest.param("Sun, 22 Nov 2026 12:00:30 -0000", 30.0, id="date without a zone"),
        pytest.param("Sunday, 22-Nov-26 12:00:30 GMT", 30.0, id="date as of old"),
        pytest.param("Sun, 22 Nov 2026 11:00:00 GMT", 1.0, id="date in the past"),
        pytest.param("Sun, 22 Nov 2999 11:00:00 GMT", 900.0, id="date far away"),
        pytest.param("soon", None, id="garbage"),
        pytest.param("nan", None, id="nan"),
        pytest.param("inf", None, id="inf"),
        pytest.param("1e3", None, id="exponent"),
        pytest.param("٣", None, id="digits that are not ASCII"),
        pytest.param("3, 5", None, id="two values"),
        pytest.param("Sun, 99 Nov 2026 12:00:30 GMT", None, id="a day that is none"),
        pytest.param("", None, id="empty"),
        pytest.param(None, None, id="missing"),
    ],
)
def test_retry_after_is_understood_in_every_form(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, NOW) == seconds


def test_a_date_in_retry_after_is_compared_with_the_servers_own_clock() -> None:
    headers = httpx.Headers({"Retry-After": "Sun, 22 Nov 2026 09:00:20 GMT", "Date": "Sun, 22 Nov 2026 09:00:00 GMT"})
    assert retry_after_of(headers, NOW) == 20.0


@pytest.mark.parametrize("value", ["", "yesterday", "Sun, 99 Nov 2026 12:00:30 GMT"])
def test_a_date_header_that_is_none_is_no_time(value: str) -> None:
    assert server_time({"date": value}) is None


@pytest.mark.parametrize(
    ("date", "ahead"),
    [
        pytest.param("Sun, 22 Nov 2026 12:00:00 GMT", 0.5, id="alike"),
        pytest.param("Sun, 22 Nov 2026 12:05:00 GMT", 300.5, id="ours is slow"),
        pytest.param("Sun, 22 Nov 2026 11:59:00 GMT", -59.5, id="ours is fast"),
    ],
)
async def test_each_answer_tells_how_far_the_servers_clock_is_from_ours(date: str, ahead: float) -> None:
    stage = Stage(streamed(b"{}", Date=date))
    await stage.outcome()
    assert stage.meter.clocks == [(ahead, 0.5)]


async def test_a_slow_answer_tells_less_of_the_clock() -> None:
    served = datetime(2026, 11, 22, 9, 0, 0, tzinfo=UTC)
    assert clock_ahead(served, served + timedelta(seconds=20), 20.0) == (-9.5, 10.5)


async def test_an_answer_without_a_date_tells_nothing_of_clocks() -> None:
    stage = Stage(streamed(b"{}"))
    await stage.outcome()
    assert stage.meter.clocks == []
