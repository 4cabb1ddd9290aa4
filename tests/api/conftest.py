"""A home with a small published snapshot, and clients that ask the application without a socket."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import factories
import httpx
import pytest

from api.app import build_app
from api.auth import SCOPES, KeyStore
from graph.home import Home
from graph.snapshot import Snapshot, publish


class Client:
    """Asks an ASGI application, one request after another, as one caller."""

    def __init__(self, app: Any, key: str | None = None, host: str = "127.0.0.1") -> None:
        self.app = app
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._base = f"http://{host}"
        self.cookies = httpx.Cookies()

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = self._headers | options.pop("headers", {})

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url=self._base, cookies=self.cookies) as client:
                response = await client.request(method, path, headers=headers, **options)
                self.cookies.update(client.cookies)
                return response

        return asyncio.run(ask())

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").ensure()


@pytest.fixture
def snapshot(home: Home) -> Snapshot:
    return publish(home, factories.publication(), keep=3)


@pytest.fixture
def client_with(home: Home, snapshot: Snapshot) -> Callable[..., Client]:
    """A client whose key has the scopes named."""
    app = build_app(home)

    def make(*scopes: str) -> Client:
        name = "-".join(scopes)
        return Client(app, KeyStore(home).create(name, scopes).key)

    return make


@pytest.fixture
def client(client_with: Callable[..., Client]) -> Client:
    """A client that may do everything."""
    return client_with(*SCOPES)
