"""Finds goods by words, as people name kinds of goods: "kava, kratom, thc-beverages"; pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

_WORD = re.compile(r"[^\W_]+")
_SHORTEST_PLURAL = 4  # letters: "gas" is no plural
_NEAREST = 3
_ALIKE = 0.6


@dataclass(frozen=True, slots=True)
class Term:
    """What one kind of goods is called: goods are of it where all its words stand in their texts."""

    text: str
    words: frozenset[str]


@dataclass(frozen=True, slots=True)
class Choice:
    """The links that terms name; `unknown` are the terms that name none, each with the nearest words that are known."""

    links: frozenset[int]
    unknown: Mapping[str, Sequence[str]] = field(default_factory=dict)


def words_in(text: str) -> frozenset[str]:
    """Return the words of a text as they are compared: without case and accents, plurals as their singular."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    return frozenset(map(_singular, _WORD.findall("".join(sign for sign in plain if not unicodedata.combining(sign)))))


def terms_in(text: str) -> tuple[Term, ...]:
    """Return the terms of a list as people type it, commas between them; without words there is none."""
    found = ((part, words_in(part)) for part in text.split(","))
    return tuple(Term(" ".join(part.split()), words) for part, words in found if words)


def nearest(term: Term, known: Iterable[str]) -> Sequence[str]:
    """Return the known words that are most like the words of a term."""
    words = frozenset(known)
    missing = sorted(term.words - words) or sorted(term.words)
    found = (near for word in missing for near in get_close_matches(word, sorted(words), _NEAREST, _ALIKE))
    return tuple(dict.fromkeys(found))[:_NEAREST]


def _singular(word: str) -> str:
    plural = len(word) >= _SHORTEST_PLURAL and word.endswith("s") and not word.endswith("ss")
    return word[:-1] if plural else word
