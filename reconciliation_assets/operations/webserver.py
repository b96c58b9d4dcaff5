"""The Dagster UI behind its gate: `python -m reconciliation_assets.operations.webserver --workspace FILE`."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated
from urllib.parse import urlsplit

import dagster as dg
import typer
import uvicorn
import yaml
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster._grpc.constants import GrpcServerCommand
from dagster_webserver.webserver import DagsterWebserver
from starlette.middleware import Middleware

from reconciliation_assets.operations.gate import Gate
from reconciliation_assets.settings import load_settings


class GatedWebserver(DagsterWebserver):  # type: ignore[type-arg]
    """Dagster's webserver behind the gate.

    Attributes:
        hosts: host names of the UI, without port.
    """

    hosts: tuple[str, ...] = ()

    def build_middleware(self) -> list[Middleware]:
        """The gate first, then Dagster's own middleware."""
        return [Middleware(Gate, hosts=self.hosts), *super().build_middleware()]


def serve_ui(
    workspace: Annotated[Path, typer.Option("--workspace", "-w", help="Dagster's workspace file.")],
    host: Annotated[str, typer.Option("--host", "-h", help="Interface to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", "-p", help="Port to listen on.")] = 3000,
    *,
    read_only: Annotated[bool, typer.Option("--read-only", help="For looking only.")] = False,
    with_daemon: Annotated[
        bool, typer.Option("--with-daemon", help="Run schedule, sensors and queue as well, on the same code location.")
    ] = False,
) -> None:
    """Serve the UI until the process is ended."""
    named = urlsplit(load_settings().ui_url).hostname
    # This kind of code server keeps its address when the code location is reloaded, so the daemon stays connected.
    kind = GrpcServerCommand.CODE_SERVER_START if with_daemon else GrpcServerCommand.API_GRPC
    with (
        dg.DagsterInstance.get() as instance,
        WorkspaceProcessContext(
            instance, WorkspaceFileTarget([str(workspace)]), read_only=read_only, server_command=kind
        ) as context,
        _daemon(context) if with_daemon else nullcontext(),
    ):
        server = GatedWebserver(context)
        server.hosts = tuple(name for name in (host, named) if name)
        uvicorn.run(server.create_asgi_app(), host=host, port=port, log_level="warning")


@contextmanager
def _daemon(context: WorkspaceProcessContext) -> Iterator[None]:
    """Run Dagster's daemon while the UI is served, with the code servers of the UI."""
    with TemporaryDirectory() as folder:
        shared = Path(folder) / "workspace.yaml"
        shared.write_text(yaml.safe_dump({"load_from": context.get_code_server_specs()}), encoding="utf-8")
        daemon = subprocess.Popen([sys.executable, "-m", "dagster._daemon", "run", "-w", str(shared)])  # noqa: S603
        try:
            yield
        finally:
            daemon.terminate()
            daemon.wait()


if __name__ == "__main__":
    typer.run(serve_ui)
