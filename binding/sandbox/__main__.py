"""Start the bank and phone stand-in: `python -m binding.sandbox`."""

from __future__ import annotations

import sys

import uvicorn
from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from binding.logs import configure
from binding.sandbox import bank, phone
from binding.sandbox.peers import store
from binding.settings import settings


def create_app() -> FastAPI:
    """Build the application."""
    app = FastAPI(title="Jiebang bank and phone stand-in", version="1.0.0", docs_url=None, redoc_url=None)
    app.include_router(bank.router)
    app.include_router(phone.router)
    app.add_api_route("/healthz", lambda: {"ok": True})
    app.add_api_route("/readyz", lambda: {"ready": bool(store().mode()), "checks": {"database": True}})
    app.add_api_route("/metrics", lambda: Response(generate_latest(), media_type=CONTENT_TYPE_LATEST))
    return app


def main() -> int:
    """Run until told to stop; refuses to start outside the sandbox."""
    configure("sandbox")
    if not settings().sandbox or settings().production:
        sys.stderr.write("the stand-in starts only with JIEBANG_SANDBOX=1 and never in production\n")
        return 2
    settings().home.mkdir(parents=True, exist_ok=True)
    store()
    uvicorn.run(
        create_app(), host="127.0.0.1", port=settings().sandbox_port, log_config=None, access_log=False,
        timeout_graceful_shutdown=2, timeout_keep_alive=75,
    )  # fmt: skip
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
