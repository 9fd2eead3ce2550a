"""The bank's callbacks: signed, from a thread of their own, a few tries each."""

from __future__ import annotations

import json
import threading
import time
import uuid

import requests

from binding.ports.webhooks import signed
from binding.settings import settings


def call_back(request_ids: list[str]) -> None:
    """Tell the customer's institution that requests have ended."""
    threading.Thread(target=_send_all, args=(request_ids,), daemon=True).start()


def _send_all(request_ids: list[str]) -> None:
    for request_id in request_ids:
        body = json.dumps({"type": "request.ended", "request": request_id})
        message_id = f"cb_{uuid.uuid4().hex}"
        for attempt in range(5):
            try:
                headers = signed(settings().bank_callback_secret, message_id, body)
                answer = requests.post(f"{settings().url}/bank/callbacks", data=body, headers=headers, timeout=2)
                if answer.status_code < 300:
                    break
            except requests.RequestException:
                pass
            time.sleep(0.2 * 2**attempt)
