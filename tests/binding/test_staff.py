"""The staff's view: who may look, what is shown, and the review that needs two people."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from . import forks
from .browser import Browser
from .conftest import Cluster, Customer, eventually
from .test_start import GOOD


@pytest.fixture
def stuck(cluster: Cluster) -> Iterator[tuple[Customer, str]]:
    """An operation in manual review."""
    customer = cluster.customer(
        cards=[{"bank": "cmb", "tail": "1234"}],
        operations=[{"kind": "card.unbind", "target": "1234", "status": "manual_review"}],
    )
    yield customer, customer.get("/operations?open=true")["items"][0]["id"]


def add(cluster: Cluster, name: str, password: str) -> subprocess.CompletedProcess[str]:
    return cluster.run("-m", "binding.staff", "add", name, given=password + "\n")


@pytest.mark.parametrize("path", ["/", "/operations", "/review", "/audit", "/notices", "/accounts/demo-zh", "/nowhere"])
def test_without_sign_in_every_page_is_the_sign_in_page(cluster: Cluster, path: str) -> None:
    browser = Browser(cluster)
    answer = browser.http.get(browser.base + path, allow_redirects=False, timeout=10)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert 'name="password"' in browser.get(path)


def test_nothing_changes_without_sign_in(cluster: Cluster, stuck: tuple[Customer, str]) -> None:
    customer, op = stuck
    browser = Browser(cluster)
    answer = browser.http.post(
        f"{browser.base}/review/{op}/propose", data={"outcome": "failed", "reason": "no such request"},
        allow_redirects=False, timeout=10,
    )  # fmt: skip
    assert answer.headers["location"] == "/sign-in"
    assert customer.operation({"id": op})["status"] == "manual_review"


def test_two_people_finish_what_the_bank_never_said(cluster: Cluster, stuck: tuple[Customer, str]) -> None:
    customer, op = stuck
    first, second = Browser(cluster).signed_in("reviewer1"), Browser(cluster).signed_in("reviewer2")
    assert op in first.get(f"/review/{op}") and "pending" in first.page
    first.submit(f"/review/{op}/propose", outcome="succeeded", reason="the bank's letter of 3 May names it done")
    assert "A second person has to confirm." in first.page

    decision = re.findall(r"/decisions/(dec_\w+)/", first.page)[0]
    assert "cannot confirm it" in first.submit(f"/decisions/{decision}/confirm", expect=403)
    assert customer.operation({"id": op})["status"] == "manual_review"

    assert "the bank&#39;s letter of 3 May" in second.get(f"/review/{op}")
    second.submit(f"/decisions/{decision}/confirm")
    done = customer.until({"id": op}, "succeeded")
    assert done["finished_at"] and customer.card("1234")["state"] == "unbound"
    eventually(lambda: [m for m in customer.messages() if "解除绑定" in m["text"]], what="the notice")
    told = eventually(lambda: cluster.sink.of(op), what="the event")
    assert told[-1]["data"]["operation"]["status"] == "succeeded"

    query = sa.text("SELECT event, actor FROM audit_log WHERE operation_id = :id ORDER BY seq")
    with cluster.engine().connect() as connection:
        lines = [tuple(r) for r in connection.execute(query, {"id": op}) if r.event != "operation.reassigned"]
    assert lines[-3:] == [
        ("review.proposed", "staff:reviewer1"),
        ("review.confirmed", "staff:reviewer2"),
        ("operation.succeeded", "staff:reviewer1+reviewer2"),
    ]
    assert "Verified, nothing was changed" in second.get(f"/operations/{op}")
    assert "reviewer1 + reviewer2" in second.page


def test_a_failure_puts_the_card_back_and_says_so(cluster: Cluster, stuck: tuple[Customer, str]) -> None:
    customer, op = stuck
    first, second = Browser(cluster).signed_in("reviewer2"), Browser(cluster).signed_in("reviewer1")
    first.get(f"/review/{op}")
    first.submit(f"/review/{op}/propose", outcome="failed", reason="card 6225880212345678 is still signed")
    assert "6225880212345678" not in first.page and "card [number] is still signed" in first.page
    second.get(f"/review/{op}")
    second.submit(f"/decisions/{re.findall(r'/decisions/(dec_[a-z0-9]+)/', second.page)[0]}/confirm")
    shown = customer.until({"id": op}, "failed")
    assert shown["reason_code"] == "manual_review" and customer.card("1234")["state"] == "bound"


def test_a_proposal_can_be_turned_down_and_made_again(cluster: Cluster, stuck: tuple[Customer, str]) -> None:
    customer, op = stuck
    first, second = Browser(cluster).signed_in("reviewer1"), Browser(cluster).signed_in("reviewer2")
    first.get(f"/review/{op}")
    assert "at least five characters" in first.submit(
        f"/review/{op}/propose", expect=422, outcome="failed", reason="no"
    )
    first.get(f"/review/{op}")
    first.submit(f"/review/{op}/propose", outcome="failed", reason="never arrived there")
    second.get(f"/review/{op}")
    again = second.submit(f"/review/{op}/propose", expect=409, outcome="succeeded", reason="it did arrive")
    assert "There is a proposal" in again
    second.get(f"/review/{op}")
    decision = re.findall(r"/decisions/(dec_\w+)/", second.page)[0]
    second.submit(f"/decisions/{decision}/turn-down")
    second.get(f"/review/{op}")
    second.submit(f"/review/{op}/propose", outcome="succeeded", reason="it did arrive")
    first.get(f"/review/{op}")
    assert "has been decided" in first.submit(f"/decisions/{decision}/confirm", expect=409)
    assert customer.operation({"id": op})["status"] == "manual_review"


def test_the_bank_can_be_asked_from_the_page(cluster: Cluster, stuck: tuple[Customer, str]) -> None:
    customer, op = stuck
    browser = Browser(cluster).signed_in("reviewer1")
    browser.get(f"/review/{op}")
    browser.submit(f"/review/{op}/propose", outcome="failed", reason="it never arrived")
    cluster.settle()
    customer.until({"id": op}, "succeeded")
    other = Browser(cluster).signed_in("reviewer2")
    assert "not in review" in other.get(f"/review/{op}")
    with cluster.engine().connect() as connection:
        decision = connection.execute(sa.text("SELECT id FROM decisions WHERE operation_id = :o"), {"o": op}).scalar()
    assert "not in review" in other.submit(f"/decisions/{decision}/confirm", expect=409)


def test_the_database_refuses_one_person_as_both(cluster: Cluster, stuck: tuple[Customer, str]) -> None:
    customer, op = stuck
    insert = sa.text(
        "INSERT INTO decisions (id, account_id, operation_id, outcome, reason, state, proposed_by, proposed_at, decided_by) "
        "VALUES (:i, :a, :o, 'failed', 'r', 'confirmed', 'reviewer1', '2026-01-01', 'reviewer1')"
    )
    with pytest.raises(sa.exc.IntegrityError), cluster.engine().begin() as connection:
        connection.execute(insert, {"i": uuid.uuid4().hex, "a": customer.account, "o": op})


def test_a_form_of_another_site_is_refused(cluster: Cluster, stuck: tuple[Customer, str]) -> None:
    _, op = stuck
    browser = Browser(cluster).signed_in("reviewer1")
    path, form = f"/review/{op}/propose", {"outcome": "failed", "reason": "never arrived"}
    for wrong in ({}, {"csrf": ""}, {"csrf": "0" * 64}):
        assert "no longer valid" in browser.post(path, expect=403, **form, **wrong)
    browser.get(f"/review/{op}")
    token = re.findall(r'name="csrf" value="(\w+)"', browser.page)[0]
    other = Browser(cluster).signed_in("reviewer2")
    other.post(path, expect=403, **form, csrf=token)
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        browser.post(path, expect=403, headers=headers, **form, csrf=token)
        Browser(cluster).post("/sign-in", expect=403, headers=headers, username="reviewer1", password="reviewer1")
    assert browser.http.get(browser.base + "/", headers={"Host": "evil.example"}, timeout=10).status_code == 400


def test_the_cookie_and_the_pages_give_nothing_away(cluster: Cluster) -> None:
    customer = cluster.customer(cards=[{"bank": "cmb", "tail": "1234"}])
    op = customer.unbind("1234")
    customer.verified(op)
    browser = Browser(cluster)
    answer = browser.http.post(
        browser.base + "/sign-in",
        data={"username": "reviewer1", "password": "reviewer1"},
        allow_redirects=False,
        timeout=10,
    )
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie
    with cluster.engine().connect() as connection:
        hashes = list(
            connection.scalars(sa.text("SELECT secret_hash FROM challenges WHERE operation_id = :o"), {"o": op["id"]})
        )
    pages = [
        browser.get(f"/operations/{op['id']}"),
        browser.get(f"/accounts/{customer.account}"),
        browser.get("/notices"),
    ]
    phone = customer.truth()["phone"]
    assert hashes and not any(secret in page for page in pages for secret in [*hashes, customer.code(), phone])
    assert "**** 1234" in pages[1] and f"{phone[:3]}****{phone[-4:]}" in pages[1]
    policy = browser.http.get(browser.base + "/operations", timeout=10).headers["content-security-policy"]
    assert "script-src" not in policy and "default-src 'none'" in policy
    assert "findings" not in browser.get("/audit") and "Verified" in browser.page and "staff.looked" in browser.page
    browser.submit("/sign-out")
    assert 'name="password"' in browser.get("/operations")


def test_every_look_at_a_customers_data_is_a_line(cluster: Cluster, stuck: tuple[Customer, str]) -> None:
    customer, op = stuck
    other = cluster.customer(cards=[{"bank": "cmb", "tail": "1234"}])
    other.verified(other.unbind("1234"))
    name = f"looker-{uuid.uuid4().hex[:8]}"
    add(cluster, name, "a long enough secret")
    browser = Browser(cluster).signed_in(name, "a long enough secret")
    lines = sa.text("SELECT data FROM audit_log WHERE event = 'staff.looked' AND actor = :who ORDER BY seq")

    def looks() -> list[dict]:
        with cluster.engine().connect() as connection:
            found = connection.scalars(lines, {"who": f"staff:{name}"}).all()
        return [json.loads(data) if isinstance(data, str) else data for data in found]

    for path, what, about in (
        (f"/review/{op}", op, customer.account),
        (f"/operations/{op}", op, customer.account),
        (f"/accounts/{customer.account}", "account", customer.account),
        (f"/operations?q={op}", "operations", [customer.account]),
    ):
        browser.get(path)
        assert looks()[-1] == {"about": about, "what": what}, path
    for path, what, whose in (("/operations", "operations", customer), ("/review", "review", customer), ("/notices", "notices", other)):
        browser.get(path)
        assert looks()[-1]["what"] == what and whose.account in looks()[-1]["about"], path
    seen = len(looks())
    browser.get("/operations?q=op_nobodys")
    assert len(looks()) == seen, "a list that showed nothing is no look"


def test_pages_exist_in_chinese_too(cluster: Cluster) -> None:
    browser = Browser(cluster).signed_in("reviewer1")
    browser.get("/operations")
    assert "退出" in browser.submit("/language", language="zh")
    for path in ("/review", "/notices", "/audit?all=1", "/accounts/demo-zh"):
        browser.get(path)


def test_five_wrong_passwords_lock_and_an_operator_unlocks(cluster: Cluster) -> None:
    name, password = f"t{uuid.uuid4().hex[:8]}", "a long enough phrase"
    assert add(cluster, name, "short").returncode == 1
    assert add(cluster, name, password).returncode == 0
    assert "exists" in add(cluster, name, password).stderr
    browser = Browser(cluster).signed_in(name, password)
    for _ in range(5):
        Browser(cluster).post("/sign-in", expect=401, username=name, password="wrong")
    locked = Browser(cluster).post("/sign-in", expect=423, username=name, password=password)
    assert "15 minutes" in locked
    assert "Sign out" in browser.get("/operations")
    assert cluster.run("-m", "binding.staff", "disable", name).returncode == 0
    assert 'name="password"' in browser.get("/operations")
    assert f"{name} disabled" in cluster.run("-m", "binding.staff", "list").stdout


def test_nobody_gets_in_with_a_name_that_nobody_has(cluster: Cluster) -> None:
    for name in ("nobody", "", "' OR 1=1 --", "staff"):
        Browser(cluster).post("/sign-in", expect=401, username=name, password="reviewer1")


def test_what_no_database_can_look_for_is_found_nowhere(cluster: Cluster) -> None:
    for name in ("reviewer1\0", "\0"):
        Browser(cluster).post("/sign-in", expect=(401, 422), username=name, password="reviewer1")
    browser = Browser(cluster).signed_in("reviewer1")
    for path in ("/operations?q=%00", "/operations?after=%00", "/operations/%00", "/accounts/%00", "/audit?account=%00"):
        assert browser.http.get(browser.base + path, timeout=20).status_code in (200, 404, 422), path


def test_production_refuses_the_sandbox_staff(shared: Cluster, tmp_path: Path) -> None:
    if "BINDING_DATABASE_URL" in shared.env:
        pytest.skip("the staff are the same on every database")
    with contextlib.closing(shared.engine().raw_connection()) as seeded:
        seeded.execute("VACUUM INTO ?", (str(tmp_path / "binding.sqlite"),))  # type: ignore[attr-defined]
    env = {"PATH": os.environ["PATH"], "JIEBANG_HOME": str(tmp_path), "JIEBANG_ENV": "production"} | GOOD
    done = forks.run("-m", "binding", env=env | {"BINDING_ADMIN_PORT": "0"})
    assert done.returncode != 0 and "sandbox's password" in done.stderr
