"""The seven routes as an OpenAPI 3.1 document, its bodies made of the models that read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel

from sync.reservations import Refusal
from sync.storefront.answers import WORDS, WRONG_HOST_WORDS
from sync.storefront.bodies import ChangeBody, OrdersBody, ReleaseBody, ReserveBody, SyncBody
from sync.storefront.door import LARGEST_BODY
from sync.storefront.pages import LARGEST, USUAL
from sync.storefront.routes import MOST_OFFSET, PREFIX
from sync.storefront.signature import WINDOW

_MODELS: tuple[type[BaseModel], ...] = (ReserveBody, ChangeBody, ReleaseBody, SyncBody, OrdersBody)
_TEXT, _WHOLE, _FLAG = {"type": "string"}, {"type": "integer", "minimum": 0}, {"type": "boolean"}
_MOMENT = {"type": "string", "format": "date-time"}
_ID = {"type": "string", "pattern": "^((gid://shopify/[A-Za-z]{1,40}/)?0*[1-9][0-9]{0,19})?$", "maxLength": 64}


def openapi(version: str) -> Mapping[str, Any]:
    """Return the document for a version of ours."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "lightspeed-sync storefront",
            "version": version,
            "description": "What a shop's theme may ask through Shopify's app proxy. Ids may be numbers or texts; "
            f"fields that are not listed are ignored; a body has at most {LARGEST_BODY} bytes and is strict JSON.",
        },
        "servers": [{"url": PREFIX}, {"url": "/"}],
        "security": [{"proxy": []}],
        "paths": _paths(),
        "components": {
            "schemas": {**_schemas(), **_answers()},
            "responses": _refusals(),
            "securitySchemes": _proofs(),
        },
    }


def _paths() -> Mapping[str, Any]:
    since = {**_MOMENT, "description": "Only what changed at or after this moment."}
    return {
        "/inventory": {
            "get": {
                "operationId": "inventory",
                "summary": "What may be promised online, item by item.",
                "parameters": [
                    _query("limit", {"type": "integer", "minimum": 1, "maximum": LARGEST, "default": USUAL}),
                    _query("offset", {"type": "integer", "minimum": 0, "maximum": MOST_OFFSET, "default": 0}),
                    _query("updatedSince", since),
                    {"name": "If-None-Match", "in": "header", "schema": {"type": "string", "pattern": "^[!-~]*$"}},
                ],
                "responses": {
                    **_responses({200: "Inventory"}, limited=False, reads=False),
                    "304": {"description": "The page is the one whose ETag was sent."},
                },
            }
        },
        "/availability": {
            "get": {
                "operationId": "availability",
                "summary": "How much of one item this visitor can have; at least one of the ids is needed.",
                "parameters": [_query("lightspeed_id", _ID), _query("variant_id", _ID)],
                "responses": _responses({200: "Availability"}, limited=False, reads=False),
            }
        },
        "/reserve": {
            "post": _writing("reserve", ReserveBody, {200: "Reserved", 409: "NotReserved"}, "Hold units for a while."),
            "put": _writing("change", ChangeBody, {200: "Reserved", 409: "NotReserved"}, "Hold more or fewer units."),
        },
        "/release": {"post": _writing("release", ReleaseBody, {200: "Released"}, "Give a reservation up.")},
        "/sync": {
            "post": _writing("sync", SyncBody, {200: "Synced"}, "Have the stock of items looked at soon.", hint=True)
        },
        "/orders": {
            "post": _writing(
                "orders", OrdersBody, {200: "Processed", 202: "Accepted"}, "Have an order looked at soon.", hint=True
            )
        },
    }


def _query(name: str, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"name": name, "in": "query", "schema": schema}


def _writing(
    name: str, model: type[BaseModel], answers: Mapping[int, str], summary: str, *, hint: bool = False
) -> Mapping[str, Any]:
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {
        "operationId": name,
        "summary": summary,
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "responses": _responses(answers, limited=name != "sync", reads=True),
        **({"security": [{"proxy": []}, {"body": []}]} if hint else {}),
    }


def _responses(answers: Mapping[int, str], *, limited: bool, reads: bool) -> dict[str, Any]:
    told = {
        str(status): {
            "description": name,
            "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}},
        }
        for status, name in answers.items()
    }
    statuses = [400, 401, *([413] if reads else []), *([429] if limited else []), 503]
    return told | {str(status): {"$ref": f"#/components/responses/{status}"} for status in statuses}


def _schemas() -> Mapping[str, Any]:
    """Return the bodies' schemas, each with what it refers to."""
    found: dict[str, Any] = {}
    for model in _MODELS:
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        found |= schema.pop("$defs", {})
        found[model.__name__] = schema
    return found


def _object(**fields: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"type": "object", "properties": fields, "required": list(fields)}


def _answers() -> Mapping[str, Any]:
    item = _object(
        itemID=_TEXT,
        variantId=_TEXT,
        sku=_TEXT,
        description=_TEXT,
        qtyOnHand=_WHOLE,
        qoh=_WHOLE,
        available=_WHOLE,
        timeStamp=_MOMENT,
    )
    pagination = _object(count=_WHOLE, limit=_WHOLE, offset=_WHOLE)
    checkable = _object(variantId=_TEXT, inventoryItemId=_TEXT, quantity=_WHOLE)
    maybe_text, maybe_moment = {"type": ["string", "null"]}, {**_MOMENT, "type": ["string", "null"]}
    known = _object(
        itemID=maybe_text, variantId=maybe_text, quantity=_WHOLE, available=_FLAG, asOf=maybe_moment, known=_FLAG
    )
    return {
        "Inventory": _object(items={"type": "array", "items": item}, pagination=pagination, asOf=maybe_moment),
        "Availability": {**known, "properties": {**known["properties"], "message": _TEXT}},
        "Reserved": _object(
            reservationId=_TEXT, status={"enum": ["reserved", "updated"]}, quantity=_WHOLE, expiresAt=_MOMENT
        ),
        "NotReserved": _object(error={"enum": [each.value for each in Refusal]}, message=_TEXT, quantity=_WHOLE),
        "Released": _object(reservationId=_TEXT, status={"const": "released"}),
        "Synced": _object(status={"enum": ["synced", "queued", "noop"]}, results={"type": "array", "items": checkable}),
        "Processed": _object(status={"const": "processed"}, saleId=_TEXT, sale=_object(saleID=_TEXT)),
        "Accepted": _object(status={"const": "accepted"}),
    }


def _refusals() -> Mapping[str, Any]:
    told = {status: [words] for status, words in WORDS.items()}
    told[HTTPStatus.BAD_REQUEST].append(WRONG_HOST_WORDS)
    return {
        str(int(status)): {
            "description": " ".join(message for _, message in each),
            "content": {"application/json": {"schema": _either(each)}},
        }
        for status, each in told.items()
    }


def _either(told: Sequence[tuple[str, str]]) -> Mapping[str, Any]:
    """Return the schema of an answer in one of these words."""
    bodies = [_object(error={"const": error}, message={"const": message}) for error, message in told]
    return bodies[0] if len(bodies) == 1 else {"anyOf": bodies}


def _proofs() -> Mapping[str, Any]:
    return {
        "proxy": {
            "type": "apiKey",
            "in": "query",
            "name": "signature",
            "description": "Shopify's app proxy adds `shop`, `path_prefix`, `timestamp`, `logged_in_customer_id` and "
            "this: hexadecimal HMAC-SHA256 of all others, decoded, as `name=value`, sorted, without anything between "
            f"them. No older than {WINDOW.total_seconds():.0f} s.",
        },
        "body": {
            "type": "apiKey",
            "in": "header",
            "name": "X-Shopify-Hmac-Sha256",
            "description": "From a server, without a query: base64 HMAC-SHA256 of the raw body, with the shop in "
            "`X-Shopify-Shop-Domain`.",
        },
    }
