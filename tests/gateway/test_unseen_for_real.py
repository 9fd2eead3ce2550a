"""The same with the real binding and its bank and phone: the card is unbound by a code that only the customer saw."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import time
import uuid

import requests
from joserfc import jwt
from joserfc.jwk import OKPKey

from tests.gateway.conftest import ROOT, World, free_port, wait_for
from tests.gateway.test_desk import Person


def launch(world: World, module: str, port: int, path: str) -> None:
    """Starts one of binding's processes and waits until it answers."""
    with (world.home / f"{module}.log").open("ab") as log:
        world.processes[module] = subprocess.Popen(
            [sys.executable, "-m", module], env=world.env, cwd=ROOT, stdout=log, stderr=log
        )
    wait_for(lambda: requests.get(f"http://127.0.0.1:{port}{path}", timeout=2).status_code == 200)


def test_a_code_for_an_agent_unbinds_the_card(fresh: World) -> None:
    sandbox = free_port()
    address = f"http://127.0.0.1:{sandbox}"
    fresh.env |= {
        "BINDING_PORT": str(fresh.ports["binding"]),
        "SANDBOX_PORT": str(sandbox),
        "BANK_URL": address,
        "SMS_URL": address,
    }
    launch(fresh, "binding.sandbox", sandbox, "/healthz")
    launch(fresh, "binding", fresh.ports["binding"], "/readyz")
    fresh.start("rasa", "gateway")
    cards = [{"bank": "cmb", "tail": "1234"}, {"bank": "icbc", "tail": "5678"}]
    account = fresh.http.post(fresh.url + "/sandbox/accounts", json={"cards": cards}).json()["account"]
    talk = fresh.talk(account=account)
    talk.say("a person please")
    agent = Person(fresh, "agent")
    assert agent.post(f"/conversations/{talk.id}/take").status_code == 200

    # What the assistant had begun before the handoff: an operation that waits for its SMS code.
    key = OKPKey.import_key(json.loads(pathlib.Path(fresh.home / "keys" / "customer-token.json").read_text()))
    shown = requests.get(f"{fresh.api}/conversations/{talk.id}", headers=talk.headers).json()
    assert shown["mode"] == "human"
    at = int(time.time())
    claims = {"iss": "jiebang-gateway", "aud": "jiebang-binding", "sub": account, "conversation": talk.id}
    claims |= {"jti": uuid.uuid4().hex, "iat": at, "nbf": at, "exp": at + 300}
    token = jwt.encode(
        {"alg": "EdDSA", "typ": "at+jwt", "kid": key.kid or key.thumbprint()}, claims, key, algorithms=["EdDSA"]
    )
    binding = f"http://127.0.0.1:{fresh.ports['binding']}/v1"

    def ask(method: str, path: str, body: object = None) -> dict:
        headers = {
            "Authorization": "Bearer " + fresh.env["ACTIONS_BINDING_SERVICE_TOKEN"],
            "X-Customer-Token": token,
            "Idempotency-Key": uuid.uuid4().hex,
        }
        answer = requests.request(method, binding + path, json=body, headers=headers, timeout=20)
        assert answer.ok, answer.text
        return answer.json()

    card = next(one for one in ask("GET", "/cards")["items"] if one["tail"] == "1234")
    operation = ask("POST", "/operations", {"kind": "card.unbind", "target": card["id"]})
    ask(
        "POST",
        f"/operations/{operation['id']}/challenges",
        {"method": "sms", "effects_version": operation["effects_version"]},
    )
    sent = wait_for(lambda: fresh.http.get(f"{fresh.url}/sandbox/phones/{account}").json()["messages"])
    code = sent[-1]["code"]
    wrong = "000000" if code != "000000" else "111111"
    talk.say(wrong)
    assert talk.history()[-1] == ("system", "That code isn't right. Attempts left - 2.")
    talk.say(f"my code is {code}")
    assert talk.history()[-1][1] in (
        "The code was right and it's done.",
        "The code was right. It's being processed now.",
    )
    wait_for(lambda: ask("GET", f"/operations/{operation['id']}")["status"] == "succeeded")
    assert [one["tail"] for one in ask("GET", "/cards")["items"]] == ["5678"]
    assert code not in agent.get(f"/conversations/{talk.id}").text + fresh.log_text()
    listed = agent.get(f"/conversations/{talk.id}/customer").json()
    assert listed["operations"][0]["status"] == "succeeded" and {one["tail"] for one in listed["cards"]} == {
        "1234",
        "5678",
    }
