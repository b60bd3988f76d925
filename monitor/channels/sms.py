"""Text messages through Twilio's API, or anything shaped like it: short, in the letters that cost least."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import httpx
import structlog

from monitor.channels.base import Ambiguous, ChannelRefused, DeliveryError, Throttled, Unreachable
from monitor.channels.wording import clean, outcome
from monitor.notice import Kind, Notice, Previous, Receipt
from monitor.units import written_duration

log = structlog.get_logger()

_LONGEST = 160  # one segment of GSM-7
_VALID_SECONDS = 600  # an alert that arrives later than this is told by the other channels
_CREATED, _UNAUTHORIZED, _FORBIDDEN, _THROTTLED, _ERROR = 201, 401, 403, 429, 500
_LETTERS = frozenset(
    "@£$¥èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà_"
)
_ALIKE = str.maketrans({"\u2026": "...", "\u2013": "-", "\u2014": "-", "\u2018": "'", "\u2019": "'"})
_OF_ONE_NUMBER = frozenset({21211, 21214, 21217, 21408, 21610, 21612, 21614})  # the others may still be reached


class Sms:
    """Text messages from one number to all of `to`; `account` and `token` sign in."""

    def __init__(
        self,
        *,
        base_url: str,
        account: str,
        token: str,
        sender: str,
        to: Sequence[str],
        seconds: float = 20.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._url = f"{base_url.rstrip('/')}/2010-04-01/Accounts/{account}/Messages.json"
        self._sender = sender
        self._to = list(to)
        self._client = httpx.AsyncClient(auth=(account, token), timeout=seconds, transport=transport)

    async def send(self, notice: Notice, previous: Previous, *, plain: bool = False) -> Receipt:  # noqa: ARG002
        """Send one text to each number. One that is refused for itself does not keep it from the others."""
        body = short(notice)
        sids: list[str] = []
        failed: list[DeliveryError] = []
        for number in self._to:
            try:
                sids.append(await self._text(number, body))
            except DeliveryError as error:
                failed.append(error)
        if not failed:
            return Receipt("", ",".join(sids))
        lasting = [error for error in failed if not isinstance(error, ChannelRefused)]
        if sids and not lasting:
            log.warning("notification.recipients_refused", channel="sms", recipients=len(failed))
            return Receipt("", ",".join(sids))
        if sids:
            raise Ambiguous(f"{len(sids)} of {len(self._to)} texts were taken") from None
        raise (lasting or failed)[0]

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _text(self, number: str, body: str) -> str:
        form = {"To": number, "From": self._sender, "Body": body, "ValidityPeriod": str(_VALID_SECONDS)}
        try:
            answer = await self._client.post(self._url, data=form)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Unreachable(type(error).__name__) from None
        except httpx.HTTPError as error:
            raise Ambiguous(type(error).__name__) from None
        if answer.status_code != _CREATED:
            raise _refusal(answer)
        return str(_json(answer).get("sid", ""))


def short(notice: Notice) -> str:
    """Return the text: what, since when, in one segment; the alert's name is never cut off."""
    word = {Kind.RESOLVED: "RESOLVED", Kind.SUMMARY: "WAS FIRING", Kind.TEST: "TEST"}.get(notice.kind, "ALERT")
    age = "" if notice.until is not None else f" (for {written_duration(notice.at - notice.since)})"
    tail = f"{age}{' possible repeat' if notice.repeat else ''}"
    head = _basic(f"{word} {clean(notice.alert, 60)}: ")
    room = _LONGEST - len(head) - len(tail)
    return head + _basic(clean(outcome(notice), 400))[:room].rstrip() + tail


def _basic(text: str) -> str:
    """Fold a text into GSM-7: any other letter would make it cost twice as much and fit half."""
    folded = []
    for letter in text.translate(_ALIKE):
        plain = letter if letter in _LETTERS else unicodedata.normalize("NFKD", letter)[:1]
        folded.append(plain if plain in _LETTERS else "?")
    return "".join(folded)


def _refusal(answer: httpx.Response) -> DeliveryError:
    status, code = answer.status_code, _json(answer).get("code")
    detail = f"HTTP {status}, code {code}" if isinstance(code, int) else f"HTTP {status}"
    if status == _THROTTLED:
        wait = answer.headers.get("retry-after", "")
        return Throttled(detail, retry_after=float(wait) if wait.isdecimal() else None)
    if code in _OF_ONE_NUMBER or status in (_UNAUTHORIZED, _FORBIDDEN):
        return ChannelRefused(detail)
    if status >= _ERROR:
        return Ambiguous(detail)
    return ChannelRefused(detail)


def _json(answer: httpx.Response) -> dict[str, object]:
    try:
        data = answer.json()
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}
