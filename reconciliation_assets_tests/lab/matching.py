"""The benchmark of matching: the whole job on companies with noise whose true links are known, link by link and method by method."""

import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.csv

from reconciliation_assets.chain.matching.inference.payments import assign
from reconciliation_assets.policy.load import load_policy
from reconciliation_assets.warehouse.duckdb import DuckDB, connect
from reconciliation_assets.warehouse.query import TableName
from reconciliation_assets_tests.lab.sample import CompanySpec, Noise, write_company
from reconciliation_assets_tests.lab.whole_job import run_alone


@dataclass(frozen=True)
class Measured:
    """How right and how complete the links of one method are.

    Attributes:
        links: accepted links of the method.
        right: those that are true.
        sought: true pairs that no stronger method could find and this one should: for exact IDs all whose two rows carry the
            same ID, for contacts all whose rows share a contact, for inferred ones all that are left.
        found: of those, the pairs that are linked, by whatever method.
    """

    link: str
    method: str
    links: int
    right: int
    sought: int
    found: int

    @property
    def precision(self) -> float | None:
        """Share of the links that are true."""
        return self.right / self.links if self.links else None

    @property
    def recall(self) -> float | None:
        """Share of the pairs sought that are linked."""
        return self.found / self.sought if self.sought else None


def measure_matching(orders: int, seed: int) -> list[Measured]:
    """Generate a noisy company, run the whole job on it, and hold its links against the truth."""
    with tempfile.TemporaryDirectory(prefix="reconcile-bench-") as folder:
        home = Path(folder)
        spec = CompanySpec(orders=orders, seed=seed, noise=Noise.benchmark())
        write_company(spec, home)
        run_alone(home, spec.as_of.isoformat())
        with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as warehouse:
            return hold_against_truth(warehouse, home)


def measure_without_ids(orders: int, seed: int) -> tuple[float, float]:
    """Precision and recall of all links of money in a company whose payments lost their order, invoice and CRM numbers."""
    with tempfile.TemporaryDirectory(prefix="reconcile-bench-") as folder:
        home = Path(folder)
        spec = CompanySpec(orders=orders, seed=seed)
        write_company(spec, home)
        lose_ids(home / "inbox" / "payments.csv")
        run_alone(home, spec.as_of.isoformat())
        with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as warehouse:
            return money_found(hold_against_truth(warehouse, home))


def lose_ids(payments: Path) -> None:
    """Empty the order, invoice and CRM numbers of a file of payments."""
    with duckdb.connect() as connection:
        rows = connection.read_csv(str(payments), all_varchar=True).to_arrow_table()
        for name in ("order_id", "invoice_id", "crm_id"):
            rows = rows.set_column(rows.column_names.index(name), name, pa.nulls(rows.num_rows, pa.string()))
    pa.csv.write_csv(rows, payments)


def money_found(measured: list[Measured]) -> tuple[float, float]:
    """Precision and recall of the links of money, all methods together."""
    money = [each for each in measured if each.link.endswith("payment")]
    links, right, sought, found = (
        sum(getattr(each, name) for each in money) for name in ("links", "right", "sought", "found")
    )
    return right / links, found / sought


def hold_against_truth(warehouse: duckdb.DuckDBPyConnection, home: Path) -> list[Measured]:
    """The accepted links of a warehouse against the true ones of its company.

    Args:
        home: the data directory, with the company's truth beside its inbox.
    """
    warehouse.execute(f"create temp table truth as {_truth(home)}")
    return [Measured(*row) for row in warehouse.execute(_HELD).fetchall()]


def _truth(home: Path) -> str:
    """The query of a company's true links: link, left_id, right_id, true_method."""
    if (home / "truth_links.parquet").exists():
        return f"select link, left_id, right_id, true_method from read_parquet('{home}/truth_links.parquet')"
    return f"""
        select link, pair[1] as left_id, pair[2] as right_id, pair[3] as true_method
        from (
          unpivot (select unnest(links) from read_json('{home}/truth.json', maximum_object_size = 200000000))
          on columns(*) into name link value pairs
        ), unnest(pairs) as each(pair)
        """


@dataclass(frozen=True)
class Inferred:
    """What it took to infer the orders of payments that name nothing.

    Attributes:
        payments: payments without IDs and contacts.
        payables: orders and CRM records that they can belong to.
        seconds: from their tables to the links: learning, looking for pairs, scoring and assigning.
        peak_gib: the largest memory the process held.
        accepted: links that are sure enough to carry money.
        right: those that are true.
    """

    payments: int
    payables: int
    seconds: float
    peak_gib: float
    accepted: int
    right: int


def measure_inference(orders: int, seed: int) -> Inferred:
    """Take IDs and contacts from all payments of a noisy company and infer where they belong, in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="reconcile-bench-") as folder:
        home = Path(folder)
        spec = CompanySpec(orders=orders, seed=seed, noise=Noise.benchmark())
        write_company(spec, home)
        run_alone(home, spec.as_of.isoformat())
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
            return alone.submit(infer_all_payments, home).result()


def infer_all_payments(home: Path) -> Inferred:
    """Infer the partner of every payment of a finished run as if none named anything; the named links teach the weights."""
    matching = load_policy(None).policy.matching
    connection = connect(home / "warehouse.duckdb")
    try:
        warehouse = DuckDB(connection)
        warehouse.execute(
            """
            create schema if not exists bench;
            create or replace table bench.named_payments as select * from matching.named_payments;
            create or replace table bench.match_calibration as select * from matching.match_calibration;
            create or replace table bench.payables as
            select * replace (0 as paid_amount, 0 as returned_amount) from matching.payables;
            create or replace table bench.matchable_payments as
            select * replace (true as is_open, false as names_something, cast(null as varchar) as email_key,
              cast(null as varchar) as phone_key, cast(null as varchar) as customer_id, cast(null as varchar) as lead_id)
            from matching.matchable_payments
            """
        )
        began = time.perf_counter()
        assign(warehouse, "bench", matching)
        seconds = time.perf_counter() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        payments, payables = (
            warehouse.count(TableName("bench", table)) for table in ("matchable_payments", "payables")
        )
        accepted, right = warehouse.rows(
            f"""
            select count(*), count(t.right_id)
            from bench.assigned_payments i
            left join ({_truth(home)}) t on t.link = i.link and t.left_id = i.left_id and t.right_id = i.right_id
            where i.is_sure
            """
        )[0]
    finally:
        connection.close()
    return Inferred(payments, payables, seconds, peak, accepted, right)


_HELD = """
with contacts as (
  select 'leads' as kind, lead_id as id, unnest([email_key, phone_key]) as contact from canonical.leads
  union all select 'crm_records', crm_id, unnest([email_key, phone_key]) from canonical.crm_records
  union all select 'orders', order_id, unnest([email_key, phone_key]) from canonical.orders
  union all select 'payments', payment_id, unnest([email_key, phone_key]) from canonical.payments
),
ends as (
  select * from (values ('lead_crm', 'leads', 'crm_records'), ('lead_order', 'leads', 'orders'),
    ('order_payment', 'orders', 'payments'), ('crm_payment', 'crm_records', 'payments')) e(link, left_kind, right_kind)
),
shared as (
  select distinct t.link, t.left_id, t.right_id
  from truth t
  join ends e on e.link = t.link
  join contacts l on l.kind = e.left_kind and l.id = t.left_id
  join contacts r on r.kind = e.right_kind and r.id = t.right_id and r.contact = l.contact
),
lost as (
  select payment_id as right_id from canonical.payments
  where order_id is null and invoice_id is null and crm_id is null and waybill is null and customer_id is null
    and lead_id is null
),
sought as (
  select
    t.link, t.left_id, t.right_id,
    case
      when t.true_method in ('exact_id', 'crm_relationship', 'manual_verified') and n.right_id is null then t.true_method
      when s.right_id is not null then 'exact_contact'
      else 'inferred'
    end as method
  from truth t
  left join shared s on s.link = t.link and s.left_id = t.left_id and s.right_id = t.right_id
  left join lost n on n.right_id = t.right_id and t.link like '%payment'
  left join canonical.payments p on t.link like '%payment' and p.payment_id = t.right_id
  where coalesce(p.is_money, true)
),
judged as (
  select m.link, m.match_method as method, count(*) as links, count(t.right_id) as right_ones
  from matching.match_links m
  left join truth t on t.link = m.link and t.left_id = m.left_id and t.right_id = m.right_id
  where m.link <> 'record_ad'
  group by 1, 2
),
missed as (
  select s.link, s.method, count(*) as sought, count(m.right_id) as found
  from sought s
  left join matching.match_links m on m.link = s.link and m.left_id = s.left_id and m.right_id = s.right_id
  group by 1, 2
)
select coalesce(j.link, s.link), coalesce(j.method, s.method), coalesce(j.links, 0), coalesce(j.right_ones, 0),
  coalesce(s.sought, 0), coalesce(s.found, 0)
from judged j full join missed s on s.link = j.link and s.method = j.method
order by 1, 2
"""
