"""The one-time secure page: payment passwords and card details are typed here and nowhere else."""

from __future__ import annotations

import functools
import json
import secrets
from pathlib import Path
from typing import Annotated, Any, Literal

import jinja2
import yaml
from fastapi import APIRouter, Header, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field

from binding import tokens
from binding.api import schemas
from binding.errors import Problem
from binding.notices.render import name_target
from binding.service import masks
from binding.verification import pages

router = APIRouter(tags=["secure page"])
FOLDER = Path(pages.__file__).parent
FIELDS = {
    "payment_password": [("password", "password", "numeric", 6, "off")],
    "card_details": [
        ("number", "text", "numeric", 30, "cc-number"), ("holder", "text", "text", 64, "cc-name"),
        ("id_number", "text", "text", 20, "off"), ("phone", "tel", "tel", 16, "tel-national"),
    ],
}  # fmt: skip


class Form(BaseModel):
    """A submitted form: a password, or a card's details. The customer token may come in a header instead."""

    model_config = ConfigDict(extra="forbid")
    customer_token: str | None = Field(None, max_length=4096)
    password: str | None = Field(None, max_length=64)
    number: str | None = Field(None, max_length=64)
    holder: str | None = Field(None, max_length=64)
    id_number: str | None = Field(None, max_length=64)
    phone: str | None = Field(None, max_length=32)


@router.get("/secure/{ticket}", response_class=HTMLResponse, responses={404: {}, 409: {}, 410: {}})
def show(ticket: str, lang: Literal["zh", "en"] | None = None) -> Response:
    """Show the page of a ticket, or say why it cannot be used; in the conversation's language, else the account's."""
    try:
        page = pages.show_page(ticket)
    except Problem as problem:
        words = _words()[lang or pages.language_of(ticket)]
        message = words["errors"].get(problem.code, words["errors"]["not_found"])
        return _html(words, problem.status, form=False, message=message)
    language = lang or page.account.language
    words = _words()[language]
    target = name_target(page.operation.target_summary, language)
    fields = [
        {"name": name, "type": kind, "mode": mode, "max": most, "autocomplete": auto, "label": words["fields"][name]}
        for name, kind, mode, most, auto in FIELDS[page.method]
    ]
    told = {key: words[key] for key in ("errors", "faults", "titles", "ended", "no_sign_in", "done", "send", "sending")}
    return _html(
        words, 200, form=True, method=page.method, fields=fields, operation=words["kinds"][page.operation.kind].format(target=target),
        account=masks.phone(page.account.phone), words_json=json.dumps(told, ensure_ascii=False).replace("<", "\\u003c"),
    )  # fmt: skip


@router.post("/secure/{ticket}", status_code=202, responses=schemas.problems(401, 404, 409, 410, 422, 423, 503))
def submit(ticket: str, form: Form, x_customer_token: Annotated[str | None, Header()] = None) -> dict[str, Any]:
    """Take the form. It needs a customer token of the same account; right: the operation is accepted."""
    who = tokens.check_customer(x_customer_token or form.customer_token, "secure-page")
    if form.password is not None:
        shown = pages.submit_password(ticket=ticket, who=who, password=form.password)
    else:
        shown = pages.submit_card(
            ticket=ticket, who=who, number=form.number or "", holder=form.holder or "", id_number=form.id_number or "",
            phone=form.phone or "",
        )  # fmt: skip
    return {"accepted": True, "status": shown["status"], "reference": shown["reference"]}


def _html(words: dict[str, Any], status: int, **values: Any) -> Response:
    nonce = secrets.token_urlsafe(16)
    body = _template().render(w=words, nonce=nonce, **values)
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; "
        "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    )
    headers = {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    return HTMLResponse(body, status, headers=headers)


@functools.cache
def _words() -> dict[str, Any]:
    return yaml.safe_load((FOLDER / "words.yml").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


@functools.cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string((FOLDER / "page.html").read_text(encoding="utf-8"))
