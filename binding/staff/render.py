"""Pages made of templates: no script at all, everything escaped, nothing cached."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import jinja2
import yaml
from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from binding.clock import rfc3339
from binding.notices.render import name_target

FOLDER = Path(__file__).parent
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def language_of(request: Request) -> str:
    """Choose `zh` or `en`: what was chosen, else what the browser prefers."""
    chosen = request.cookies.get("binding_staff_language")
    if chosen in ("zh", "en"):
        return str(chosen)
    return "zh" if request.headers.get("accept-language", "").lower().startswith("zh") else "en"


def words_for(request: Request) -> dict[str, Any]:
    """Return the words of the request's language."""
    return _words()[language_of(request)]  # type: ignore[no-any-return]


def html(request: Request, template: str, code: int = 200, **values: Any) -> Response:
    """Render a page."""
    language = language_of(request)
    page = _environment().get_template(template).render(
        w=_words()[language], language=language, person=getattr(request.state, "person", None),
        path=request.url.path, name_target=lambda summary: name_target(summary, language), **values,
    )  # fmt: skip
    return HTMLResponse(page, code, headers=HEADERS)


@functools.cache
def _words() -> dict[str, Any]:
    return yaml.safe_load((FOLDER / "words.yml").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


@functools.cache
def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER / "templates"), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    made.filters["time"] = lambda moment: (rfc3339(moment) or "–")[:19].replace("T", " ")
    made.filters["plain"] = lambda value: json.dumps(value, ensure_ascii=False)
    return made
