"""Text messages through Twilio's API, or anything shaped like it: short, in the letters that cost least."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import timedelta

import httpx

from monitor.channels.base import Ambiguous, ChannelRefused, DeliveryError, Throttled, Unreachable
from monitor.channels.wording import OVER, clean, lasting, outcome
from monitor.notice import Arrival, Fate, Item, Kind, Notice, Parcel, Receipt

_LONGEST = 160  # one segment of GSM-7
VALID = timedelta(minutes=10)  # an alert that would arrive later than this is told by the other channels
_OK, _CREATED, _UNAUTHORIZED, _FORBIDDEN, _THROTTLED, _ERROR = 200, 201, 401, 403, 429, 500
_LETTERS = frozenset(
    "@£$¥èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà_"
)
_WORDS = {Kind.RESOLVED: "RESOLVED", Kind.SUMMARY: "WAS FIRING", Kind.REMINDER: "STILL FIRING", Kind.TEST: "TEST"}
_MARK = " possible repeat"
_ALIKE = str.maketrans({"\u2026": "...", "\u2013": "-", "\u2014": "-", "\u2018": "'", "\u2019": "'"})
_ARRIVED = frozenset({"delivered", "read"})
_LOST = frozenset({"undelivered", "failed", "canceled"})
_SID = re.compile("(SM|MM)[0-9a-fA-F]{32}")
_OF_ONE_NUMBER = frozenset({21211, 21214, 21217, 21408, 21610, 21612, 21614})


class Sms:
    """Text messages from one number to each of `to`; `account` and `token` sign in."""

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
        self._messages = f"{base_url.rstrip('/')}/2010-04-01/Accounts/{account}/Messages"
        self._sender = sender
        self._to = list(to)
        self._client = httpx.AsyncClient(auth=(account, token), timeout=seconds, transport=transport)

    @property
    def recipients(self) -> Sequence[str]:
        """Return the numbers: each has texts of its own, so that one of them neither delays nor doubles the others'."""
        return self._to

    def together(self, items: Sequence[Item]) -> Sequence[Item]:
        """Return as many as one text can name, even if it has to be marked as a repeat."""
        fits = 1
        while fits < len(items) and len(_named(_notices(items[: fits + 1]), repeat=True)) <= _LONGEST:
            fits += 1
        return items[:fits]

    async def send(self, parcel: Parcel, *, plain: bool = False) -> Receipt:  # noqa: ARG002
        """Send one text to one number; that Twilio takes it does not mean that it arrives."""
        sid = await self._text(parcel.recipient, text(parcel.notices, repeat=parcel.repeat))
        return Receipt("", sid, arrival=Arrival.OPEN if _SID.fullmatch(sid) else Arrival.TAKEN)

    async def fate(self, receipt: Receipt) -> Fate:
        """Ask what became of a text."""
        try:
            answer = await self._client.get(f"{self._messages}/{receipt.message}.json")
        except httpx.HTTPError as error:
            raise Unreachable(type(error).__name__) from None
        if answer.status_code == _THROTTLED:
            raise _refusal(answer)
        if answer.status_code != _OK:
            raise Unreachable(f"HTTP {answer.status_code}")
        return _fate(_json(answer))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _text(self, number: str, body: str) -> str:
        form = {"To": number, "From": self._sender, "Body": body, "ValidityPeriod": str(int(VALID.total_seconds()))}
        try:
            answer = await self._client.post(f"{self._messages}.json", data=form)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Unreachable(type(error).__name__) from None
        except httpx.HTTPError as error:
            raise Ambiguous(type(error).__name__) from None
        if answer.status_code != _CREATED:
            raise _refusal(answer)
        return str(_json(answer).get("sid", ""))


def text(notices: Sequence[Notice], *, repeat: bool = False) -> str:
    """Return what a text says of one incident, or of as many as `together` found to fit."""
    if len(notices) > 1:
        return _named(notices, repeat=repeat)
    (notice,) = notices
    tail = f"{lasting(notice, ' (for {})')}{_MARK if repeat else ''}"
    head = _basic(f"{_WORDS.get(notice.kind, 'ALERT')} {clean(notice.alert, 60)}: ")
    room = _LONGEST - len(head) - len(tail)
    return head + _basic(clean(outcome(notice), 400))[:room].rstrip() + tail


def _named(notices: Sequence[Notice], *, repeat: bool) -> str:
    """Name several incidents, by what is said of them; the alerts' names are never cut off."""
    names: dict[str, list[str]] = {}
    for notice in sorted(notices, key=lambda notice: notice.kind in OVER):
        names.setdefault(_WORDS.get(notice.kind, "ALERT"), []).append(clean(notice.alert, 60))
    told = ". ".join(f"{word}: {', '.join(alerts)}" for word, alerts in names.items())
    return _basic(f"{told}{_MARK if repeat else ''}")


def _notices(items: Sequence[Item]) -> Sequence[Notice]:
    return [item.notice for item in items]


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


def _fate(message: Mapping[str, object]) -> Fate:
    status = message.get("status")
    if status in _ARRIVED:
        return Fate(Arrival.PROVED)
    if status not in _LOST:
        return Fate(Arrival.OPEN)
    code, said = message.get("error_code"), message.get("error_message")
    number = f", code {code}" if isinstance(code, int) else ""
    return Fate(Arrival.LOST, f"{status}{number}{f': {clean(said, 120)}' if isinstance(said, str) else ''}")


def _json(answer: httpx.Response) -> dict[str, object]:
    try:
        data = answer.json()
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}
