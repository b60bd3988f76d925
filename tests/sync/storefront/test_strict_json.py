"""Only what every reader understands in the same way is taken for JSON."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.storefront.strict_json import DEEPEST, LONGEST_NUMBER, NotStrict, parse

LEAVES = st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.text(max_size=20)
PLAIN = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
)


@given(found=st.dictionaries(st.text(max_size=5), PLAIN, max_size=5), ascii_only=st.booleans())
def test_plain_objects_are_read_as_they_were_written(found: dict[str, object], ascii_only: bool) -> None:
    try:
        body = json.dumps(found, ensure_ascii=ascii_only).encode()
    except UnicodeEncodeError:
        return
    if depth(found) <= DEEPEST:
        assert parse(body) == found
    else:
        with pytest.raises(NotStrict):
            parse(body)


def depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth, value), default=0)
    return 0


def nested(levels: int) -> bytes:
    return b'{"a":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


def test_nesting_ends_at_the_limit_whatever_is_nested() -> None:
    assert parse(nested(DEEPEST))
    mixed = b'{"a":[' * 9 + b"]}" * 9
    for body in (nested(DEEPEST + 1), nested(30_000), mixed):
        with pytest.raises(NotStrict):
            parse(body)


KIB = 1024
HOSTILE = {
    "a text full of escaped quotes that nothing closes": (b'{"x":"', b'\\"', b"{" * 17),
    "escaped quotes in an open array": (b'{"x":[[[[[[[[[[[[[[[[[["', b'\\"', b""),
    "escapes of line breaks": (b"[" * 17 + b'"', b"\\\n", b""),
    "backslashes": (b"[" * 17 + b'"', b"\\\\", b"\\"),
    "quotes": (b"[" * 17, b'"', b""),
    "quotes and brackets in turn": (b"", b'"{', b""),
    "texts": (b"[" * 17, b'"",', b""),
    "brackets that open": (b"", b"[{", b""),
    "brackets that close": (b"", b"]}", b""),
    "pairs": (b"[", b"[],", b"1]"),
    "digits": (b'{"x":' + b"[" * 17, b"9", b""),
    "blanks": (b"[" * 17, b" \t", b""),
}


@pytest.mark.parametrize("shape", HOSTILE)
def test_the_largest_body_is_judged_within_moments_whatever_it_holds(shape: str) -> None:
    front, again, end = HOSTILE[shape]
    body = front + again * ((64 * KIB - len(front) - len(end)) // len(again)) + end
    began = time.process_time()
    with pytest.raises(NotStrict):
        parse(body)
    assert time.process_time() - began < 0.2  # twenty times what it takes; read once for each quote, it is 10 s


def test_brackets_within_texts_nest_nothing() -> None:
    assert parse(b'{"a": "[[[[[[[[[[[[[[[[[[[[{{{{ \\" [[["}') == {"a": '[[[[[[[[[[[[[[[[[[[[{{{{ " [[['}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b" ", id="blank"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[]", id="array"),
        pytest.param(b'"a"', id="text"),
        pytest.param(b"{}{}", id="two objects"),
        pytest.param(b"{'a': 1}", id="single quotes"),
        pytest.param(b'{"a": 1,}', id="comma at the end"),
        pytest.param(b'{"a": 1} // b', id="comment"),
        pytest.param(b'{"a": 1, "a": 2}', id="a name twice"),
        pytest.param(b'{"b": [{"a": 1, "\\u0061": 2}]}', id="a name twice, once escaped"),
        pytest.param(b'{"a": NaN}', id="NaN"),
        pytest.param(b'{"a": Infinity}', id="Infinity"),
        pytest.param(b'{"a": -Infinity}', id="-Infinity"),
        pytest.param(b'{"a": 1e999}', id="beyond a float"),
        pytest.param(b'{"a": ' + b"9" * (LONGEST_NUMBER + 1) + b"}", id="long number"),
        pytest.param(b'{"a": 0.' + b"9" * LONGEST_NUMBER + b"}", id="long fraction"),
        pytest.param(b'{"a": 01}', id="leading zero"),
        pytest.param(b'{"a": "\x00"}', id="control character"),
        pytest.param(b'{"a": "\xff"}', id="no UTF-8"),
        pytest.param(b'{"a": "\xc0\xaf"}', id="overlong UTF-8"),
        pytest.param(b'{"a": "\xed\xa0\x80"}', id="half a character in UTF-8"),
        pytest.param(b"\xef\xbb\xbf{}", id="byte order mark"),
        pytest.param('{"a": 1}'.encode("utf-16"), id="UTF-16"),
        pytest.param('{"a": 1}'.encode("utf-32-le"), id="UTF-32"),
        pytest.param(b'{"a": "' + b"\\" * 60_000, id="a text that never ends"),
    ],
)
def test_anything_else_is_refused(body: bytes) -> None:
    with pytest.raises(NotStrict):
        parse(body)
