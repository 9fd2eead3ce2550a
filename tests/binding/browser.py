"""A browser of one member of the staff, as far as the pages need one: cookies, forms, their hidden fields."""

from __future__ import annotations

import re

import requests

from .conftest import Cluster


class Browser:
    """Opens pages, sends their forms, and says what came."""

    def __init__(self, cluster: Cluster) -> None:
        self.base = f"http://127.0.0.1:{cluster.admin_port}"
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.headers["Accept-Language"] = "en"
        self.page = ""

    def get(self, path: str, expect: int = 200) -> str:
        """Open a page."""
        answer = self.http.get(self.base + path, timeout=20)
        assert answer.status_code == expect, answer.text
        self.page = answer.text
        return self.page

    def post(
        self, path: str, expect: int | tuple[int, ...] = 200, headers: dict[str, str] | None = None, **form: str
    ) -> str:
        """Send a form."""
        answer = self.http.post(self.base + path, data=form, headers=headers, timeout=20)
        assert answer.status_code in (expect if isinstance(expect, tuple) else (expect,)), answer.text
        self.page = answer.text
        return self.page

    def submit(self, path: str, expect: int | tuple[int, ...] = 200, **form: str) -> str:
        """Send a form of the page that is open, with its hidden token."""
        return self.post(path, expect, csrf=re.findall(r'name="csrf" value="(\w+)"', self.page)[0], **form)

    def signed_in(self, username: str, password: str | None = None) -> Browser:
        """Sign in."""
        self.post("/sign-in", username=username, password=password or username)
        assert "Sign out" in self.page
        return self
