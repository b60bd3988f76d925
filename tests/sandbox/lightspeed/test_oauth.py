"""Codes, rotating refresh tokens, and access tokens that run out."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import Any

import httpx
import pytest

from sandbox.clock import ManualClock
from sandbox.lightspeed.state import LightspeedShop

pytestmark = pytest.mark.anyio

HOST = "https://cloud.lightspeedapp.com"
TOKEN = f"{HOST}/auth/oauth/token"
CLIENT = {"client_id": "sandbox-client", "client_secret": "sandbox-client-secret"}


async def refresh(client: httpx.AsyncClient, token: str = "sandbox-refresh-token") -> httpx.Response:
    return await client.post(TOKEN, data={**CLIENT, "grant_type": "refresh_token", "refresh_token": token})


async def use(client: httpx.AsyncClient, tokens: dict[str, Any]) -> httpx.Response:
    return await client.get("Shop.json", headers={"Authorization": f"Bearer {tokens['access_token']}"})


@pytest.mark.parametrize("form", ["data", "json", "files"])
async def test_a_token_is_asked_for_as_form_json_or_multipart(stranger: httpx.AsyncClient, form: str) -> None:
    asked = {**CLIENT, "grant_type": "refresh_token", "refresh_token": "sandbox-refresh-token"}
    if form == "files":
        answer = await stranger.post(TOKEN, files={name: (None, value) for name, value in asked.items()})
    else:
        answer = await stranger.post(TOKEN, **{form: asked})  # type: ignore[arg-type]
    assert answer.status_code == 200
    assert answer.json()["expires_in"] == 1800
    assert set(answer.json()) == {"token_type", "expires_in", "access_token", "refresh_token"}
    assert (await use(stranger, answer.json())).status_code == 200


async def test_the_access_token_names_the_account(stranger: httpx.AsyncClient) -> None:
    access = (await refresh(stranger)).json()["access_token"]
    claims = json.loads(urlsafe_b64decode(access.split(".")[1] + "=="))
    assert (claims["acct"], claims["aud"], claims["exp"] - claims["iat"]) == ("123456", "sandbox-client", 1800.0)


async def test_a_used_refresh_token_lives_until_the_new_access_token_is_used(stranger: httpx.AsyncClient) -> None:
    lost = await refresh(stranger)
    again = await refresh(stranger)
    assert (lost.status_code, again.status_code) == (200, 200)
    assert (await use(stranger, again.json())).status_code == 200
    dead = await refresh(stranger)
    assert (dead.status_code, dead.json()["error"]) == (400, "invalid_grant")
    assert (await refresh(stranger, again.json()["refresh_token"])).status_code == 200


async def test_a_refused_call_does_not_kill_the_old_refresh_token(
    stranger: httpx.AsyncClient, clock: ManualClock
) -> None:
    tokens = (await refresh(stranger)).json()
    clock.advance(1800)
    assert (await use(stranger, tokens)).status_code == 401
    assert (await refresh(stranger)).status_code == 200


async def test_an_access_token_runs_out(stranger: httpx.AsyncClient, shop: LightspeedShop, clock: ManualClock) -> None:
    shop.oauth.expires_in = 60
    tokens = (await refresh(stranger)).json()
    clock.advance(59)
    assert (await use(stranger, tokens)).status_code == 200
    clock.advance(1)
    refused = await use(stranger, tokens)
    assert (refused.status_code, refused.json()["hint"]) == (401, "Access token could not be verified")


async def test_six_refreshes_a_minute_are_one_too_many(stranger: httpx.AsyncClient, clock: ManualClock) -> None:
    answers = [await refresh(stranger) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    clock.advance(60)
    assert (await refresh(stranger)).status_code == 200


@pytest.mark.parametrize(("days", "status"), [(30, 200), (30.001, 400)], ids=["30 days", "longer"])
async def test_an_idle_refresh_token_dies(
    stranger: httpx.AsyncClient, clock: ManualClock, days: float, status: int
) -> None:
    clock.advance(days * 86400)
    assert (await refresh(stranger)).status_code == status


@pytest.mark.parametrize(("seconds", "status"), [(60, 200), (61, 400)], ids=["60 s", "longer"])
async def test_a_code_lives_60_seconds_and_is_used_once(
    stranger: httpx.AsyncClient, shop: LightspeedShop, clock: ManualClock, seconds: int, status: int
) -> None:
    asked = {**CLIENT, "grant_type": "authorization_code", "code": shop.issue_code()}
    clock.advance(seconds)
    assert (await stranger.post(TOKEN, data=asked)).status_code == status
    assert (await stranger.post(TOKEN, data=asked)).json()["error"] == "invalid_grant"


async def test_the_consent_page_sends_back_with_a_code_bound_to_the_challenge(stranger: httpx.AsyncClient) -> None:
    challenge = urlsafe_b64encode(sha256(b"verifier").digest()).decode().rstrip("=")
    asked = {"response_type": "code", "client_id": "sandbox-client", "scope": "employee:all", "state": "s1"}
    sent = await stranger.get(f"{HOST}/auth/oauth/authorize", params={**asked, "code_challenge": challenge})
    assert sent.status_code == 302
    back = httpx.URL(sent.headers["location"]).params
    assert back["state"] == "s1"
    grant = {**CLIENT, "grant_type": "authorization_code", "code": back["code"], "code_verifier": "verifier"}
    assert (await stranger.post(TOKEN, data=grant)).status_code == 200
    refused = await stranger.get(f"{HOST}/auth/oauth/authorize", params={**asked, "scope": "everything"})
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope")


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": ""}, 400, "invalid_request"),
        ({"refresh_token": ""}, 400, "invalid_request"),
        ({"refresh_token": "made-up"}, 400, "invalid_grant"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
    ids=["secret", "no client", "no token", "unknown token", "grant type"],
)
async def test_a_bad_token_request_is_refused(
    stranger: httpx.AsyncClient, change: dict[str, str], status: int, error: str
) -> None:
    asked = {**CLIENT, "grant_type": "refresh_token", "refresh_token": "sandbox-refresh-token", **change}
    answer = await stranger.post(TOKEN, data=asked)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


async def test_tokens_are_only_posted_for(stranger: httpx.AsyncClient) -> None:
    assert (await stranger.get(TOKEN)).status_code == 405


async def test_revoked_and_disconnected_tokens_are_refused(stranger: httpx.AsyncClient, shop: LightspeedShop) -> None:
    tokens = (await refresh(stranger)).json()
    await stranger.post(f"{HOST}/auth/oauth/revoke", data={"token": tokens["access_token"]})
    refused = await use(stranger, tokens)
    assert (refused.status_code, refused.json()["hint"]) == (401, "Access token has been revoked")
    shop.oauth.disconnect()
    assert (await refresh(stranger, tokens["refresh_token"])).json()["hint"] == "Token has been revoked"


async def test_another_account_is_forbidden(client: httpx.AsyncClient) -> None:
    answer = await client.get("https://api.lightspeedapp.com/API/V3/Account/777/Item.json")
    assert answer.status_code == 403


@pytest.mark.parametrize("body", [b"nonsense", b"[]"])
async def test_a_malformed_json_token_request_is_refused(stranger: httpx.AsyncClient, body: bytes) -> None:
    answer = await stranger.post(TOKEN, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_a_json_refresh_that_names_a_scope_is_refused(stranger: httpx.AsyncClient) -> None:
    asked = {**CLIENT, "grant_type": "refresh_token", "refresh_token": "sandbox-refresh-token"}
    answer = await stranger.post(TOKEN, json={**asked, "scope": "employee:all"})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert (await stranger.post(TOKEN, data={**asked, "scope": "employee:all"})).status_code == 200


async def test_a_code_with_a_challenge_needs_its_verifier(stranger: httpx.AsyncClient, shop: LightspeedShop) -> None:
    grant = {**CLIENT, "grant_type": "authorization_code", "code": shop.issue_code("some-challenge")}
    answer = await stranger.post(TOKEN, data={**grant, "code_verifier": "other"})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
