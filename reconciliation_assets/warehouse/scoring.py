"""Pairs scored with Splink, a library for probabilistic record linkage; input and output are Arrow.

Splink makes many temporary tables, none of which belongs in the warehouse, so it runs on an in-memory engine of its own.
"""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import log2
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from splink import DuckDBAPI, Linker

logging.getLogger("splink").setLevel(logging.ERROR)

# A shipped probability weighs as much as this many pairs, so that a level seen in few pairs stays close to it.
_PAIRS_OF_THE_SHIPPED_CHANCES = 50
_RANDOM_RECORDS = 750
# Maximum number of pairs compared per open record, on average.
_PAIRS_PER_RECORD = 100
# Splink writes all columns of a pair with its outcomes, so pairs are scored in portions to fit a large company into memory.
_PAIRS_SCORED_AT_ONCE = 4_000_000
_LEAST_CHANCE = 1e-6
# Pairs below this (log2 of the odds) cannot become a link, whatever else is known.
_LEAST_WEIGHT = -8


@dataclass(frozen=True)
class Level:
    """One outcome of comparing two records.

    Attributes:
        says: the outcome in words, as shown in the evidence.
        when: SQL over the columns `<name>_l` and `<name>_r`; "else" for all other pairs.
        m: shipped share among true pairs, for companies with too few known links to learn it from.
        u: shipped share among random pairs.
        rarer_is_surer: column whose common values count for less.
    """

    says: str
    when: str
    m: float
    u: float
    rarer_is_surer: str | None = None


@dataclass(frozen=True)
class Comparison:
    """One thing that two records are compared by.

    Attributes:
        unknown: SQL condition under which nothing can be compared; such a pair gets no weight from this comparison.
        levels: outcomes; the first that holds counts, and the last is "else".
        is_learnt: whether its probabilities can be learnt from known pairs. Not if the link itself changes what is compared: an
            order whose payment is known no longer waits for it.
    """

    name: str
    unknown: str
    levels: tuple[Level, ...]
    is_learnt: bool = True


@dataclass(frozen=True)
class Block:
    """A blocking key: pairs that share it are compared. SQL over a record's columns; lists are unnested."""

    left: str
    right: str


@dataclass(frozen=True)
class Scored:
    """Scored pairs and the weights used.

    Attributes:
        pairs: left_id, right_id, match_weight (log2 of the odds that they belong together), and for every comparison
            `gamma_<name>` (its outcome) and `mw_<name>` (the weight it adds).
        weights: a row per comparison and outcome: comparison, outcome, weight.
        learnt_from: number of known links the weights were learnt from; 0 for the shipped weights.
    """

    pairs: pa.Table
    weights: list[dict[str, Any]]
    learnt_from: int


def score_pairs(
    comparisons: Sequence[Comparison],
    blocks: Sequence[Block],
    left: pa.Table,
    right: pa.Table,
    known: pa.Table,
    *,
    possible: str,
    candidates_per_key: int,
    fewest_known: int,
    match_share: float,
    limits: tuple[str, Path],
    tried: pa.Table | None = None,
) -> Scored:
    """Score every pair that shares a blocking key.

    Args:
        comparisons: what pairs are compared by; both tables hold all columns they name.
        blocks: the blocking keys.
        left: records with `unique_id` and `is_open`; closed ones are used only for learning.
        right: the same for the other side.
        known: pairs known to be true (left_id, right_id), from which the weights are learnt.
        possible: SQL condition over both rows (l, r) that every pair must meet.
        candidates_per_key: keys shared by more records of one side than this are not used.
        fewest_known: with fewer known pairs the shipped weights apply.
        limits: the engine's memory limit, and the folder it spills to.
        match_share: expected share of open right records with a partner.
        tried: the right records whose pairs are scored (right_id); all open ones if None. Blocking keys are counted over all open
            records, so pairs and scores are the same as in a full run.
    """
    # Splink stacks both sides in one table, so they must have the same columns.
    both = [name for name in left.column_names if name in right.column_names]
    with _engine(*limits) as connection:
        for name, table in (
            ("left_records", left.select(both)),
            ("right_records", right.select(both)),
            ("known_pairs", known),
        ):
            connection.register("_arriving", table)
            connection.execute(f"create table {name} as from _arriving")
            connection.unregister("_arriving")
        if tried is not None:
            connection.register("tried", tried)
            possible = f"({possible}) and r.unique_id in (select right_id from tried)"
        if not _block(connection, blocks, possible, candidates_per_key):
            return Scored(_no_pairs(comparisons), _weights(comparisons), 0)
        chance = match_share / left.num_rows
        learnt = known.num_rows if known.num_rows >= fewest_known else 0
        if learnt:
            comparisons = _learnt(connection, comparisons, known.num_rows)
        pairs = _scored(connection, comparisons, chance)
        return Scored(pairs, _weights(comparisons), learnt)


def candidate_pairs(
    blocks: Sequence[Block],
    left: pa.Table,
    right: pa.Table,
    *,
    possible: str,
    candidates_per_key: int,
    told: Mapping[str, str],
    limits: tuple[str, Path],
) -> pa.Table:
    """Pairs that share a blocking key, with computed columns.

    Args:
        blocks: the blocking keys.
        left: records with `number` and `is_open`.
        right: the same for the other side.
        possible: SQL condition over both rows (l, r) that every pair must meet.
        candidates_per_key: keys shared by more records of one side than this are not used.
        told: computed columns: SQL over both rows, by column name.
        limits: the engine's memory limit, and the folder it spills to.

    Returns:
        left_number, right_number and the computed columns, ordered by right and then left number.
    """
    with _engine(*limits) as connection:
        for name, table in (("left_records", left), ("right_records", right)):
            connection.register("_arriving", table)
            connection.execute(f"create table {name} as from _arriving")
            connection.unregister("_arriving")
        _block(connection, blocks, possible, candidates_per_key)
        columns = "".join(f", {sql} as {name}" for name, sql in told.items())
        return connection.sql(
            f"""
            select l.number as left_number, r.number as right_number{columns}
            from blocked b
            join left_open l on l.place = b.left_place
            join right_open r on r.place = b.right_place
            order by right_number, left_number
            """
        ).to_arrow_table()


@contextmanager
def _engine(memory: str, spill_to: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    # A folder of its own: two engines in the same folder would write to files of the same name.
    connection = duckdb.connect(
        ":memory:", config={"memory_limit": memory, "temp_directory": str(spill_to / "scoring")}
    )
    connection.execute("set enable_progress_bar = false")
    connection.execute("set preserve_insertion_order = false")
    try:
        yield connection
    finally:
        connection.close()


def _settings(comparisons: Sequence[Comparison], chance: float, **more: Any) -> dict[str, Any]:
    return {
        "link_type": "link_only",
        "probability_two_random_records_match": chance,
        "comparisons": [_as_splink(comparison) for comparison in comparisons],
        "blocking_rules_to_generate_predictions": ["l.unique_id = r.unique_id"],
        "retain_matching_columns": True,
        "retain_intermediate_calculation_columns": True,
        **more,
    }


def _as_splink(comparison: Comparison) -> dict[str, Any]:
    levels: list[dict[str, Any]] = [
        {"sql_condition": comparison.unknown, "label_for_charts": "unknown", "is_null_level": True}
    ]
    for level in comparison.levels:
        each: dict[str, Any] = {
            "sql_condition": "ELSE" if level.when == "else" else level.when,
            "label_for_charts": level.says,
            "m_probability": level.m,
            "u_probability": level.u,
        }
        if level.rarer_is_surer:
            each |= {"tf_adjustment_column": level.rarer_is_surer, "tf_adjustment_weight": 1.0}
        levels.append(each)
    return {"output_column_name": comparison.name, "comparison_levels": levels, "comparison_description": ""}


def _linker(
    connection: duckdb.DuckDBPyConnection, left: str, right: str, settings: dict[str, Any]
) -> tuple[DuckDBAPI, Linker]:
    """A linker over two tables, with its own DuckDBAPI: Splink accepts each table name only once."""
    api = DuckDBAPI(connection)
    tables = [api.register(left, dataset_display_name="left"), api.register(right, dataset_display_name="right")]
    return api, Linker(tables, settings, log_level=logging.ERROR, validate_settings=False)


def _learnt(
    connection: duckdb.DuckDBPyConnection, comparisons: Sequence[Comparison], known: int
) -> tuple[Comparison, ...]:
    """The comparisons with probabilities learnt from the company's own known and random pairs.

    Random pairs come from a fixed sample of records of each side, so that the order of the rows changes nothing.
    """
    for side in ("left", "right"):
        connection.execute(
            f"""
            create table {side}_few as
            select r.* from {side}_records r order by md5(r.unique_id), r.unique_id limit {_RANDOM_RECORDS}
            """
        )
        connection.execute(
            f"""
            create table {side}_known as
            select r.* from {side}_records r where r.unique_id in (select {side}_id from known_pairs)
            """
        )
    _, random = _linker(connection, "left_few", "right_few", _settings(comparisons, 0.001))
    random.training.estimate_u_using_random_sampling(max_pairs=1e9, min_count_per_level=None, num_chunks=1)
    api, true = _linker(connection, "left_known", "right_known", _settings(comparisons, 0.001))
    connection.execute(
        """
        create table labels as
        select 'left' as source_dataset_l, left_id as unique_id_l, 'right' as source_dataset_r, right_id as unique_id_r
        from known_pairs
        """
    )
    true.training.estimate_m_from_pairwise_labels(api.register("labels"))  # type: ignore[no-untyped-call]
    pairs = min(connection.table("left_few").shape[0] * connection.table("right_few").shape[0], 1_000_000)
    m = _blended(comparisons, _chances(true, "m_probability"), known, "m")
    u = _blended(comparisons, _chances(random, "u_probability"), pairs, "u")
    return tuple(
        Comparison(
            comparison.name,
            comparison.unknown,
            tuple(
                Level(level.says, level.when, m[number][place], u[number][place], level.rarer_is_surer)
                for place, level in enumerate(comparison.levels)
            ),
            comparison.is_learnt,
        )
        for number, comparison in enumerate(comparisons)
    )


def _chances(linker: Linker, kind: str) -> list[list[float | None]]:
    model = json.loads(json.dumps(linker.misc.save_model_to_json()))
    return [
        [level.get(kind) for level in comparison["comparison_levels"] if not level.get("is_null_level")]
        for comparison in model["comparisons"]
    ]


def _blended(
    comparisons: Sequence[Comparison], seen: list[list[float | None]], pairs: int, kind: str
) -> list[list[float]]:
    """Probabilities seen in `pairs` pairs, pulled towards the shipped ones where pairs are few."""
    weight = pairs / (pairs + _PAIRS_OF_THE_SHIPPED_CHANCES)
    blended = []
    for comparison, chances in zip(comparisons, seen, strict=True):
        shipped = [float(getattr(level, kind)) for level in comparison.levels]
        if not comparison.is_learnt:
            blended.append(shipped)
            continue
        mixed = [
            max(weight * chance + (1 - weight) * old if chance is not None else old, _LEAST_CHANCE)
            for chance, old in zip(chances, shipped, strict=True)
        ]
        blended.append([_steady(chance / sum(mixed)) for chance in mixed])
    return blended


def _block(
    connection: duckdb.DuckDBPyConnection, blocks: Sequence[Block], possible: str, candidates_per_key: int
) -> int:
    """Make the table `blocked` of pairs that share a key; returns its number of rows.

    The rarest keys are used first, until the limit of pairs per record is reached, so that the work grows linearly.
    """
    for side in ("right", "left"):
        connection.execute(
            f"""
            create table {side}_open as
            select row_number() over () as place, * from {side}_records where is_open
            """
        )
        keys = " union all ".join(
            f"select place, '{number}|' || {getattr(block, side)} as words from {side}_open"
            for number, block in enumerate(blocks)
        )
        # The left side is the larger one: keys that the right side lacks are dropped before counting.
        shared = "" if side == "right" else " and hash(words) in (select shared from right_keys)"
        connection.execute(
            f"create table {side}_keys as select place, hash(words) as shared from ({keys}) where words is not null{shared}"
        )
    connection.execute(
        f"""
        create table usable as
        with counted as (
          select l.shared, l.records as rarity, l.records * r.records as pairs
          from (select shared, count(*) as records from left_keys group by 1) l
          join (select shared, count(*) as records from right_keys group by 1) r using (shared)
          where l.records <= {candidates_per_key} and r.records <= {candidates_per_key}
        ),
        running as (
          select rarity, sum(sum(pairs)) over (order by rarity) as pairs from counted group by rarity
        )
        select shared from counted
        where rarity <= (
          select coalesce(max(rarity), 1) from running
          where pairs <= {_PAIRS_PER_RECORD} * (select count(*) from right_open)
        )
        """
    )
    connection.execute(
        f"""
        create table blocked as
        -- Materialised: left to choose, the engine may pair records by a key that half of them share before it drops such keys.
        with left_usable as materialized (select place, shared from left_keys where shared in (select shared from usable)),
        right_usable as materialized (select place, shared from right_keys where shared in (select shared from usable))
        select distinct l.place as left_place, r.place as right_place
        from left_usable lu
        join right_usable ru on ru.shared = lu.shared
        join left_open l on l.place = lu.place
        join right_open r on r.place = ru.place
        where {possible}
        """
    )
    for name in ("usable", "left_keys", "right_keys"):
        connection.execute(f"drop table {name}")
    return int(connection.table("blocked").shape[0])


def _steady(chance: float) -> float:
    """A probability without its last digits, which depend on the order in which threads add."""
    return float(f"{chance:.6g}")


def _scored(connection: duckdb.DuckDBPyConnection, comparisons: Sequence[Comparison], chance: float) -> pa.Table:
    # Splink carries the record's ID through every join; a number is smaller.
    for side in ("left", "right"):
        connection.execute(f"create view {side}_numbered as select * replace (place as unique_id) from {side}_open")
    records = int(connection.table("right_open").shape[0])
    portions = -(-int(connection.table("blocked").shape[0]) // _PAIRS_SCORED_AT_ONCE)
    outcomes = ", ".join(f"gamma_{each.name}, {_added_weight(each)} as mw_{each.name}" for each in comparisons)
    scored = []
    for portion in range(portions):
        first, end = (records * place // portions for place in (portion, portion + 1))
        connection.execute(
            f"""
            create table portion_{portion} as
            select '0' as match_key, 'left-__-' || left_place as join_key_l, 'right-__-' || right_place as join_key_r
            from blocked where right_place > {first} and right_place <= {end}
            """
        )
        api, linker = _linker(connection, "left_numbered", "right_numbered", _settings(comparisons, chance))
        linker.table_management.register_blocked_pairs_for_predict(api.register(f"portion_{portion}"))
        predicted = linker.inference.predict(threshold_match_weight=_LEAST_WEIGHT, warning_mode="never").physical_name
        scored.append(
            connection.sql(
                f"""
                select l.unique_id as left_id, r.unique_id as right_id, round(match_weight, 6) as match_weight, {outcomes}
                from {predicted} p
                join left_open l on l.place = p.unique_id_l
                join right_open r on r.place = p.unique_id_r
                order by right_id, match_weight desc, left_id
                """
            ).to_arrow_table()
        )
        connection.execute(f"drop table {predicted}")
        connection.execute(f"drop table portion_{portion}")
    return pa.concat_tables(scored)


def _added_weight(comparison: Comparison) -> str:
    has_frequency = any(level.rarer_is_surer for level in comparison.levels)
    return f"mw_{comparison.name}" + (f" + coalesce(mw_tf_adj_{comparison.name}, 0)" if has_frequency else "")


def _no_pairs(comparisons: Sequence[Comparison]) -> pa.Table:
    names = [name for each in comparisons for name in (f"gamma_{each.name}", f"mw_{each.name}")]
    return pa.table(
        {
            "left_id": pa.array([], pa.string()),
            "right_id": pa.array([], pa.string()),
            "match_weight": pa.array([], pa.float64()),
            **{name: pa.array([], pa.float64()) for name in names},
        }
    )


def _weights(comparisons: Sequence[Comparison]) -> list[dict[str, Any]]:
    return [
        {"comparison": each.name.replace("_", " "), "outcome": level.says, "weight": round(log2(level.m / level.u), 2)}
        for each in comparisons
        for level in each.levels
    ]
