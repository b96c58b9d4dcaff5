"""A real Spark cluster on this machine's loopback: a master, two workers and a Connect server, of the pyspark package and Java alone.

For trying the chain on the second engine (`make spark`, `make spark-down`) and for the test of parity. Not for production: there a
site has its own cluster, and `RECON_SPARK_REMOTE` names it.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

HOST = "127.0.0.1"
MASTER_PORT, CONNECT_PORT = 17077, 15102
REMOTE = f"sc://{HOST}:{CONNECT_PORT}"
_WORKERS = 2
_DAEMON_MEMORY = "256m"
_SECONDS_TO_START = 240
_POLL_SECONDS = 0.5
_started: "list[subprocess.Popen[bytes]]" = []
# A company of some hundred orders: compiling a query costs more than running it, and so does planning it twice.
_SMALL = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
_FOR_SMALL_TABLES = {
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}


class ClusterError(RuntimeError):
    """The cluster cannot be started; the message says what is missing."""


def missing() -> str | None:
    """What has to be installed before a cluster can be started, said to a person; None where nothing is missing."""
    if find_spec("pyspark") is None or find_spec("grpc") is None:
        return "pyspark is not installed: .venv/bin/python -m pip install -e '.[spark]'"
    if shutil.which("java") is None:
        return "Java is not installed: Spark needs Java 17 or newer, such as Debian's openjdk-17-jre-headless"
    return None


def start(home: Path, memory: str = "1g") -> str:
    """Start the cluster, unless it runs, and wait until it answers; returns its address for Spark Connect.

    Args:
        home: where its tables, its catalog, its logs and its process IDs are kept.
        memory: what each worker and the Connect server may use.

    Raises:
        ClusterError: something is missing, or the cluster does not come up.
    """
    if lacking := missing():
        raise ClusterError(lacking)
    if _answers(CONNECT_PORT):
        return REMOTE
    home.mkdir(parents=True, exist_ok=True)
    master = f"spark://{HOST}:{MASTER_PORT}"
    where = ("--host", HOST, "--port", str(MASTER_PORT))
    process = _launch(home, "master", _DAEMON_MEMORY, "org.apache.spark.deploy.master.Master", *where)
    _wait_for(home, "master", process, MASTER_PORT)
    for number in range(_WORKERS):
        work = str(home / f"worker-{number}")
        options = ("--host", HOST, "--cores", "1", "--memory", memory, "--work-dir", work)
        _launch(home, f"worker-{number}", _DAEMON_MEMORY, "org.apache.spark.deploy.worker.Worker", *options, master)
    settings = {
        "spark.connect.grpc.binding.address": HOST,
        "spark.connect.grpc.binding.port": str(CONNECT_PORT),
        "spark.driver.host": HOST,
        "spark.driver.bindAddress": HOST,
        "spark.executor.memory": memory,
        "spark.executor.cores": "1",
        "spark.ui.enabled": "false",
        "spark.sql.warehouse.dir": str(home / "tables"),
        "spark.driver.extraJavaOptions": f"-Duser.timezone=UTC {_SMALL}",
        "spark.executor.extraJavaOptions": f"-Duser.timezone=UTC {_SMALL}",
        **_FOR_SMALL_TABLES,
    }
    given = [word for name, value in settings.items() for word in ("--conf", f"{name}={value}")]
    process = _launch(
        home,
        "connect",
        memory,
        "org.apache.spark.deploy.SparkSubmit",
        *("--master", master),
        *("--class", "org.apache.spark.sql.connect.service.SparkConnectServer", *given, "spark-internal"),
    )
    _wait_for(home, "connect", process, CONNECT_PORT)
    return REMOTE


def kill_worker(home: Path, number: int = 0) -> None:
    """Kill a worker at once, with what runs on it, as a machine that fails would."""
    note = home / f"worker-{number}.pid"
    worker = int(note.read_text())
    # Its executor is a process of its own in the same group.
    os.killpg(worker, signal.SIGKILL)
    note.unlink()


def stop(home: Path) -> int:
    """End the cluster that was started in a folder; returns how many of its processes were alive."""
    alive = 0
    for note in sorted(home.glob("*.pid")):
        try:
            os.killpg(int(note.read_text()), signal.SIGTERM)
            alive += 1
        except ProcessLookupError:
            pass
        note.unlink()
    while _started:
        _started.pop().wait()
    return alive


def _launch(home: Path, name: str, memory: str, *words: str) -> "subprocess.Popen[bytes]":
    spec = find_spec("pyspark")
    assert spec is not None
    assert spec.origin is not None
    spark_home = Path(spec.origin).parent
    with (home / f"{name}.log").open("w") as log:
        process = subprocess.Popen(
            [str(spark_home / "bin/spark-class"), *words],
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=home,
            env={
                **os.environ,
                "SPARK_HOME": str(spark_home),
                "SPARK_LOCAL_IP": HOST,
                "SPARK_NO_DAEMONIZE": "1",
                "PYSPARK_PYTHON": sys.executable,
                "SPARK_DAEMON_MEMORY": memory,
            },
            start_new_session=True,
        )
    (home / f"{name}.pid").write_text(str(process.pid))
    _started.append(process)
    return process


def _wait_for(home: Path, name: str, process: "subprocess.Popen[bytes]", port: int) -> None:
    last = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < last and process.poll() is None:
        if _answers(port):
            return
        time.sleep(_POLL_SECONDS)
    stop(home)
    raise ClusterError(f"Spark's {name} does not answer; {home / name}.log says why.")


def _answers(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), 1).close()
    except OSError:
        return False
    return True
