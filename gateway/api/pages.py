"""The built web pages: demo, widget, desk. Hashed assets are cached for ever, pages never; scripts come from here only."""

from __future__ import annotations

import mimetypes
import pathlib
import secrets

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, HTMLResponse

from gateway.api.customers import services_of
from gateway.problems import Problem

router = APIRouter(include_in_schema=False)
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' ws: wss:; "
    "frame-src 'self'; manifest-src 'self'; media-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'self'; object-src 'none'; frame-ancestors "
)
# Agents see customers' data: their page talks to nobody else, and only style sheets with this answer's nonce count.
DESK_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; connect-src 'self'; font-src 'self'; "
    "base-uri 'none'; form-action 'self'; object-src 'none'; frame-ancestors 'none'"
)
NONCE = "__CSP_NONCE__"
MISSING = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Jiebang</title><meta name="viewport" content="width=device-width">
<body><h1>解绑 Jiebang</h1><p>The web pages are not built yet. Run <code>make setup</code> (or <code>make run</code>), then load this page again.</p>
<p>网页还没有构建。请运行 <code>make setup</code>（或 <code>make run</code>），再刷新本页。</p>
<p>The API works without them: <a href="/openapi.json">/openapi.json</a>, <a href="/readyz">/readyz</a>.</p></body></html>"""


def _headers(path: str, ancestors: str) -> dict[str, str]:
    hashed = "/assets/" in "/" + path
    kept = "public, max-age=31536000, immutable" if hashed else "no-cache"
    headers = {
        "Cache-Control": kept,
        "Content-Security-Policy": POLICY + ancestors,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
    }
    if path == "widget.js":
        headers |= {"Cross-Origin-Resource-Policy": "cross-origin"}
    return headers


def _desk(page: pathlib.Path) -> HTMLResponse:
    """Returns the desk's page with a nonce of its own, which its components put on the style sheets that they make."""
    nonce = secrets.token_urlsafe(18)
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": DESK_POLICY.format(nonce=nonce),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
    }
    return HTMLResponse(page.read_text(encoding="utf-8").replace(NONCE, nonce), headers=headers)


def _sent(request: Request, found: pathlib.Path, headers: dict[str, str]) -> FileResponse:
    """Returns a file, in the gzipped copy that the build made of it where there is one and the browser takes it."""
    small = found.with_name(found.name + ".gz")
    if not small.is_file():
        return FileResponse(found, headers=headers)
    headers["Vary"] = "Accept-Encoding"
    if "gzip" not in request.headers.get("accept-encoding", "") or request.headers.get("range"):
        return FileResponse(found, headers=headers)
    return FileResponse(
        small, headers=headers | {"Content-Encoding": "gzip"}, media_type=mimetypes.guess_type(found)[0]
    )


def _file(root: pathlib.Path, path: str) -> pathlib.Path | None:
    """Returns the file of a path inside `root`, a folder's index.html, or None."""
    try:
        found = (root / path).resolve()
        if not found.is_relative_to(root.resolve()):
            return None
        if found.is_dir():
            found = found / "index.html"
        return found if found.is_file() else None
    except (OSError, ValueError):
        return None


@router.get("/")
@router.head("/")
@router.get("/{path:path}")
@router.head("/{path:path}")
async def page(request: Request, path: str = "") -> Response:
    """Returns a built file; the widget's and the desk's own routes get their page."""
    settings = services_of(request).settings
    top = path.partition("/")[0]
    if top in ("api", "internal", "sandbox", "secure", "channels", "bank", "socket.io"):
        raise Problem("not_found")
    ancestors = settings.widget_ancestors if top == "widget" else "'none'" if top == "desk" else "'self'"
    found = _file(settings.web_dist, path)
    if found is None and top in ("desk", "widget") and "." not in path.rpartition("/")[2]:
        found = _file(settings.web_dist, top)
    if found is not None and top == "desk" and found.suffix == ".html":
        return _desk(found)
    if found is not None:
        return _sent(request, found, _headers(path, ancestors))
    if (
        path in ("", "widget", "widget/", "desk", "desk/", "index.html")
        and not settings.web_dist.joinpath("index.html").exists()
    ):
        return HTMLResponse(MISSING, 503 if path else 200, _headers(path, ancestors))
    raise Problem("not_found")
