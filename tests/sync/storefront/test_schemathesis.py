"""Whatever the published document allows, and much that it does not, is answered as the document says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from sync.storefront.openapi import openapi
from tests.sync.storefront.forgeries import sign_again
from tests.sync.storefront.listener import SECRET, Listener, parameters

EXAMPLES = 150
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
    allow_header_conformance,
]
SCHEMA: Any = schemathesis.openapi.from_dict(json.loads(json.dumps(openapi("1.2.3"))))
OPERATIONS = {each.ok().label: each.ok() for each in SCHEMA.get_all_operations()}


def signed(query: Mapping[str, Any]) -> dict[str, str]:
    """Return a query as Shopify passes it on: whatever a visitor wrote, and Shopify's own."""
    own = {str(name): "" if value is None else str(value) for name, value in query.items() if name != "signature"}
    pairs = parameters(own)
    return {**pairs, "signature": sign_again(list(pairs.items()), SECRET.encode())}


def test_all_seven_are_asked() -> None:
    assert len(OPERATIONS) == 7


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("label", OPERATIONS)
def test_every_answer_is_one_that_is_described(label: str, mode: GenerationMode) -> None:
    listener, statuses = Listener(), set[int]()
    with asyncio.Runner() as runner:

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
        )
        @given(case=OPERATIONS[label].as_strategy(generation_mode=mode))
        def ask(case: Any) -> None:
            case.query = signed(case.query or {})
            kwargs = case.as_transport_kwargs(base_url="https://hooks.example")
            kwargs.pop("cookies", None)
            if not isinstance(kwargs.get("data", b""), str | bytes):
                kwargs["data"] = json.dumps(kwargs["data"], default=str).encode()
            kwargs["content"] = kwargs.pop("data", None)
            kwargs["headers"] = [
                (name.encode("latin-1", "replace"), str(value).encode("latin-1", "replace"))
                for name, value in dict(kwargs["headers"]).items()
            ]
            answer: httpx.Response = runner.run(listener.client.request(**kwargs))
            statuses.add(answer.status_code)
            case.validate_response(answer, checks=CHECKS)

        ask()
    assert statuses - {400, 401} or mode is GenerationMode.NEGATIVE, statuses
