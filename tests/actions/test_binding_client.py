"""The typed client of binding against binding's own OpenAPI document: what it sends is asked for, what it reads is promised."""
from __future__ import annotations

import asyncio
import inspect
import re
import types
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

import jsonschema_rs
import pytest

from actions import binding_client
from actions.binding_client import Binding
from binding.api.app import create_app

DOCUMENT = create_app().openapi()
SCHEMAS = DOCUMENT["components"]["schemas"]
EACH: dict[str, tuple[dict[str, Any], str]] = {  # method: (arguments, shape that it returns)
    "cards": ({}, "Card"),
    "wallets": ({}, "Wallet"),
    "agreements": ({"card_id": "card_1"}, "Agreement"),
    "operations": ({"limit": 5}, "Operation"),
    "operation": ({"operation_id": "op_1"}, "Operation"),
    "create_operation": ({"kind": "card.unbind", "target": "card_1", "key": "k"}, "Operation"),
    "create_challenge": ({"operation_id": "op_1", "method": "sms", "effects_version": "v", "key": "k"}, "Challenge"),
    "verify": ({"challenge_id": "chl_1", "code": "123456", "effects_version": "v", "key": "k"}, "Operation"),
    "cancel": ({"operation_id": "op_1", "key": "k"}, "Operation"),
}


class Sent:
    """What the client handed to the wire."""

    def __init__(self) -> None:
        self.method = self.path = ""
        self.headers: dict[str, str] = {}
        self.params: dict[str, Any] = {}
        self.body: dict[str, Any] | None = None

    async def take(self, method: str, url: str, *, headers: dict[str, str], body: Any = None, params: Any = None) -> dict[str, Any]:
        """Stands in for `actions.http.call`; answers with an empty last page, which is an empty object as well."""
        self.method, self.path, self.headers, self.body = method, urlsplit(url).path, headers, body
        self.params = {name: value for name, value in (params or {}).items() if value is not None}
        return {"items": [], "next_cursor": None}


@pytest.fixture()
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    made = Sent()
    monkeypatch.setattr(binding_client, "call", made.take)
    return made


def route_of(method: str, path: str) -> dict[str, Any]:
    """Finds the one route of the document that a request is for."""
    for template, methods in DOCUMENT["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) and method.lower() in methods:
            return methods[method.lower()]
    raise AssertionError(f"the document has no {method} {path}")


def whole(schema: dict[str, Any]) -> dict[str, Any]:
    """Gives a schema the components that it refers to."""
    return schema | {"components": DOCUMENT["components"]}


def answer_of(route: dict[str, Any]) -> dict[str, Any]:
    """Returns the schema of the first good answer; of a page, that of its objects."""
    good = next(answer for status, answer in route["responses"].items() if status.startswith("2"))
    schema = good["content"]["application/json"]["schema"]
    shape = SCHEMAS[schema["$ref"].rsplit("/", 1)[1]]
    items = shape["properties"].get("items")
    return SCHEMAS[items["items"]["$ref"].rsplit("/", 1)[1]] if items else shape


def test_every_method_of_the_client_is_looked_at() -> None:
    public = {name for name, _ in inspect.getmembers(Binding, inspect.isfunction) if not name.startswith("_")}
    assert public == set(EACH)


@pytest.mark.parametrize("name", EACH)
def test_a_request_is_one_that_the_document_asks_for(sent: Sent, name: str) -> None:
    arguments, _ = EACH[name]
    asyncio.run(getattr(Binding(token="t"), name)(**arguments))
    route = route_of(sent.method, sent.path)
    declared = {(p["in"], p["name"].lower()): p for p in route.get("parameters", ())}
    for where, given in (("query", sent.params), ("header", sent.headers)):
        known = {n for place, n in declared if place == where}
        assert {n.lower() for n in given} <= known, "nothing is sent that the document does not know"
        needed = {n for (place, n), p in declared.items() if place == where and p.get("required")}
        assert needed <= {n.lower() for n in given}
    for parameter, value in sent.params.items():
        jsonschema_rs.validator_for(whole(declared["query", parameter.lower()]["schema"])).validate(value)
    if sent.method == "POST":
        assert sent.headers["Idempotency-Key"] == "k"
        content = route["requestBody"]["content"]["application/json"]["schema"]
        jsonschema_rs.validator_for(whole(content)).validate(sent.body)


@pytest.mark.parametrize("name", EACH)
def test_an_answer_is_the_shape_that_the_client_reads(sent: Sent, name: str) -> None:
    arguments, shape = EACH[name]
    asyncio.run(getattr(Binding(token="t"), name)(**arguments))
    assert answer_of(route_of(sent.method, sent.path))["title"] == shape


@pytest.mark.parametrize("shape", ["Card", "Wallet", "Agreement", "Operation"])
def test_what_the_client_reads_is_promised_with_its_type(shape: str) -> None:
    promised, read = SCHEMAS[shape], get_type_hints(getattr(binding_client, shape))
    for field, hint in read.items():
        assert field in promised["required"], f"{shape}.{field} is always there"
        offered = kinds_of_schema(promised["properties"][field])
        assert offered <= kinds_of_hint(hint), f"{shape}.{field} may be {offered}"


JSON = {str: "string", int: "integer", bool: "boolean", type(None): "null", dict: "object", list: "array"}


def kinds_of_hint(hint: Any) -> set[str]:
    """Lists the JSON types that a type hint has room for."""
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return set().union(*(kinds_of_hint(one) for one in get_args(hint)))
    if origin is Literal:
        return {JSON[type(one)] for one in get_args(hint)}
    return {JSON[origin or hint]}


def kinds_of_schema(schema: dict[str, Any]) -> set[str]:
    """Lists the JSON types that a schema allows."""
    if "anyOf" in schema:
        return set().union(*(kinds_of_schema(one) for one in schema["anyOf"]))
    if "$ref" in schema:
        return kinds_of_schema(SCHEMAS[schema["$ref"].rsplit("/", 1)[1]])
    return {schema["type"]}
