"""Secrets that pass through the backend are in no log and no table afterwards."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from .conftest import Cluster, Customer
from .test_secure_page import DETAILS


def test_no_secret_stays_behind(cluster: Cluster, record_property: Callable[[str, Any], None]) -> None:
    password = "802743"
    customer = cluster.customer(
        payment_password=password, cards=[{"bank": "cmb", "tail": "1234"}, {"bank": "icbc", "tail": "5678"}]
    )
    canaries = {"password": password, "ticket": "", **{k: DETAILS[k] for k in ("number", "id_number", "holder")}}
    tokens = [cluster.token(customer.account) for _ in range(3)]

    op = customer.unbind("1234")
    challenge = customer.challenge(op)
    canaries["code"] = customer.code()
    canaries["wrong code"] = customer.wrong_code()
    customer.answer(op, challenge, canaries["wrong code"], expect=422)
    customer.answer(op, challenge, canaries["code"], expect=200)

    bind = customer.ask("card.bind", "cmb")
    page = customer.challenge(bind, method="payment_password")["url"]
    canaries["ticket"] = page.rsplit("/", 1)[1]
    post(cluster, page, tokens[0], DETAILS, 202)
    customer.until(bind, "succeeded")

    other = customer.unbind("5678")
    page = customer.challenge(other, method="payment_password")["url"]
    post(cluster, page, tokens[1], {"password": "802744"}, 422)
    post(cluster, page, tokens[1], {"password": password, "nonsense": "x" * 10}, 422)
    post(cluster, page, tokens[1], {"password": password}, 202)
    customer.until(other, "succeeded")
    for broken in (tokens[2][:-6], f"{tokens[2]}x"):
        headers = {"Authorization": f"Bearer {cluster.service_token}", "X-Customer-Token": broken}
        assert cluster.http.get(f"{cluster.base}/v1/cards", headers=headers).status_code == 401
    canaries |= {f"token {n}": token for n, token in enumerate(tokens)}
    canaries["service token"] = cluster.service_token

    logs, rows = haystack(cluster, customer)
    record_property("canaries", len(canaries))
    record_property("log lines", len(logs))
    record_property("rows", len(rows))
    found = [(name, where) for name, secret in canaries.items() for where in logs + rows if has(where, secret)]
    assert [(name, where[:60]) for name, where in found] == []


def post(cluster: Cluster, page: str, token: str, form: dict[str, str], expect: int) -> None:
    answer = cluster.http.post(cluster.base + page, json=form, headers={"X-Customer-Token": token}, timeout=20)
    assert answer.status_code == expect, answer.text


def haystack(cluster: Cluster, customer: Customer) -> tuple[list[str], list[str]]:
    """Read the log of the backend, and every row of its database (the phone's and the bank's are other companies')."""
    logs = [line for log in cluster.home.glob("binding-*.log") for line in log.read_text().splitlines()]
    rows = []
    engine = cluster.engine()
    with engine.connect() as connection:
        for schema in (None, "dbos") if engine.dialect.name == "postgresql" else (None,):
            for table in sa.inspect(connection).get_table_names(schema=schema):
                name = f"{schema}.{table}" if schema else table
                for row in connection.exec_driver_sql(f"SELECT * FROM {name}"):
                    rows.append(f"{table}: " + " ".join(str(v) for v in row))
    assert any(customer.account in row for row in rows)
    return logs, rows


def has(text: str, secret: str) -> bool:
    """Tell whether a text holds a secret; six digits count where they stand alone, not inside an id or a fraction."""
    if re.fullmatch("[0-9]{6}", secret):
        return re.search(rf"(?<![0-9a-zA-Z.]){secret}(?![0-9a-zA-Z])", text) is not None
    return secret in text
