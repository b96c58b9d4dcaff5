"""The login before the read-only UI: the shipped configuration, in a real nginx on loopback."""

import getpass
import os
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from reconciliation_assets.settings import PROJECT_ROOT
from reconciliation_assets_tests.deploy.processes import answers, free_port, running, wait_until

pytestmark = pytest.mark.slow
NGINX, OPENSSL = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin"), shutil.which("openssl")
LOGIN = ("sara", "a good password")


@dataclass(frozen=True)
class Door:
    """Where nginx listens, the certificate it shows, and the headers that reached what stands behind it."""

    address: str
    trust: ssl.SSLContext
    reached: list[dict[str, str]]

    def get(self, path: str = "/", method: str = "GET", **options: object) -> httpx.Response:
        with httpx.Client(verify=self.trust) as client:
            return client.request(method, self.address + path, **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    if not NGINX or not OPENSSL:
        pytest.skip("needs nginx and openssl (apt-get install nginx openssl)")
    home = tmp_path_factory.mktemp("nginx")
    reached: list[dict[str, str]] = []

    class Behind(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            reached.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"the UI")

        do_POST = do_GET  # noqa: N815 - the name that the server calls

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    behind = ThreadingHTTPServer(("127.0.0.1", 0), Behind)
    threading.Thread(target=behind.serve_forever, daemon=True).start()
    port = free_port()
    _make_secrets(home)
    (home / "nginx.conf").write_text(_configuration(home, port, behind.server_port))
    with running([NGINX, "-p", str(home), "-c", str(home / "nginx.conf"), "-g", "daemon off;"], home / "log"):
        wait_until(lambda: answers(port), 10, f"nginx listens; it said: {(home / 'log').read_text()}")
        trust = ssl.create_default_context(cafile=str(home / "reconciliation.crt"))
        yield Door(f"https://localhost:{port}", trust, reached)
    behind.shutdown()
    behind.server_close()


def _make_secrets(home: Path) -> None:
    key, certificate = home / "reconciliation.key", home / "reconciliation.crt"
    subprocess.run(
        [
            *(str(OPENSSL), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    name, password = LOGIN
    hashed = subprocess.run([str(OPENSSL), "passwd", "-apr1", password], check=True, capture_output=True, text=True)
    (home / "reconciliation.htpasswd").write_text(f"{name}:{hashed.stdout}")


def _configuration(home: Path, port: int, behind: int) -> str:
    """The shipped configuration, but for where it listens, its secrets and what it stands before."""
    text = (PROJECT_ROOT / "deploy/nginx/reconciliation.conf").read_text("utf-8")
    for shipped, here in (
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("/etc/nginx/tls/", f"{home}/"),
        ("/etc/nginx/reconciliation.htpasswd", f"{home}/reconciliation.htpasswd"),
        ("https://reconciliation.example.com ", f"https://localhost:{port} "),
        ("http://127.0.0.1:3001", f"http://127.0.0.1:{behind}"),
    ):
        assert shipped in text
        text = text.replace(shipped, here)
    places = "\n".join(
        f"{kind}_temp_path {home}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    # The folder of a test is its owner's alone, so the workers must be the owner.
    user = f"user {getpass.getuser()};\n" if os.geteuid() == 0 else ""
    return f"{user}pid {home}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n{places}\n{text}\n}}\n"


def test_nobody_gets_in_without_a_login(door: Door) -> None:
    before = len(door.reached)
    for path in ("/", "/graphql", "/report_asset_materialization/bridge"):
        assert door.get(path).status_code == 401
        assert door.get(path, auth=("sara", "a guess")).status_code == 401
    assert len(door.reached) == before, "what stands behind was never asked"


def test_who_logs_in_sees_the_ui_and_the_password_stays_with_nginx(door: Door) -> None:
    answer = door.get(auth=LOGIN)
    assert (answer.status_code, answer.text) == (200, "the UI")
    assert answer.headers["x-frame-options"] == "DENY"
    assert "authorization" not in door.reached[-1]


def test_a_web_socket_may_be_opened_by_who_logged_in(door: Door) -> None:
    door.get("/graphql", auth=LOGIN, headers={"Upgrade": "websocket", "Connection": "Upgrade"})
    assert door.reached[-1]["upgrade"] == "websocket"
    assert door.reached[-1]["connection"] == "upgrade"


@pytest.mark.parametrize(
    ("method", "path", "origin"),
    [
        ("POST", "/graphql", "https://evil.example"),
        ("POST", "/graphql", "null"),
        ("GET", "/graphql?query=mutation{x}", None),
        ("GET", "/graphql", "https://evil.example"),
    ],
)
def test_a_page_of_another_site_cannot_use_the_login(door: Door, method: str, path: str, origin: str | None) -> None:
    before = len(door.reached)
    assert door.get(path, method=method, auth=LOGIN, headers={"origin": origin} if origin else {}).status_code == 403
    assert len(door.reached) == before


def test_the_uis_own_queries_pass_and_nothing_large_does(door: Door) -> None:
    own = {"origin": door.address}
    assert door.get("/graphql", method="POST", auth=LOGIN, headers=own, content=b"{}").status_code == 200
    assert door.get("/graphql", method="POST", auth=LOGIN, headers=own, content=b" " * 2**21).status_code == 413
    assert door.get(auth=LOGIN).headers["strict-transport-security"] == "max-age=31536000"
    assert door.reached[-1]["host"] == door.address.removeprefix("https://"), "the gate behind compares it with Origin"
