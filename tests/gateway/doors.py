"""Every door of the two ports, read from the application itself, with a body that fits each; so a new route is covered by itself."""

from __future__ import annotations

import functools
import pathlib
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from gateway import app, settings
from gateway.services import Services
from tools import secrets


@dataclass(frozen=True)
class Door:
    """One method of one path; `body`: field name → JSON schema; `query`: names of parameters."""

    method: str
    path: str
    body: dict[str, Any] = field(default_factory=dict)
    query: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def _flat(routes: list[Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for route in routes:
        if hasattr(route, "methods"):
            for method in sorted(route.methods or ()):
                yield method, prefix + route.path.replace(":path}", "}")
        elif inner := getattr(route, "original_router", None) or (route if hasattr(route, "routes") else None):
            yield from _flat(inner.routes, prefix + getattr(getattr(route, "include_context", None), "prefix", ""))


@functools.cache
def doors(*, internal: bool = False) -> list[Door]:
    """Returns all doors of the gateway's public application (or of the internal one), as in the sandbox; no process is started."""
    home = pathlib.Path(tempfile.mkdtemp(prefix="jiebang-doors-"))
    made = secrets.ensure(folder=home)
    made |= {"BINDING_SERVICE_TOKEN": made["GATEWAY_BINDING_SERVICE_TOKEN"], "JIEBANG_SANDBOX": "1"}
    services = Services(settings.load({**made, "JIEBANG_HOME": str(home)}))
    try:
        application = app.private(services).app if internal else app.public(services).other_asgi_app.app
        with warnings.catch_warnings(action="ignore"):
            schema = application.openapi()
        found = []
        kinds = schema["components"]["schemas"]
        known = set(_flat(application.routes))
        known |= {(method.upper(), path) for path, entry in schema["paths"].items() for method in entry}
        for method, path in sorted(known):
            entry = schema["paths"].get(path, {}).get(method.lower(), {})
            content = entry.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            refs = [content, *content.get("anyOf", [])]
            kind = next((kinds[one["$ref"].rpartition("/")[2]] for one in refs if "$ref" in one), {})
            query = tuple(one["name"] for one in entry.get("parameters", []) if one["in"] == "query")
            found.append(Door(method, path, kind.get("properties", {}), query))
        return found
    finally:
        services.database.close()
        shutil.rmtree(home, ignore_errors=True)


def body_of(door: Door, **known: Any) -> dict[str, Any]:
    """Returns a body of the right shape: `known` values by name, and something that fits for the others."""
    made: dict[str, Any] = {}
    for name, shape in door.body.items():
        shapes = [shape, *shape.get("anyOf", [])]
        choice = next(
            (one["enum"][0] if "enum" in one else one["const"] for one in shapes if {"enum", "const"} & set(one)), None
        )
        kinds = {one.get("type") for one in shapes}
        if name in known:
            made[name] = known[name]
        elif name == "client_id":
            made[name] = uuid.uuid4().hex
        elif choice is not None:
            made[name] = choice
        else:
            made[name] = 5 if "integer" in kinds else True if "boolean" in kinds else "something"
    return made
