"""The OpenAPI document is the contract: whatever is sent, the answer is one that it names."""

from __future__ import annotations

import os
import uuid

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from binding.api.app import create_app

from .conftest import Cluster

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = int(os.environ.get("BINDING_CONTRACT_EXAMPLES", "15"))


document = schemathesis.openapi.from_dict(create_app().openapi()).include(path_regex="^/v1/")
OPERATIONS = {operation.ok().label: operation.ok() for operation in document.get_all_operations()}


@pytest.mark.parametrize("label", sorted(OPERATIONS))
def test_every_answer_is_in_the_contract(shared: Cluster, label: str) -> None:
    @given(case=OPERATIONS[label].as_strategy())
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    def agree(case: schemathesis.Case) -> None:
        headers = {
            "Authorization": f"Bearer {shared.service_token}",
            "X-Customer-Token": shared.token("demo-zh"),
            "Idempotency-Key": uuid.uuid4().hex,
        }
        case.call_and_validate(base_url=shared.base, headers=headers, checks=CHECKS)

    agree()
