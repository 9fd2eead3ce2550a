"""The staff's application: sign-in, pages, and the checks that every request passes. Served on its own port, loopback."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import sqlalchemy as sa
import structlog
from fastapi import APIRouter, FastAPI, Form, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware

from binding.errors import Problem
from binding.settings import settings
from binding.staff import pages, people
from binding.staff.render import html, words_for

log = structlog.get_logger("staff")
COOKIE = "binding_staff"
OPEN_PATHS = ("/sign-in", "/style.css", "/healthz", "/language")
router = APIRouter()


def create_app() -> FastAPI:
    """Build the application. It has no API document: it is no interface for programs."""
    app = FastAPI(title="Jiebang binding, staff", docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(router)
    app.include_router(pages.router)
    app.add_exception_handler(Problem, _problem)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(sa.exc.DataError, _invalid)  # NUL in a name or a query, which PostgreSQL has not
    app.add_exception_handler(HTTPException, _http)  # type: ignore[arg-type]
    app.middleware("http")(_guard)
    hosts = [h.strip() for h in settings().admin_hosts.split(",") if h.strip()]
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=hosts)
    return app


async def _guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Let only signed-in staff pass, and changes only from this site's own forms."""
    token = request.cookies.get(COOKIE)
    person = await run_in_threadpool(people.who, token)
    request.state.person = person
    if request.method not in ("GET", "HEAD"):
        if not request.headers.get("content-length", "").isdigit() or int(request.headers["content-length"]) > 65_536:
            return html(request, "message.html", 413, message=words_for(request)["errors"]["invalid_request"])
        if not _same_site(request):
            return html(request, "message.html", 403, message=words_for(request)["errors"]["csrf"])
        if person is not None and not await _has_csrf(request, person):
            log.warning("a form without its token", person=person.username, path=request.url.path)
            return html(request, "message.html", 403, message=words_for(request)["errors"]["csrf"])
    if person is None and request.url.path not in OPEN_PATHS:
        return RedirectResponse("/sign-in", 303, headers={"Cache-Control": "no-store"})
    return await call_next(request)


def _same_site(request: Request) -> bool:
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


async def _has_csrf(request: Request, person: people.Person) -> bool:
    await request.body()  # kept, so that the route can read the form again
    given = (await request.form()).get("csrf")
    return isinstance(given, str) and hmac.compare_digest(given.encode(), person.csrf.encode())


@router.get("/healthz")
def healthz() -> dict[str, bool]:
    """Tell that the view is up."""
    return {"ok": True}


@router.get("/style.css")
def style() -> Response:
    """Give the style sheet."""
    return FileResponse(Path(__file__).with_name("templates") / "style.css", media_type="text/css")


@router.get("/sign-in")
def show_sign_in(request: Request) -> Response:
    """Show the form."""
    return html(request, "sign_in.html")


@router.post("/sign-in")
def sign_in(
    request: Request,
    username: Annotated[str, Form(max_length=64)] = "",
    password: Annotated[str, Form(max_length=256)] = "",
) -> Response:
    """Start a session."""
    try:
        token = people.sign_in(username=username, password=password)
    except people.SignInRefused as refused:
        status = 423 if str(refused) == "locked" else 401
        return html(request, "sign_in.html", status, message=words_for(request)["errors"][str(refused)])
    answer = RedirectResponse("/operations", 303)
    answer.set_cookie(
        COOKIE, token, httponly=True, samesite="strict", secure=settings().production, path="/",
        max_age=people.LONGEST_S,
    )  # fmt: skip
    return answer


@router.post("/sign-out")
def sign_out(request: Request) -> Response:
    """End the session."""
    people.sign_out(request.cookies[COOKIE])
    answer = RedirectResponse("/sign-in", 303)
    answer.delete_cookie(COOKIE, path="/")
    return answer


@router.post("/language")
def set_language(language: Annotated[str, Form(pattern="^(zh|en)$")]) -> Response:
    """Choose the language of the pages."""
    answer = RedirectResponse("/", 303)
    answer.set_cookie(
        "binding_staff_language", language, httponly=True, samesite="strict", path="/", max_age=31_536_000
    )
    return answer


async def _problem(request: Request, problem: Problem) -> Response:
    said = words_for(request)["errors"].get(problem.code) or problem.detail or problem.code
    return html(request, "message.html", problem.status, message=said)


async def _invalid(request: Request, _: Exception) -> Response:
    return html(request, "message.html", 422, message=words_for(request)["errors"]["invalid_request"])


async def _http(request: Request, error: HTTPException) -> Response:
    return html(request, "message.html", error.status_code, message=words_for(request)["errors"]["not_found"])
