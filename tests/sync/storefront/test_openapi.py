"""The published document says what the routes do, no more and no less."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from sync.storefront.openapi import openapi
from tests.sync.storefront.listener import BODIES, ROUTES, Listener

DOCUMENT = openapi("1.2.3")


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    if isinstance(value, list):
        for inner in value:
            yield from references(inner)


def resolved(schema: Any) -> Any:
    while "$ref" in schema:
        found: Any = DOCUMENT
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        schema = found
    return schema


def test_it_lists_the_seven_routes() -> None:
    listed = {path: {method.upper() for method in methods} for path, methods in DOCUMENT["paths"].items()}
    assert listed == {path: set(methods) for path, methods in ROUTES.items()}


def test_every_reference_leads_somewhere() -> None:
    found = list(references(json.loads(json.dumps(DOCUMENT))))
    assert len(found) > 20
    for reference in found:
        assert isinstance(resolved({"$ref": reference}), dict), reference


def test_every_field_that_is_read_is_described() -> None:
    for path, body in BODIES.items():
        operation = DOCUMENT["paths"][path]["post"]
        schema = resolved(operation["requestBody"]["content"]["application/json"]["schema"])
        assert set(body) <= set(schema["properties"]), path
    assert set(resolved({"$ref": "#/components/schemas/ReserveBody"})["properties"]) == {
        "lightspeedId",
        "variantId",
        "quantity",
        "reservationId",
        "cartToken",
        "expiresAt",
    }


ANSWERED = [
    ("/inventory", "GET", {}, None, 200),
    ("/availability", "GET", {"variant_id": "44001"}, None, 200),
    ("/availability", "GET", {"variant_id": "1"}, None, 200),
    ("/reserve", "POST", {}, {"lightspeedId": 1, "quantity": 1}, 200),
    ("/reserve", "POST", {}, {"lightspeedId": 1, "quantity": 99}, 409),
    ("/reserve", "PUT", {}, {"reservationId": "x", "quantity": 9}, 409),
    ("/release", "POST", {}, {"reservationId": "x"}, 200),
    ("/sync", "POST", {}, BODIES["/sync"], 200),
    ("/orders", "POST", {}, BODIES["/orders"], 202),
]


@pytest.mark.anyio
@pytest.mark.parametrize(("path", "method", "own", "body", "status"), ANSWERED)
async def test_what_is_answered_has_the_fields_described(
    path: str, method: str, own: dict[str, str], body: object, status: int
) -> None:
    listener = Listener()
    answer = await (listener.get(path, **own) if body is None else listener.send(path, body, method))
    assert answer.status_code == status
    described = DOCUMENT["paths"][path][method.lower()]["responses"][str(status)]
    schema = resolved(described["content"]["application/json"]["schema"])
    told = answer.json()
    assert set(schema["required"]) <= set(told) <= set(schema["properties"])
    for field, value in told.items():
        assert_fits(value, schema["properties"][field])


def assert_fits(value: object, schema: Any) -> None:
    kinds = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict, "null": type(None)}
    named = schema.get("type")
    if named is not None:
        assert isinstance(value, tuple(kinds[each] for each in ([named] if isinstance(named, str) else named)))
    assert value in schema.get("enum", [schema.get("const", value)])
    if isinstance(value, list):
        for each in value:
            assert set(each) == set(schema["items"]["properties"])
