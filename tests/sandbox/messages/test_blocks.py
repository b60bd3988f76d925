"""Block Kit's limits, at and beyond each boundary."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.messages.blocks import complaints, control_sequences


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def _marked(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text}


def _section(**changes: Any) -> dict[str, Any]:
    return {"type": "section"} | changes


def _actions(**changes: Any) -> dict[str, Any]:
    return {"type": "actions", "elements": [{"type": "button", "text": _plain("See")} | changes]}


DIVIDER = {"type": "divider"}


@pytest.mark.parametrize(
    "blocks",
    [
        [DIVIDER] * 50,
        [{"type": "header", "text": _plain("h" * 150) | {"emoji": True}}],
        [_section(text=_marked("s" * 3_000))],
        [_section(fields=[_marked("f" * 2_000)] * 10)],
        [{"type": "context", "elements": [_marked("c")] * 9 + [{"type": "image", "image_url": "u", "alt_text": "a"}]}],
        [_actions(url="u" * 3_000, value="v" * 2_000, action_id="a" * 255, style="danger")],
        [{"type": "actions", "elements": [{"type": "button", "text": _plain("b" * 75)}] * 25}],
        [{"type": "markdown", "text": "m" * 12_000}],
        [DIVIDER | {"block_id": "i" * 255}],
        [{"type": "rich_text", "elements": []}],
    ],
    ids=["50", "header", "section", "fields", "context", "button", "actions", "markdown", "id", "rich text"],
)
def test_blocks_at_the_limit_are_fine(blocks: list[Any]) -> None:
    assert complaints(blocks) == []


@pytest.mark.parametrize(
    ("blocks", "complaint"),
    [
        ([DIVIDER] * 51, "no more than 50 items allowed [json-pointer:/blocks]"),
        (
            [{"type": "header", "text": _plain("h" * 151)}],
            "must be less than 151 characters [json-pointer:/blocks/0/text/text]",
        ),
        ([{"type": "header", "text": _marked("h")}], "must be one of plain_text [json-pointer:/blocks/0/text/type]"),
        ([{"type": "header"}], "must be a text object [json-pointer:/blocks/0/text]"),
        ([_section()], "missing required field: text or fields [json-pointer:/blocks/0]"),
        (
            [DIVIDER, _section(text=_marked("s" * 3_001))],
            "must be less than 3001 characters [json-pointer:/blocks/1/text/text]",
        ),
        ([_section(text=_marked(""))], "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
        (
            [_section(text=_marked("s") | {"emoji": True})],
            "no more fields allowed: emoji [json-pointer:/blocks/0/text]",
        ),
        ([_section(fields=[_marked("f")] * 11)], "no more than 10 items allowed [json-pointer:/blocks/0/fields]"),
        (
            [_section(fields=[_marked("f" * 2_001)])],
            "must be less than 2001 characters [json-pointer:/blocks/0/fields/0/text]",
        ),
        (
            [{"type": "context", "elements": [_marked("c")] * 11}],
            "no more than 10 items allowed [json-pointer:/blocks/0/elements]",
        ),
        ([_actions(url="u" * 3_001)], "must be less than 3001 characters [json-pointer:/blocks/0/elements/0/url]"),
        ([_actions(style="loud")], "style must be primary or danger [json-pointer:/blocks/0/elements/0/style]"),
        (
            [_actions(text=_plain("b" * 76))],
            "must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]",
        ),
        ([_section(fields=_marked("f"))], "must be an array [json-pointer:/blocks/0/fields]"),
        ([_section(fields=[])], "no fewer than 1 items allowed [json-pointer:/blocks/0/fields]"),
        ([_section(text=_marked("s") | {"text": 5})], "must provide a string [json-pointer:/blocks/0/text/text]"),
        (
            [_section(text=_marked("s"), accessory={"type": "image", "image_url": "u"})],
            "must provide a string [json-pointer:/blocks/0/accessory/alt_text]",
        ),
        (
            [{"type": "actions", "elements": ["see"]}],
            "missing required field: type [json-pointer:/blocks/0/elements/0]",
        ),
        ([{"type": "banner"}], "unsupported type: banner [json-pointer:/blocks/0/type]"),
        (["text"], "must be an object [json-pointer:/blocks/0]"),
        (
            [DIVIDER | {"block_id": "a"}, DIVIDER | {"block_id": "a"}],
            "block_id already exists: a [json-pointer:/blocks/1/block_id]",
        ),
    ],
)
def test_one_step_too_far_is_named_with_its_place(blocks: list[Any], complaint: str) -> None:
    assert complaints(blocks) == [complaint]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("plain & simple", []),
        ("&lt;!channel&gt;", []),
        ("a <!channel> b <https://x.example|here>", ["<!channel>", "<https://x.example|here>"]),
        ("3 < 5", []),
        ("5 > 3 <", []),
    ],
    ids=["plain", "escaped", "mention and link", "a lone bracket", "the wrong way round"],
)
def test_mentions_and_links_are_found_in_text_that_was_not_escaped(text: str, found: list[str]) -> None:
    assert control_sequences(text) == found
