"""Texts as people see them: titles without order and punctuation, descriptions without markup; pure."""

from __future__ import annotations

import html
import re
import unicodedata
from functools import lru_cache

_WORDS = re.compile(r"\w+")
_UNSEEN = re.compile(r"<!--.*?-->|<(script|style)\b.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
_BREAKS = re.compile(r"</?(?:p|div|br|li|ul|ol|h[1-6]|tr|td|th|table|section|blockquote|hr)\b[^>]*>", re.IGNORECASE)
_TAGS = re.compile(r"</?[a-zA-Z][^>]*>")
_BLANKS = re.compile(r"\s+")
_PARAGRAPHS = re.compile(r"\n\s*\n")


@lru_cache(maxsize=4096)
def words(title: str) -> tuple[str, ...]:
    """Return a title's words without case, in an order of their own."""
    return tuple(sorted(_WORDS.findall(_folded(title))))


def same_words(one: str, other: str) -> bool:
    """Tell whether two titles have the same words in any order, or the same letters with other gaps between them."""
    if one == other:
        return True
    return words(one) == words(other) or letters(one) == letters(other)


def letters(title: str) -> str:
    """Return a title's letters and digits, in their order."""
    return "".join(_WORDS.findall(_folded(title)))


def visible(markup: str) -> str:
    """Return the text that a reader sees of some HTML, or of a plain text; blanks as one."""
    text = markup
    if "<" in text:
        text = _TAGS.sub("", _BREAKS.sub(" ", _UNSEEN.sub(" ", text)))
    if "&" in text:
        text = html.unescape(text)
    return _BLANKS.sub(" ", text).strip()


def same_text(one: str, other: str) -> bool:
    """Tell whether a reader sees the same of both, wherever lines and paragraphs end."""
    if one == other:
        return True
    return _closed_up(visible(one)) == _closed_up(visible(other))


def as_html(text: str) -> str:
    """Return a description as HTML: what has markup as it is, a plain text in paragraphs."""
    if _TAGS.search(text) or _UNSEEN.search(text):
        return text.strip()
    plain = html.unescape(text)
    paragraphs = [html.escape(each.strip(), quote=False) for each in _PARAGRAPHS.split(plain) if each.strip()]
    return "".join(f"<p>{each}</p>".replace("\n", "<br>") for each in paragraphs)


def excerpt(text: str, longest: int = 60) -> str:
    """Return the beginning of a text for a sentence."""
    seen = visible(text)
    return seen if len(seen) <= longest else f"{seen[: longest - 1].rstrip()}…"


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _closed_up(text: str) -> str:
    return _BLANKS.sub("", unicodedata.normalize("NFKC", text))
