"""The action server over real HTTP: what Rasa takes, what never leaks, where it listens."""
from __future__ import annotations

import json
import os
import pathlib
import socket
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import yaml

from tests.e2e.customer import until
from tools.stack import ROOT, python

DOMAIN = yaml.safe_load((ROOT / "domain.yml").read_text(encoding="utf-8"))
FORMS = ("unbind_card", "close_quick_pay", "bind_card", "unbind_wallet", "bind_wallet", "cancel_auto_deduction")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Starts the action server alone: its neighbours cannot be reached."""
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        port, nobody = one.getsockname()[1], two.getsockname()[1]
    env = {**os.environ, "ACTIONS_PORT": str(port), "BINDING_URL": f"http://127.0.0.1:{nobody}", "GATEWAY_INTERNAL_URL": f"http://127.0.0.1:{nobody}", "PYTHONPATH": str(ROOT), "SANIC_HOST": "127.0.0.1"}
    log = (tmp_path_factory.mktemp("actions") / "log").open("wb")
    child = subprocess.Popen([python("app"), "-m", "actions"], cwd=ROOT, env=env, stdout=log, stderr=subprocess.STDOUT)
    url = f"http://127.0.0.1:{port}"

    def up() -> bool:
        try:
            return requests.get(f"{url}/health", timeout=2).ok
        except requests.ConnectionError:
            return False

    try:
        until(up, seconds=60)
        yield url
    finally:
        child.terminate()
        child.wait(timeout=15)


def asked(name: str, *, intent: str = "affirm", entities: list[dict[str, Any]] | None = None, active: str | None = None, **slots: Any) -> dict[str, Any]:
    """Returns what Rasa posts to run an action."""
    message = {"text": "a secret 4111111111111111", "intent": {"name": intent, "confidence": 1.0}, "entities": entities or [], "intent_ranking": [{"name": intent, "confidence": 1.0}], "metadata": {"turn_id": "msg_1"}}
    loop = {"name": active, "is_interrupted": False, "rejected": False, "trigger_message": message} if active else {}
    events = [{"event": "action", "name": "action_listen"}, {"event": "user", "text": message["text"], "parse_data": message, "metadata": message["metadata"]}]
    return {"next_action": name, "sender_id": "conv_1", "version": "3.6.21", "domain": {**DOMAIN, "responses": {}},
            "tracker": {"sender_id": "conv_1", "slots": {name: None for name in DOMAIN["slots"]} | {"language": "zh", **slots}, "latest_message": message, "events": events, "paused": False,
                        "followup_action": None, "active_loop": loop, "latest_action_name": "action_listen", "latest_input_channel": "gateway"}}


def answers(server: str) -> list[dict[str, Any]]:
    """Runs every action in several situations and returns the answers."""
    found = []
    for name in DOMAIN["actions"]:
        form = name.removeprefix("validate_") if name.startswith("validate_") else "unbind_card_form"
        for body in (
            asked(name, active=form if name.startswith("validate_") else None),
            asked(name, active=form, intent="inform", entities=[{"entity": "bank", "value": "cmb"}], requested_slot="target"),
            asked(name, active=form, intent="affirm", requested_slot="confirmed", target="card_1", operation_id="op_1"),
            asked(name, active=form, intent="inform", entities=[{"entity": "code_ref", "value": "code_1"}], requested_slot="code_ref", target="card_1", confirmed=True, operation_id="op_1", code_ref="code_1", challenge_id="chl_1"),
            asked(name, intent="affirm", open_question="start:check_bindings", suspended=[{"operation": "unbind_card", "target": "card_1", "operation_id": "op_1"}]),
        ):
            answer = requests.post(f"{server}/webhook", json=body, timeout=30)
            if answer.status_code == 400:  # "not me": a form that the message does not answer
                assert "4111" not in answer.text
                continue
            if answer.status_code == 500:
                # An ask action without an operation at hand has nothing to ask: it fails, and says nothing of the conversation.
                assert "4111" not in answer.text and answer.json() == {"error": "the action failed", "action_name": None}, answer.text
                assert name.startswith("action_ask_"), f"{name}: {answer.text}"
                continue
            assert answer.ok, f"{name}: {answer.status_code} {answer.text}"
            found.append(answer.json())
    return found


def test_every_answer_is_what_rasa_takes(server: str) -> None:
    """Rasa 3.6's own schema and its own reading of the events."""
    given = answers(server)
    assert len(given) > 3 * len(DOMAIN["actions"])
    done = subprocess.run([python("rasa"), str(pathlib.Path(__file__).with_name("check_events.py"))], input=json.dumps(given), capture_output=True, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout.splitlines()[-1])["answers"] == len(given)


def test_every_action_of_the_domain_is_served(server: str) -> None:
    """And nothing else than those."""
    served = {action["name"] for action in requests.get(f"{server}/actions", timeout=10).json()}
    assert set(DOMAIN["actions"]) <= served
    assert served - set(DOMAIN["actions"]) <= {"validate_operation_form"}


def test_an_unreachable_neighbour_is_said_and_nothing_is_claimed(server: str) -> None:
    """Nothing was done, and that is what is said."""
    answer = requests.post(f"{server}/webhook", json=asked("action_check_bindings"), timeout=30).json()
    assert [reply["response"] for reply in answer["responses"]] == ["utter_error_unavailable"]


def test_a_failure_says_nothing_of_the_conversation(server: str) -> None:
    """rasa-sdk's own error repeats the tracker."""
    body = asked("action_answer_yes")
    body["tracker"]["slots"]["open_question"] = 7
    answer = requests.post(f"{server}/webhook", json=body, timeout=30)
    assert answer.status_code == 500 and answer.json() == {"error": "the action failed", "action_name": None}
    unknown = requests.post(f"{server}/webhook", json=asked("action_that_is_not"), timeout=30)
    assert unknown.status_code >= 400 and "4111" not in unknown.text


def test_it_listens_on_loopback_only(server: str) -> None:
    """No other address of this machine answers on the port."""
    port = int(server.rsplit(":", 1)[1])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            outside = probe.getsockname()[0]
        except OSError:
            outside = "127.0.0.2"
    address = outside if not outside.startswith("127.") else "127.0.0.2"
    with socket.socket() as door:
        door.settimeout(2)
        assert door.connect_ex((address, port)) != 0
