"""Rotating tokens: stored before used, one refresher, lost answers, the environment's token, consent."""

from __future__ import annotations

import asyncio
import hashlib
import random
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import structlog

from sandbox.clock import ManualClock
from sandbox.faults import Fault, FaultKind
from sync.errors import Code, Permanent, Transient
from sync.http import HttpEdge
from sync.lightspeed.auth import CANDIDATE, NAME, Client, LightspeedAuth
from sync.lightspeed.tokens import Consent, StoredTokens, account_of, code_from, fingerprint, new_consent
from tests.sync.lightspeed.support import START, MemoryStore, Meter, Stage, VirtualClock, goods, stage

pytestmark = pytest.mark.anyio

AUTH_URL = "https://cloud.lightspeed.test"


def pair(name: str, *, seen: str = "", age: float = 0.0, expires_in: float = 1800.0) -> StoredTokens:
    return StoredTokens(
        access_token=f"access-{name}",
        refresh_token=f"refresh-{name}",
        obtained_at=START - timedelta(seconds=age),
        expires_in=expires_in,
        seen=fingerprint(seen),
    )


class Server:
    """A scripted OAuth server: gives pair 1, 2, 3 … or what `answers` holds first."""

    def __init__(self, clock: VirtualClock, *answers: httpx.Response | Exception) -> None:
        self.clock = clock
        self.answers = list(answers)
        self.asked: list[dict[str, str]] = []
        self.asked_at: list[float] = []
        self.types: list[str] = []
        self.given = 0

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        assert str(request.url) == f"{AUTH_URL}/auth/oauth/token"
        assert request.method == "POST"
        self.types.append(request.headers["content-type"])
        self.asked.append({name: values[0] for name, values in parse_qs(request.content.decode()).items()})
        self.asked_at.append(self.clock.monotonic())
        await asyncio.sleep(0)  # noqa: TID251 - others get a turn while the answer is under way
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        self.given += 1
        return httpx.Response(200, json=tokens(self.given))


def tokens(number: int, **changes: object) -> dict[str, object]:
    body = {"token_type": "Bearer", "expires_in": 1800, "access_token": f"access-{number}"}
    return {**body, "refresh_token": f"refresh-{number}", **changes}


def oauth_error(error: str, status: int = 400) -> httpx.Response:
    return httpx.Response(status, json={"error": error, "error_description": "said canary-secret", "hint": "h"})


class Scene:
    def __init__(
        self, *answers: httpx.Response | Exception, store: MemoryStore | None = None, environment: str = "refresh-env"
    ) -> None:
        self.clock = VirtualClock(ManualClock(START))
        self.server = Server(self.clock, *answers)
        self.store = store or MemoryStore()
        self.proved: list[str] = []
        self.proves = True
        self.meter = Meter()
        client = Client("client-1", "canary-secret", "123456", AUTH_URL, refresh_token=environment)
        edge = HttpEdge(
            api="lightspeed",
            clock=self.clock,
            meter=self.meter,
            rng=random.Random(3),
            transport=httpx.MockTransport(self.server),
        )
        self.auth = LightspeedAuth(client=client, edge=edge, store=self.store, clock=self.clock)

    async def prove(self, token: str) -> bool:
        self.proved.append(token)
        return self.proves

    async def token(self) -> str:
        return await self.auth.access_token(self.prove)

    async def replaced(self, token: str) -> str:
        return await self.auth.replace_refused(token, self.prove)

    def pass_time(self, seconds: float) -> None:
        self.clock.manual.advance(seconds)


async def test_the_environments_token_begins_the_connection_and_its_pair_is_stored() -> None:
    scene = Scene()
    assert await scene.token() == "access-1"
    assert scene.store.saves == [(NAME, "access-1")]
    assert scene.store.pairs[NAME].refresh_token == "refresh-1"
    assert scene.store.pairs[NAME].seen == hashlib.sha256(b"refresh-env").hexdigest()


async def test_a_refresh_is_form_encoded_without_a_scope() -> None:
    scene = Scene()
    await scene.token()
    assert scene.server.types == ["application/x-www-form-urlencoded"]
    assert scene.server.asked == [
        {
            "client_id": "client-1",
            "client_secret": "canary-secret",
            "grant_type": "refresh_token",
            "refresh_token": "refresh-env",
        }
    ]


async def test_a_token_is_used_until_four_fifths_of_its_life_have_passed() -> None:
    scene = Scene()
    await scene.token()
    scene.pass_time(1439)
    assert await scene.token() == "access-1"
    scene.pass_time(1)
    assert await scene.token() == "access-2"
    assert [asked["refresh_token"] for asked in scene.server.asked] == ["refresh-env", "refresh-1"]


@pytest.mark.parametrize(
    ("told", "due_after"),
    [
        pytest.param(3600, 2880.0, id="an hour"),
        pytest.param("3600", 2880.0, id="as text"),
        pytest.param(None, 1440.0, id="not told: the shorter documented life"),
        pytest.param("soon", 1440.0, id="garbage"),
        pytest.param(-5, 1440.0, id="negative"),
        pytest.param(10**9, 7 * 86400.0, id="long: a refresh token must not idle for 30 days"),
    ],
)
async def test_the_life_of_a_token_is_what_the_server_says(told: object, due_after: float) -> None:
    scene = Scene(httpx.Response(200, json=tokens(9, expires_in=told)))
    await scene.token()
    stored = scene.store.pairs[NAME]
    assert stored.due(START + timedelta(seconds=due_after)) is True
    assert stored.due(START + timedelta(seconds=due_after - 1)) is False


def test_a_pair_obtained_after_now_is_of_unknown_age_so_it_is_due() -> None:
    assert pair("a").due(START - timedelta(seconds=299)) is False
    assert pair("a").due(START - timedelta(seconds=301)) is True


async def test_a_pair_that_cannot_be_stored_is_never_used() -> None:
    scene = Scene(store=MemoryStore(lightspeed=pair("old", seen="refresh-env", age=1700)))
    scene.store.broken = True
    with pytest.raises(OSError, match="disk full"):
        await scene.token()
    scene.store.broken = False
    assert await scene.token() == "access-2"
    assert [asked["refresh_token"] for asked in scene.server.asked] == ["refresh-old", "refresh-old"]


async def test_many_callers_make_one_refresh() -> None:
    scene = Scene()
    found = await asyncio.gather(*(scene.token() for _ in range(20)))
    assert set(found) == {"access-1"}
    assert len(scene.server.asked) == 1


async def test_many_callers_refused_with_the_same_token_make_one_refresh() -> None:
    scene = Scene()
    refused = await scene.token()
    found = await asyncio.gather(*(scene.replaced(refused) for _ in range(20)))
    assert set(found) == {"access-2"}
    assert len(scene.server.asked) == 2


@pytest.mark.parametrize(
    "lost",
    [
        pytest.param(httpx.ReadTimeout("no"), id="timeout"),
        pytest.param(httpx.ReadError("no"), id="reset"),
        pytest.param(httpx.Response(502, content=b"<html>"), id="502"),
        pytest.param(httpx.Response(200, content=b'{"access_token": "a'), id="ends too early"),
        pytest.param(httpx.Response(200, json={"token_type": "Bearer"}), id="no pair in it"),
        pytest.param(httpx.Response(200, json=tokens(9, access_token="a\nb")), id="a token that is no header"),
        pytest.param(httpx.Response(400, content=b"<html>"), id="400 web page"),
    ],
)
async def test_a_lost_answer_is_asked_for_again_with_the_same_refresh_token(lost: httpx.Response | Exception) -> None:
    scene = Scene(lost)
    assert await scene.token() == "access-1"
    assert [asked["refresh_token"] for asked in scene.server.asked] == ["refresh-env", "refresh-env"]


async def test_no_more_than_four_refreshes_are_tried_within_a_minute() -> None:
    scene = Scene(*[httpx.ReadError("no")] * 30)
    for _ in range(4):
        with pytest.raises(Transient):
            await scene.token()
    times = scene.server.asked_at
    assert len(times) >= 10
    assert all(later - earlier >= 60.0 for earlier, later in zip(times, times[4:], strict=False))


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ConnectTimeout], ids=["refused", "no way there"])
async def test_an_unreachable_server_is_reported_without_waiting_for_the_minutes_allowance(
    error: type[httpx.TransportError],
) -> None:
    scene = Scene(*[error("no")] * 10)
    for _ in range(2):
        with pytest.raises(Transient) as caught:
            await scene.token()
        assert caught.value.code is Code.LS001
    assert len(scene.server.asked) == 10
    assert scene.clock.monotonic() < 30.0


async def test_what_never_reached_the_server_leaves_the_minutes_allowance_to_what_may_have() -> None:
    lost: list[httpx.Response | Exception] = [httpx.ConnectError("no"), httpx.ReadError("no")]
    scene = Scene(*lost * 15)
    for _ in range(4):
        with pytest.raises(Transient):
            await scene.token()
    reached = scene.server.asked_at[1::2]
    assert len(reached) >= 6
    assert all(later - earlier >= 60.0 for earlier, later in zip(reached, reached[4:], strict=False))


async def test_an_answer_without_a_new_refresh_token_keeps_the_old_one() -> None:
    scene = Scene(httpx.Response(200, json={"access_token": "access-9", "expires_in": 1800}))
    await scene.token()
    assert scene.store.pairs[NAME].refresh_token == "refresh-env"


async def test_a_refused_refresh_token_is_for_a_person_to_solve_and_is_not_hammered() -> None:
    scene = Scene(oauth_error("invalid_grant"), store=MemoryStore(lightspeed=pair("old", seen="refresh-env", age=1700)))
    for _ in range(5):
        with pytest.raises(Permanent) as caught:
            await scene.token()
        assert caught.value.code is Code.LS005
        assert "connect lightspeed" in caught.value.remedy
        scene.pass_time(60)
    assert len(scene.server.asked) == 1
    scene.pass_time(3600)
    assert await scene.token() == "access-1"


async def test_it_is_told_how_long_the_sign_in_lasts_and_that_it_was_refused() -> None:
    scene = Scene(store=MemoryStore(lightspeed=pair("old", seen="refresh-env", age=1700)))
    loaded = START - timedelta(seconds=1700)
    await scene.token()
    scene.pass_time(1700)
    scene.server.answers.append(oauth_error("invalid_grant"))
    with pytest.raises(Permanent):
        await scene.token()
    month = timedelta(days=30)
    assert scene.meter.sign_ins == [loaded + month, START + month, START + timedelta(seconds=1700)]


async def test_a_consent_given_to_another_process_is_taken_up_without_a_restart() -> None:
    scene = Scene(oauth_error("invalid_grant"), store=MemoryStore(lightspeed=pair("old", seen="refresh-env", age=1700)))
    with pytest.raises(Permanent):
        await scene.token()
    await scene.store.save(NAME, pair("new", seen="refresh-env"))
    assert await scene.token() == "access-new"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        pytest.param(oauth_error("invalid_client", 401), "LIGHTSPEED_CLIENT_SECRET", id="wrong client"),
        pytest.param(oauth_error("invalid_request"), "(invalid_request)", id="malformed"),
        pytest.param(oauth_error("unauthorized_client"), "(unauthorized_client)", id="client may not"),
    ],
)
async def test_a_refusal_of_the_client_names_the_settings_but_no_secret(answer: httpx.Response, words: str) -> None:
    with pytest.raises(Permanent) as caught:
        await Scene(answer).token()
    assert caught.value.code is Code.LS005
    assert words in str(caught.value)
    assert "canary" not in str(caught.value)


async def test_without_any_refresh_token_consent_is_needed() -> None:
    with pytest.raises(Permanent) as caught:
        await Scene(environment="").token()
    assert caught.value.code is Code.LS005


async def test_the_stored_pair_wins_over_an_environment_that_has_not_changed() -> None:
    scene = Scene(store=MemoryStore(lightspeed=pair("old", seen="refresh-env")))
    assert await scene.token() == "access-old"
    assert scene.server.asked == []


async def test_the_stored_pair_wins_over_an_empty_environment() -> None:
    scene = Scene(store=MemoryStore(lightspeed=pair("old", seen="refresh-former")), environment="")
    assert await scene.token() == "access-old"
    assert scene.server.asked == []


async def test_a_new_environment_token_is_adopted_once_it_has_authenticated_a_call() -> None:
    scene = Scene(store=MemoryStore(lightspeed=pair("old", seen="refresh-former")))
    assert await scene.token() == "access-1"
    assert scene.proved == ["access-1"]
    assert scene.store.saves == [(CANDIDATE, "access-1"), (NAME, "access-1")]


@pytest.mark.parametrize("how", ["refused", "proves nothing", "of another account"])
async def test_a_new_environment_token_that_does_not_work_leaves_the_stored_pair_alone(how: str) -> None:
    foreign = "x." + urlsafe_b64encode(b'{"acct": "999999"}').decode().rstrip("=") + ".x"
    answers: dict[str, list[httpx.Response]] = {
        "refused": [oauth_error("invalid_grant")],
        "proves nothing": [],
        "of another account": [httpx.Response(200, json=tokens(9, access_token=foreign))],
    }
    store = MemoryStore(lightspeed=pair("old", seen="refresh-former"))
    scene = Scene(*answers[how], store=store)
    scene.proves = how == "of another account"
    assert await scene.token() == "access-old"
    assert store.pairs[NAME].refresh_token == "refresh-old"
    again = Scene(store=store)  # a restart does not try it again
    assert await again.token() == "access-old"
    assert again.server.asked == []


async def test_a_new_environment_token_whose_server_is_down_is_tried_again_later() -> None:
    store = MemoryStore(lightspeed=pair("old", seen="refresh-former"))
    scene = Scene(*[httpx.Response(502)] * 5, store=store)
    with pytest.raises(Transient):
        await scene.token()
    assert await scene.token() == "access-1"


async def test_a_crash_between_proof_and_adoption_loses_no_pair() -> None:
    """The proof has killed the environment's token; the candidate that was stored before it lives."""
    store = MemoryStore(**{NAME: pair("old", seen="refresh-former"), CANDIDATE: pair("new", seen="refresh-env")})
    scene = Scene(oauth_error("invalid_grant"), store=store)
    assert await scene.token() == "access-new"
    assert store.pairs[NAME].refresh_token == "refresh-new"
    assert scene.server.asked == []


async def test_an_old_candidate_is_renewed_with_its_own_refresh_token() -> None:
    old = pair("new", seen="refresh-env", age=7200)
    scene = Scene(store=MemoryStore(**{NAME: pair("old", seen="refresh-former"), CANDIDATE: old}))
    assert await scene.token() == "access-1"
    assert [asked["refresh_token"] for asked in scene.server.asked] == ["refresh-new"]


async def test_a_consents_code_is_redeemed_once_and_its_pair_stored() -> None:
    scene = Scene()
    await scene.auth.redeem("code-1", "verifier-1")
    assert scene.server.asked[0]["grant_type"] == "authorization_code"
    assert (scene.server.asked[0]["code"], scene.server.asked[0]["code_verifier"]) == ("code-1", "verifier-1")
    assert await scene.token() == "access-1"
    again = Scene(store=scene.store)
    assert await again.token() == "access-1"
    assert again.server.asked == []


async def test_a_code_is_exchanged_at_once_while_a_renewal_waits_for_its_turn() -> None:
    """A code lives for a minute, which is as long as a renewal may have to wait."""
    scene = Scene()
    async with scene.auth._lock:  # as a renewal holds it
        redeeming = asyncio.create_task(scene.auth.redeem("code-1", "verifier-1"))
        for _ in range(100):
            await asyncio.sleep(0)  # noqa: TID251 - the exchange takes its turns
        assert (scene.server.given, scene.store.saves) == (1, [])
    await redeeming
    assert scene.store.saves == [(NAME, "access-1")]


async def test_consent_for_another_account_changes_nothing() -> None:
    claims = urlsafe_b64encode(b'{"acct":"999"}').decode().rstrip("=")
    foreign = httpx.Response(200, json=tokens(7, access_token=f"h.{claims}.s"))
    scene = Scene(foreign, store=MemoryStore(**{NAME: pair("old", seen="refresh-env")}))
    with pytest.raises(Permanent, match=r"for account 999; LIGHTSPEED_ACCOUNT_ID is 123456") as caught:
        await scene.auth.redeem("code-1", "verifier-1")
    assert caught.value.code is Code.LS005
    assert scene.store.pairs[NAME].access_token == "access-old"
    assert await scene.token() == "access-old"


async def test_a_code_whose_answer_is_lost_is_not_sent_twice() -> None:
    scene = Scene(httpx.ReadTimeout("no"))
    with pytest.raises(Transient):
        await scene.auth.redeem("code-1", "verifier-1")
    assert len(scene.server.asked) == 1


def test_the_consent_address_asks_for_our_scopes_with_state_and_a_challenge() -> None:
    consent = new_consent("https://cloud.lightspeedapp.com/", "client-1", draw=lambda size: f"drawn{size}")
    parts = urlsplit(consent.url)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == "https://cloud.lightspeedapp.com/auth/oauth/authorize"
    assert "scope=employee%3Ainventory_read+employee%3Aregister" in parts.query
    challenge = urlsafe_b64encode(hashlib.sha256(b"drawn48").digest()).decode().rstrip("=")
    asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
    assert asked == {
        "response_type": "code",
        "client_id": "client-1",
        "scope": "employee:inventory_read employee:register",
        "state": "drawn24",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }


def test_consent_for_making_items_asks_for_what_that_needs() -> None:
    consent = new_consent(AUTH_URL, "client-1", items=True)
    scopes = parse_qs(urlsplit(consent.url).query)["scope"][0].split()
    assert scopes == ["employee:inventory_read", "employee:register", "employee:inventory", "employee:product_edit"]


def test_layaways_are_consented_to_where_reservations_are_mirrored() -> None:
    consent = new_consent(AUTH_URL, "client-1", layaways=True)
    assert parse_qs(urlsplit(consent.url).query)["scope"] == [
        "employee:inventory_read employee:register employee:register_layaway"
    ]


def test_every_consent_is_another_one() -> None:
    first, second = (new_consent(AUTH_URL, "client-1") for _ in range(2))
    assert first.state != second.state
    assert first.verifier != second.verifier
    assert 43 <= len(first.verifier) <= 128  # RFC 7636


CONSENT = Consent("https://x", "state-1", "verifier-1")


@pytest.mark.parametrize(
    "pasted",
    [
        pytest.param("https://shop.example/callback?code=c0de&state=state-1", id="the whole address"),
        pytest.param("  https://shop.example/callback?state=state-1&code=c0de\n", id="with blanks"),
        pytest.param("code=c0de&state=state-1", id="the query"),
        pytest.param("c0de", id="the code alone"),
    ],
)
def test_a_code_is_found_in_what_a_person_pastes(pasted: str) -> None:
    assert code_from(pasted, CONSENT) == "c0de"


@pytest.mark.parametrize(
    "pasted",
    [
        pytest.param("https://shop.example/callback?code=c0de&state=state-2", id="another consent's state"),
        pytest.param("https://shop.example/callback?code=c0de", id="no state"),
        pytest.param("https://shop.example/callback?error=access_denied&state=state-1", id="declined"),
        pytest.param("https://shop.example/callback?state=state-1", id="no code"),
    ],
)
def test_what_is_not_this_consents_answer_is_refused(pasted: str) -> None:
    with pytest.raises(Permanent) as caught:
        code_from(pasted, CONSENT)
    assert caught.value.code is Code.LS005
    assert "c0de" not in str(caught.value)


@pytest.mark.parametrize("pasted", ["", " \n"])
def test_nothing_pasted_is_no_refusal(pasted: str) -> None:
    with pytest.raises(ValueError, match="nothing was pasted"):
        code_from(pasted, CONSENT)


@pytest.mark.parametrize("token", ["", "opaque", "a.b", "a.!!.c", "a.e30.c", "a.W10.c"])
def test_an_access_token_that_names_no_account_is_not_held_against_it(token: str) -> None:
    assert account_of(token) == ""


def shows(scene: Stage) -> list[Callable[[], object]]:
    client = Client("id", "canary-secret", "1", AUTH_URL, refresh_token="canary-refresh")
    stored = StoredTokens("canary-access", "canary-refresh", START, 1800.0, "canary-print")
    return [
        lambda: client,
        lambda: stored,
        lambda: Consent("https://canary", "canary-state", "canary-verifier"),
        lambda: scene.lightspeed,
        lambda: scene.lightspeed.auth,
    ]


def test_nothing_that_holds_a_secret_shows_it() -> None:
    for make in shows(stage(goods(1))):
        assert "canary" not in repr(make())


async def test_the_whole_life_of_a_connection_against_the_pretend_server() -> None:
    """First start, an hour of polling, a lost answer, a restart, a revoked token: never more than one 401."""
    store = MemoryStore()
    scene = stage(goods(3), store=store)
    for _ in range(60):
        await scene.lightspeed.read_stock(START, scene.deliver)
        scene.clock.manual.advance(60)
    assert scene.meter.codes("oauth.refresh") == [None, None, None]
    scene.faults.add("lightspeed", "oauth.token", Fault(FaultKind.RESET_AFTER))
    scene.clock.manual.advance(1800)
    await scene.lightspeed.read_stock(START, scene.deliver)
    assert scene.meter.codes("oauth.refresh")[3:] == ["LS007", None]
    scene.shop.oauth.revoke(store.pairs[NAME].access_token)
    await scene.lightspeed.read_stock(START, scene.deliver)
    assert scene.meter.codes("ItemShop.changes").count("LS005") == 1


async def test_a_connection_that_was_cut_off_asks_for_a_new_consent_and_takes_it() -> None:
    scene = stage(goods(3))
    await scene.lightspeed.read_stock(None, scene.deliver)
    scene.shop.oauth.disconnect()
    with pytest.raises(Permanent) as caught:
        await scene.lightspeed.read_stock(None, scene.deliver)
    assert caught.value.code is Code.LS005
    consent = new_consent(AUTH_URL, scene.shop.oauth.client_id)
    asked = {name: values[0] for name, values in parse_qs(urlsplit(consent.url).query).items()}
    address = scene.shop.oauth.authorize(asked)
    await scene.lightspeed.auth.redeem(code_from(address, consent), consent.verifier)
    scene.delivered.clear()
    await scene.lightspeed.read_stock(None, scene.deliver)
    assert len(scene.delivered) == 3


async def test_no_secret_reaches_the_log() -> None:
    with structlog.testing.capture_logs() as logs:
        scene = stage(goods(3))
        scene.faults.add("lightspeed", "ItemShop", Fault(FaultKind.UNAUTHORIZED))
        await scene.lightspeed.read_stock(None, scene.deliver)
    stored: Any = scene.store.pairs[NAME]
    assert [entry["event"] for entry in logs].count("lightspeed.token_refreshed") == 2
    for secret in (stored.access_token, stored.refresh_token, "sandbox-client-secret", "sandbox-refresh-token"):
        assert secret not in str(logs)
