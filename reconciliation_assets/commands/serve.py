"""Serve Dagster's UI: the process becomes the server, and its URL is reported once it answers."""

import os
import socket
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx

from reconciliation_assets.errors import PlainError

WORKSPACE = Path(__file__).with_name("workspace.yaml")


class PortTakenError(PlainError):
    """The port cannot be used; the message says what to do."""


def serve(arguments: Sequence[str], host: str, port: int, answered: Callable[[str], None]) -> None:
    """Become the webserver on our code location; does not return.

    Args:
        arguments: the webserver's own arguments, before host and port.
        host: interface to listen on.
        port: port to listen on.
        answered: called with the URL, in a separate process, once the server answers.

    Raises:
        PortTakenError: the port is in use.
    """
    require_free_port(host, port)
    server = os.getpid()
    if os.fork() == 0:
        _tell_address(host, port, server, answered)
        os._exit(0)
    command = [
        sys.executable,
        "-m",
        "reconciliation_assets.operations.webserver",
        *arguments,
        "-w",
        str(WORKSPACE),
        "-h",
        host,
        "-p",
        str(port),
    ]
    os.execv(sys.executable, command)  # noqa: S606


def require_free_port(host: str, port: int) -> None:
    """Check that a server can listen on the port.

    Raises:
        PortTakenError: the port is in use.
    """
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortTakenError(
                f"Nothing can listen on {host}, port {port} ({error.strerror}). End what does, or choose another with --port."
            ) from None


def _tell_address(host: str, port: int, server: int, answered: Callable[[str], None]) -> None:
    """Wait until the server answers or ends, then report the URL if it answers."""
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - listening everywhere, it answers here
    address = f"http://[{reached}]:{port}" if ":" in reached else f"http://{reached}:{port}"
    while os.getppid() == server:
        try:
            if httpx.get(f"{address}/server_info", timeout=5).is_success:
                answered(address)
                return
        except httpx.TransportError:
            pass
        time.sleep(0.3)
