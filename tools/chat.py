"""Talks to a running assistant in the terminal, signed in as a sandbox customer, with their phone's messages shown as they arrive."""

from __future__ import annotations

import os
import sys
import threading
import time
import uuid
from typing import Any

import requests

URL = os.environ.get("GATEWAY_URL", f"http://127.0.0.1:{os.environ.get('GATEWAY_PORT', '8080')}")
HELP = (
    "Say what you want, press a button by its number, :quit ends. Codes arrive on the phone, which is shown here too."
)


def show(replies: list[dict[str, Any]], buttons: list[dict[str, Any]]) -> None:
    """Prints replies, and keeps their buttons under numbers."""
    for reply in replies:
        if reply.get("text"):
            print(f"  解绑 {reply['text']}".replace("\n", "\n       "))
        for button in reply.get("buttons", []):
            buttons.append(button)
            print(
                f"       [{len(buttons)}] {button['title']}" + (f"  {URL}{button['url']}" if button.get("url") else "")
            )


def watch_phone(account: str, known: set[str]) -> None:
    """Prints what arrives on the sandbox phone."""
    while True:
        try:
            for message in requests.get(f"{URL}/sandbox/phones/{account}", timeout=5).json()["messages"]:
                mark = f"{message['at']}{message['text']}"
                if mark not in known and message["kind"] == "sms":
                    known.add(mark)
                    print(f"\n  📱 {message['text']}\n> ", end="", flush=True)
        except (requests.RequestException, KeyError, ValueError):
            pass
        time.sleep(1)


def main() -> None:
    """Reads lines until the end of the input."""
    account = os.environ.get("ACCOUNT", "demo-zh")
    language = "en" if account.endswith("en") else "zh"
    try:
        login = requests.post(f"{URL}/sandbox/login", json={"account": account}, timeout=10)
        login.raise_for_status()
        made = requests.post(
            f"{URL}/api/v1/conversations",
            json={"language": language},
            headers={"Authorization": f"Bearer {login.json()['token']}"},
            timeout=30,
        ).json()
    except requests.RequestException as error:
        sys.exit(f"The assistant does not answer at {URL} ({type(error).__name__}). Start it with: make run")
    headers = {"Authorization": f"Bearer {made['token']}"}
    known = {
        f"{m['at']}{m['text']}"
        for m in requests.get(f"{URL}/sandbox/phones/{account}", timeout=5).json().get("messages", [])
    }
    threading.Thread(target=watch_phone, args=(account, known), daemon=True).start()
    print(f"{HELP}\nYou are {account}.")
    buttons: list[dict[str, Any]] = []
    while True:
        try:
            line = input("> ").strip()
        except (EOFError, KeyboardInterrupt):
            return
        if line in {":quit", ":q"}:
            return
        if not line:
            continue
        chosen = buttons[int(line) - 1] if line.isdigit() and 0 < int(line) <= len(buttons) and len(line) < 3 else None
        path, body = (
            ("press", {"token": chosen["token"]}) if chosen and chosen.get("token") else ("messages", {"text": line})
        )
        answer = requests.post(
            f"{URL}/api/v1/conversations/{made['id']}/{path}",
            json={**body, "client_id": uuid.uuid4().hex},
            headers=headers,
            timeout=60,
        )
        if not answer.ok:
            problem = answer.json()
            print(f"  ! {problem.get('message', {}).get(language) or problem.get('detail') or answer.status_code}")
            continue
        buttons.clear()
        show(answer.json()["replies"], buttons)


if __name__ == "__main__":
    main()
