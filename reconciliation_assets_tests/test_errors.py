"""What an engine or a library says of a fault reaches nobody: it may quote a row."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from reconciliation_assets.errors import UnforeseenError, describe, without_values
from reconciliation_assets.operations.instance import prepare_home
from reconciliation_assets.settings import load_settings
from reconciliation_assets.warehouse.duckdb import DuckDB
from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.harness import Bench
from reconciliation_assets_tests.rows import order, payment

VALUES = ("amal@example.com", "+971 50 123 4567", "Amal Haddad")


@pytest.mark.parametrize(
    "statement",
    [
        "select cast('{}' as integer)",
        "select strptime('{}', '%Y-%m-%d')",
        "select json_extract('{{\"a\": {}', '$.a')",
        "select error('{}')",
        "create table t (a varchar primary key); insert into t values ('{}'), ('{}')",
        'select "{}"',
        "select cast('{}' as date)",
    ],
)
@pytest.mark.parametrize("value", VALUES)
def test_an_engines_words_are_told_without_what_they_quote(statement: str, value: str) -> None:
    with duckdb.connect() as engine, pytest.raises(UnforeseenError) as caught, without_values():
        engine.execute(statement.replace("{}", value).replace("{{", "{"))
    assert value not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert "Error" in str(caught.value) or "Exception" in str(caught.value), "what kind of fault it is"


@pytest.mark.parametrize(
    "raise_it",
    [
        int,
        lambda value: {}[value],
        lambda value: pa.array([value]).cast(pa.int64()),
        lambda value: json.loads(value + "{"),
        lambda value: Path(f"/nowhere/{value}").read_text(),
    ],
)
def test_a_librarys_words_neither(raise_it: object) -> None:
    for value in VALUES:
        with pytest.raises(UnforeseenError) as caught, without_values():
            raise_it(value)  # type: ignore[operator]
        assert value not in str(caught.value)


def test_the_place_in_the_code_is_told() -> None:
    with pytest.raises(AttributeError) as caught:
        prepare_home(None)  # type: ignore[arg-type]
    assert describe(caught.value).startswith("AttributeError in operations/instance.py, line ")


def test_our_own_words_pass() -> None:
    with pytest.raises(UnforeseenError, match=r"^as it is$"), without_values():
        raise UnforeseenError("as it is")


def test_totals_are_kept_under_codes_of_currencies_only(build: Build) -> None:
    """Two headings swapped put an address, a phone and a name among the published measures."""
    rows = [{**payment(f"P{number}", amount="10"), "currency": value} for number, value in enumerate((*VALUES, "ALI"))]
    built = build({"orders": [order("SO1")], "payments": [*rows, payment("P9")]})
    totals = {row["measure"]: row for row in built.rows("source_totals", source_table="payments")}
    assert set(totals) == {"rows", "amount AED", "amount in no currency"}
    assert totals["amount in no currency"]["source_total"] == totals["amount in no currency"]["quarantined"] == 40
    assert {row["difference"] for row in totals.values()} == {0}


def test_an_older_warehouse_forgets_the_labels_it_has(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.land()
    bench.warehouse.execute(
        "insert into raw.landing_totals values (1, 'amount', 'amal@example.com', 5, 5), (1, 'amount', 'AED', 5, 5)"
    )
    bench.warehouse = DuckDB(bench.connection)  # the next run opens the warehouse again
    bench.land()
    assert bench.warehouse.rows("select currency from raw.landing_totals order by 1") == [("AED",), ("in no currency",)]
    bench.close()


def test_what_an_installation_keeps_is_for_its_owner_only_unless_told_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = os.umask(0o022)
    try:
        home = tmp_path / "home"
        home.mkdir(mode=0o755)
        (home / "warehouse.duckdb").touch(0o644)
        monkeypatch.setenv("RECON_DATA_DIR", str(home))
        for reads, folder, file in (("true", 0o750, 0o640), ("", 0o700, 0o600)):
            monkeypatch.setenv("RECON_GROUP_READS", reads)
            monkeypatch.setenv("DAGSTER_HOME", "")
            prepare_home(load_settings())
            modes = [stat.S_IMODE((home / name).stat().st_mode) for name in (".", ".dagster", "warehouse.duckdb")]
            assert modes == [folder, folder, file]
    finally:
        os.umask(before)


def test_the_command_line_ends_an_unforeseen_error_in_a_sentence(tmp_path: Path) -> None:
    script = (
        "import reconciliation_assets.cli as cli\n"
        "def broken(*_): raise ValueError('amal@example.com +971 50 123 4567')\n"
        "cli.app = broken\n"
        "cli.main()\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert ended.returncode == 1
    assert "Stopped. ValueError" in ended.stderr
    for value in (*VALUES, "Traceback"):
        assert value not in ended.stderr + ended.stdout
