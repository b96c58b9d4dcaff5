"""A campaign against the reading of files: good files beside damaged, hostile and changing ones, round after round, by seed.

In the suite a few rounds; `make campaign` lets it run for hours. What must hold after every round: good files are read as if nothing lay beside them, every row of every other file is accounted for, nothing is told or kept
of a contact, nothing outside the inbox is read or written, and landing again changes nothing.
"""

import json
import os
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciliation_assets.contracts.inputs import INPUT_TABLES
from reconciliation_assets.sources import snapshot
from reconciliation_assets_tests.faults.campaign import seeds
from reconciliation_assets_tests.faults.test_hostile_files import SECRET, WRITERS, crafted
from reconciliation_assets_tests.harness import Bench
from reconciliation_assets_tests.sources.test_kept_text import ADDRESSES, PHONES, bare

pytestmark = pytest.mark.slow
FEWEST_ROUNDS = 10
HEADER = (
    "order_id",
    "created_at",
    "status",
    "gross_value",
    "currency",
    "offer",
    "reason",
    "email",
    "phone",
    "full_name",
)
COURIER = ("Waybill", "COD Amount (AED)", "Transfer Date", "Consignee", "Mobile")
# Damage may move a name into a column of labels, where nobody can tell it from a label: these are looked for of good files only.
BAITED, OTHER = "Quetzalina Zorbastan", "Somebody Else"
BAITS = ("quetzalina", "zorbastan", "haddad", bare(PHONES[0]), PHONES[3])


def rows_of(chance: random.Random, prefix: str, count: int, name: str) -> list[tuple[str, ...]]:
    spelled = (*ADDRESSES, *PHONES) if name is BAITED else ("someone@example.net", "0557654321")
    return [
        (
            f"{prefix}{number}",
            f"2026-03-{1 + number % 28:02d}",
            "delivered",
            f"{chance.randrange(1, 9999)}.{chance.randrange(100):02d}",
            "AED",
            f"for {chance.choice(spelled)}" if chance.random() < 0.3 else "diploma",
            f"{name} said {chance.choice(spelled)}" if chance.random() < 0.3 else "no answer",
            spelled[0],
            spelled[-1],
            name,
        )
        for number in range(count)
    ]


def flipped(content: bytearray, chance: random.Random) -> None:
    for _ in range(chance.choice((1, 3, 40))):
        content[chance.randrange(len(content))] = chance.choice((0, 34, 39, 10, 128, 255, chance.randrange(256)))


def cut(content: bytearray, chance: random.Random) -> None:
    del content[chance.randrange(len(content)) :]


def grown(content: bytearray, chance: random.Random) -> None:
    content += (
        bytes(chance.choice((1, 1 << 16))) if chance.random() < 0.5 else content[chance.randrange(len(content)) :]
    )


def doubled_piece(content: bytearray, chance: random.Random) -> None:
    place = chance.randrange(len(content))
    content[place:place] = content[max(0, place - chance.randrange(1, 500)) : place]


def overwritten(content: bytearray, chance: random.Random) -> None:
    place = chance.randrange(len(content))
    content[place : place + 64] = chance.choice((b"\xc7\xe5\xe1 " * 16, b'"' * 64, b"PK\x03\x04" * 16, b"PAR1" * 16))


DAMAGES: tuple[Callable[[bytearray, random.Random], None], ...] = (flipped, cut, grown, doubled_piece, overwritten)


def test_files_of_every_kind_of_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: Counter[str] = Counter()
    for seed in seeds(fewest=FEWEST_ROUNDS):
        play_round(tmp_path / str(seed), random.Random(seed), done, monkeypatch)
        done["rounds"] += 1
    # Shown by `pytest -rP`, and by whoever lets it run for hours.
    print("\n".join(f"{count:6,} {what}" for what, count in sorted(done.items())))  # noqa: T201
    assert done["damaged files"]


def play_round(home: Path, chance: random.Random, done: Counter[str], monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(home)
    secret, written = home / "secret.txt", home / "written.csv"
    secret.write_text(SECRET)
    names = crafted(secret, written)
    good = rows_of(chance, "GOOD", 40, BAITED)
    form = chance.choice(("csv", "jsonl", "parquet"))
    WRITERS[form](bench.inbox / f"orders-good.{form}", HEADER, *good)
    for number in range(3):
        form = chance.choices(tuple(WRITERS), (4, 4, 1, 3))[0]
        is_named = chance.random() < 0.6
        stem = (
            chance.choice(("orders-x", "orders-[1]", "orders-*", f"orders-{PHONES[3]}", "orders-it's"))
            if is_named
            else "remittance"
        )
        path = bench.inbox / f"{stem}-{number}.{form}"
        extra = tuple(chance.sample(names, 2)) if chance.random() < 0.5 else ()
        if is_named:
            WRITERS[form](
                path, (*HEADER, *extra), *((*row, *extra) for row in rows_of(chance, f"X{number}-", 20, OTHER))
            )
        else:
            rows = [(f"FX{number}{place}", "10.50", "2026-03-04", OTHER, "0557654321", *extra) for place in range(20)]
            WRITERS[form](path, (*COURIER, *extra), *rows)
        if chance.random() < 0.8:
            content = bytearray(path.read_bytes())
            for damage in chance.choices(DAMAGES, k=chance.choice((1, 1, 2))):
                if content:
                    damage(content, chance)
            path.write_bytes(content)
            done["damaged files"] += 1
    if chance.random() < 0.3:
        (bench.inbox / "folder").mkdir()
        (bench.inbox / "payments.csv").symlink_to("nowhere")
        os.mkfifo(bench.inbox / "leads.csv")
        done["entries that are no files"] += 3
    if chance.random() < 0.5:
        changing_while_read(bench.inbox, chance, monkeypatch)
        done["rounds with files that change"] += 1
    first = bench.land()
    monkeypatch.undo()
    told = repr(first)
    bench.land()
    hold(bench, good)
    everything = all_current(bench)
    assert not any(bench.land().values()), "landing again changes nothing"
    assert everything == all_current(bench)
    records = [bench.warehouse.rows(f"from raw.{name}") for name in ("landings", "quarantine", "inbox_files")]
    kept = json.dumps([everything, records, told], default=str, ensure_ascii=False)
    assert [bait for bait in (*BAITS, SECRET) if bait in kept.lower()] == []
    assert not written.exists()
    assert secret.read_text() == SECRET
    bench.close()
    landed = [one for some in first.values() for one in some]
    done["files landed"] += len(landed)
    done["files set aside"] += sum(one.set_aside_reason is not None for one in landed)
    done["quarantined rows"] += sum(one.quarantined for one in landed)


def all_current(bench: Bench) -> dict[str, list[tuple[Any, ...]]]:
    return {
        table.name: bench.warehouse.rows(f"select * from current.{table.name} order by all") for table in INPUT_TABLES
    }


def changing_while_read(inbox: Path, chance: random.Random, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are cut, replaced or taken away at some moment of the landing, and come back whole."""
    opened = snapshot._open_regular

    def meanwhile(path: Path) -> object:
        if path.exists() and "good" not in path.name and chance.random() < 0.4:
            if chance.random() < 0.3:
                path.unlink()
            else:
                path.write_bytes(path.read_bytes()[: chance.randrange(1, 4000)])
        return opened(path)

    monkeypatch.setattr(snapshot, "_open_regular", meanwhile)


def hold(bench: Bench, good: list[tuple[str, ...]]) -> None:
    found = bench.warehouse.rows(
        "select order_id, cast(cast(gross_value as decimal(18, 2)) as varchar) from current.orders where order_id like 'GOOD%'"
    )
    assert dict(found) == {row[0]: row[3] for row in good}, "good files are read as if nothing lay beside them"
    for table in INPUT_TABLES:
        counted = bench.warehouse.rows(
            f"""
            select l.file, l.rows, l.quarantined,
                   (select count(*) from raw.{table.raw_asset} r where r.landing_id = l.landing_id),
                   (select count(*) from raw.quarantine q where q.landing_id = l.landing_id)
            from raw.landings l
            where l.source_table = '{table.name}' and l.set_aside_reason is null
            """
        )
        for file, rows, quarantined, stored, listed in counted:
            assert (rows, quarantined) == (stored + listed, listed), f"every row of {file} is accounted for"
