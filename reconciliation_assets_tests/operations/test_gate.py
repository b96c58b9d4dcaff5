"""The gate before the UI: its own pages and programs of this machine pass, pages of other sites do not."""

import time
from collections.abc import Iterator, Mapping
from threading import Thread
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from reconciliation_assets.operations.gate import Gate

OWN = "http://127.0.0.1:3000"
BROWSER = {"origin": OWN, "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"}
FOREIGN = {"origin": "https://evil.example", "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"}
MUTATION = {"query": "mutation { stopRunningSchedule(scheduleOriginId: 1) { __typename } }"}


def everything(_: Request) -> PlainTextResponse:
    return PlainTextResponse("the UI")


async def socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.close()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A server of its own with the gate before a page and the two ways to ask a query."""
    routes = [
        Route("/graphql", everything, methods=["GET", "POST"]),
        WebSocketRoute("/graphql", socket),
        Route("/{path:path}", everything, methods=["GET", "POST"]),
    ]
    app = Starlette(routes=routes, middleware=[Middleware(Gate, hosts=["ui.company.example"])])
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical"))
    thread = Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join()


def ask(port: int, method: str, path: str, headers: Mapping[str, str]) -> httpx.Response:
    return httpx.request(
        method, f"http://127.0.0.1:{port}{path}", headers={"host": urlsplit(OWN).netloc, **headers}, timeout=10
    )


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/", {}),
        ("GET", "/", {"sec-fetch-site": "none", "sec-fetch-mode": "navigate"}),
        ("GET", "/runs/1?tab=logs", {"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"}),
        ("POST", "/graphql", {**BROWSER, "content-type": "application/json"}),
        ("POST", "/graphql", {"content-type": "application/json; charset=utf-8"}),
        ("POST", "/report_asset_materialization/orders", {"content-type": "application/json"}),
        ("GET", "/assets/bridge", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}),
    ],
    ids=[
        "a program",
        "typed",
        "the UI's own",
        "its query",
        "a program's query",
        "a program reports",
        "an alert's link",
    ],
)
@pytest.mark.parametrize("address", [OWN, "http://localhost:3000", "http://[::1]:3000", "https://ui.company.example"])
def test_what_passes(port: int, method: str, path: str, headers: Mapping[str, str], address: str) -> None:
    sent = {name: address if name == "origin" else value for name, value in headers.items()}
    assert ask(port, method, path, {**sent, "host": urlsplit(address).netloc}).text == "the UI"


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", f"/graphql?query={MUTATION['query']}", {"referer": "https://evil.example/"}),
        ("GET", f"/graphql/?query={MUTATION['query']}", {}),
        ("GET", f"/graphql?query={MUTATION['query']}", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}),
        ("POST", "/graphql", {**FOREIGN, "content-type": "application/json"}),
        ("POST", "/graphql", {"origin": "null", "content-type": "application/json"}),
        ("POST", "/graphql", {"origin": "http://127.0.0.1:8888", "content-type": "application/json"}),
        ("POST", "/graphql", {"sec-fetch-site": "same-site", "content-type": "application/json"}),
        ("POST", "/graphql", {"content-type": "text/plain"}),
        ("POST", "/graphql", {"content-type": "application/x-www-form-urlencoded"}),
        ("POST", "/report_asset_materialization/orders", {"content-type": "multipart/form-data; boundary=x"}),
        ("GET", "/graphql", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}),
        ("GET", "/", {"host": "evil.example"}),
        ("POST", "/graphql", {"host": "evil.example:3000", "content-type": "application/json"}),
    ],
)
def test_what_is_refused(port: int, method: str, path: str, headers: Mapping[str, str]) -> None:
    answer = ask(port, method, path, headers)
    assert answer.status_code == 403
    assert answer.text.startswith("Refused: ")


def test_a_web_socket_is_opened_by_the_uis_own_pages_only(port: int) -> None:
    here = f"127.0.0.1:{port}"
    with connect(f"ws://{here}/graphql", origin=f"http://{here}"):
        pass
    with pytest.raises(InvalidStatus), connect(f"ws://{here}/graphql", origin="https://evil.example"):
        pass
