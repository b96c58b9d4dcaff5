"""A run may be killed, watched or rivalled: nothing is lost, nothing is half published, nothing is counted twice."""

import subprocess
from pathlib import Path

import duckdb
import pytest

from reconciliation_assets.contracts.inputs import LEADS
from reconciliation_assets_tests.deploy.processes import wait_until
from reconciliation_assets_tests.harness import PUBLISHED, Bench
from reconciliation_assets_tests.installation import Installation

pytestmark = pytest.mark.slow(seconds=120)
SECRET = "a secret that nobody prints 4711"


def wait_for(process: subprocess.Popen[str], words: str) -> list[str]:
    """Read what a run says until it says certain words."""
    assert process.stdout is not None
    said: list[str] = []
    for line in process.stdout:
        said.append(line)
        if words in line:
            return said
    raise AssertionError(f"{words!r} was never said: {''.join(said)}")


def started(step: str) -> str:
    return f'Started execution of step "{step}"'


def test_a_run_killed_at_any_point_loses_nothing_and_lets_no_rival_in(
    dropped: Installation, finished: Installation, tmp_path: Path
) -> None:
    """Killed while landing and while matching; the next run publishes what an undisturbed one does."""
    home = dropped.copy_to(tmp_path / "killed").home
    installation = Installation(home, dropped.as_of, RECON_CONTACT_KEY=SECRET)
    said = []
    for step in ("raw_orders", "lead_order_links"):
        process = installation.start("run", "-v")
        said += wait_for(process, started(step))
        rival = installation.reconcile()
        process.kill()
        process.communicate()
        assert rival.status == 1
        assert "Another run is working on" in rival.text
        assert "Wait for it to end" in rival.text
        assert "Traceback" not in rival.text
    assert not installation.published_path.exists()
    told = installation.reconcile("run", "-v")
    assert told.status == 0, told.text
    published, undisturbed = installation.published(), finished.published()
    for table in PUBLISHED:
        assert published[table] == undisturbed[table], table
    assert SECRET not in "".join([*said, told.text])
    files = (path for path in installation.home.rglob("*") if path.is_file() and "inbox" not in path.parts)
    assert [path.name for path in files if SECRET.encode() in path.read_bytes()] == []
    assert not (installation.home / "contact.key").exists()


def test_publishing_killed_leaves_the_old_copy_and_publishing_again_disturbs_no_reader(copied: Installation) -> None:
    before = copied.published()
    inode = copied.published_path.stat().st_ino
    killed = copied.start_step("published_copy")
    wait_for(killed, "STEP_START")
    unfinished = copied.published_path.with_name(".reconciliation.duckdb.unfinished")
    wait_until(unfinished.exists, 10, "a copy is being written")
    killed.kill()
    killed.communicate()
    assert copied.published_path.stat().st_ino == inode
    assert copied.published() == before
    assert copied.reconcile("show").status == 0
    with duckdb.connect(str(copied.published_path), read_only=True) as reader:
        records = reader.execute("select count(*) from reporting.matched_chain").fetchall()
        again = copied.start_step("published_copy")
        said, _ = again.communicate(timeout=120)
        assert again.returncode == 0, said
        assert copied.published_path.stat().st_ino != inode, "a new copy took the old one's place"
        assert reader.execute("select count(*) from reporting.matched_chain").fetchall() == records
    after = copied.published()
    for table in PUBLISHED:
        assert after[table] == before[table], table


def test_another_secret_gives_other_keys(dropped: Installation, finished: Installation) -> None:
    numbers = f"select phone_key from raw.{LEADS.raw_asset} where phone_key is not null"
    with duckdb.connect(str(finished.home / "warehouse.duckdb"), read_only=True) as connection:
        own = {key for (key,) in connection.execute(numbers).fetchall()}
    bench = Bench(dropped.home)
    bench.land()
    other = {key for (key,) in bench.warehouse.rows(numbers)}
    bench.close()
    assert len(own) == len(other) > 100, "the same people"
    assert not own & other
