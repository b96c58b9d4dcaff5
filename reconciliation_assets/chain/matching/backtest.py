"""The backtest: exact IDs are hidden from records that have them, and the other methods try to find the partner again.

A hash of the record's ID decides what is hidden, so every run hides the same records. Half of the hidden records lose only
their IDs, which tests links by contact and relationship. The other half lose their contacts too, which tests inferred links.

For a quarter of the hidden payments the order is removed as well: these are strangers' payments and must stay unmatched.
Strangers are then judged in the same proportion as among payments that really name no order, separately by what a payment
shows of its payer. A sample of those payments is assigned together with the hidden ones to estimate that proportion. Other
orders that fit equally well stay in. The queries and models are the ones that make the real links; they run in a schema of their own.
"""

import pyarrow as pa

from reconciliation_assets.chain.matching.inference.infer import infer
from reconciliation_assets.chain.matching.inference.models import LEAD_CRM, LEAD_ORDER, Model
from reconciliation_assets.chain.matching.inference.payments import Assigned, assign
from reconciliation_assets.chain.python_table import PythonTable, TableMetadata
from reconciliation_assets.chain.queries import matching_query
from reconciliation_assets.chain.run_context import LedgerContext
from reconciliation_assets.contracts.model import Meaning, OutputTable
from reconciliation_assets.policy.model import Backtest
from reconciliation_assets.warehouse.protocol import Ledger
from reconciliation_assets.warehouse.query import TableName

_LAYER = "backtest"
_LARGEST_SHARE = 1 / 3
_ENOUGH = 1_500
# Shares of the hidden payments: those whose order or CRM record is removed, and those whose payer name is removed.
_STRANGERS = 0.25
_NAMELESS = 0.2

# What is hidden, by table: a query for the true partner, the ID columns that are emptied, and the contact columns.
_HIDDEN: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "crm_records": (
        """
        select c.crm_id as right_id, 'lead_crm' as link, l.lead_id as left_id, c.created_at as at
        from canonical.crm_records c join canonical.leads l on l.lead_id = c.lead_id where c.merged_into is null
        """,
        ("lead_id", "meta_lead_id"),
        ("email_key", "phone_key"),
    ),
    "orders": (
        """
        select o.order_id as right_id, 'lead_order' as link, l.lead_id as left_id, o.created_at as at
        from canonical.orders o join canonical.leads l on l.lead_id = o.lead_id
        """,
        ("lead_id",),
        ("crm_id", "customer_id", "email_key", "phone_key"),
    ),
    "payments": (
        """
        select p.payment_id as right_id, 'order_payment' as link, o.order_id as left_id, p.paid_at as at
        from canonical.payments p join canonical.orders o on o.order_id = p.order_id where p.is_money and p.kind <> 'fee'
        union all
        select p.payment_id, 'crm_payment', c.crm_id, p.paid_at
        from canonical.payments p join canonical.crm_records c on c.crm_id = p.crm_id
        where p.order_id is null and p.is_money and p.kind <> 'fee'
        """,
        ("order_id", "invoice_id", "crm_id", "waybill"),
        ("lead_id", "customer_id", "email_key", "phone_key"),
    ),
}
_NAMES = {"payments": ("name_keys", "name_sound_keys")}
_KEY = {"crm_records": "crm_id", "orders": "order_id", "payments": "payment_id"}
_STEPS: tuple[str | Model, ...] = (
    *(
        "lead_contact_pairs",
        "known_lead_crm",
        "matchable_leads",
        "matchable_crm_records",
        LEAD_CRM,
        "lead_crm_proposals",
        "lead_crm_links",
    ),
    *("lead_validity", "known_lead_order", "matchable_orders", LEAD_ORDER, "lead_order_proposals", "lead_order_links"),
    *("named_payments", "payables", "matchable_payments"),
)
_ASSIGNED = f"{_LAYER}.assigned_payments"
_HIDDEN_ORDERS = TableName(_LAYER, "hidden_orders")
_REHEARSED = {
    TableName("matching", name)
    for step in _STEPS
    for name in ([step] if isinstance(step, str) else [f"inferred_{step.name}"])
} | {TableName("matching", "assigned_payments")}
_STAND_INS = {TableName("matching", name) for name in ("match_standing", "match_calibration")}
_MOVED = {
    **{table: TableName(_LAYER, table.name) for table in (*_REHEARSED, *_STAND_INS)},
    **{TableName("canonical", table): TableName(_LAYER, table) for table in _HIDDEN},
}


def rehearse(context: LedgerContext) -> TableMetadata:
    """Make `matching.backtest_links`: hide IDs, run every method, and keep what was found for each hidden record."""
    warehouse = context.warehouse
    matching = context.loaded_policy.policy.matching
    warehouse.execute(f"create schema if not exists {_LAYER}")
    hidden = sum(_hide(warehouse, table, matching.backtest) for table in _HIDDEN)
    _take_partners_away(warehouse)
    if hidden < matching.backtest.fewest:
        warehouse.load(_TARGET, _NOTHING)
        return TableMetadata({"hidden": hidden, "judged": "too few known links to hide any"})
    _let_every_method_try(warehouse, matching.inferred.accept_from)
    for step in _STEPS:
        if isinstance(step, Model):
            # Orders do not compete for leads, so scoring only the hidden orders gives the same links as scoring all open ones.
            infer(warehouse, step, _LAYER, matching, None if step.slot else _HIDDEN_ORDERS)
        else:
            query = matching_query(step).moved(_MOVED)
            warehouse.materialise(query, context.parameters)
    warehouse.execute(
        f"""
        create or replace table {_LAYER}.tried_payments as
        select right_id, true as is_hidden from {_LAYER}.hidden_payments
        union all
        select unique_id, false
        from (
          select unique_id from {_LAYER}.matchable_payments
          where is_open and unique_id not in (select right_id from {_LAYER}.hidden_payments)
          order by md5(unique_id), unique_id limit {matching.backtest.most}
        )
        """
    )
    assigned = assign(warehouse, _LAYER, matching, trial=f"{_LAYER}.tried_payments")
    _judge_as_many_strangers_as_there_are(warehouse, assigned)
    _compare(warehouse, matching.inferred.accept_from)
    warehouse.execute(f"drop schema {_LAYER} cascade")
    return TableMetadata({"hidden": hidden})


def _hide(warehouse: Ledger, table: str, limits: Backtest) -> int:
    truth, ids, contacts = _HIDDEN[table]
    key = _KEY[table]
    known = int(warehouse.rows(f"select count(*) from ({truth})")[0][0])
    hidden_share = min(_LARGEST_SHARE, max(limits.share, _ENOUGH / known), limits.most / known) if known else 0.0
    limit, half, nameless = (_hexadecimal(part * hidden_share) for part in (1, 1 / 2, 1 - _NAMELESS))
    warehouse.execute(
        f"""
        create or replace table {_LAYER}.hidden_{table} as
        select t.link, t.right_id, t.left_id, t.at, md5(t.link || t.right_id) >= '{half}' as without_contact,
          md5(t.link || t.right_id) >= '{nameless}' as without_name,
          t.link not like '%_payment' or md5(t.left_id || t.link) >= '{_hexadecimal(_STRANGERS)}' as has_partner
        from ({truth}) t
        left join canonical.manual_matches m on m.link = t.link and m.right_id = t.right_id
        where md5(t.link || t.right_id) < '{limit}' and m.link is null
        """
    )
    emptied = [
        *(f"case when h.right_id is null then t.{column} end as {column}" for column in ids),
        *(f"case when h.without_contact is distinct from true then t.{column} end as {column}" for column in contacts),
        *(
            f"case when h.without_name is distinct from true then t.{column} end as {column}"
            for column in _NAMES.get(table, ())
        ),
    ]
    warehouse.execute(
        f"""
        create or replace table {_LAYER}.{table} as
        select t.* replace ({", ".join(emptied)})
        from canonical.{table} t
        left join {_LAYER}.hidden_{table} h on h.right_id = t.{key}
        """
    )
    return warehouse.count(TableName(_LAYER, f"hidden_{table}"))


def _take_partners_away(warehouse: Ledger) -> None:
    for table, link in (("orders", "order_payment"), ("crm_records", "crm_payment")):
        warehouse.execute(
            f"""
            delete from {_LAYER}.{table} where {_KEY[table]} in (
              select left_id from {_LAYER}.hidden_payments where link = '{link}' and not has_partner
            )
            """
        )


def _judge_as_many_strangers_as_there_are(warehouse: Ledger, assigned: Assigned) -> None:
    """Drop some hidden payments, so that the share of strangers is the same as among payments that name no order."""
    rows = []
    for shown in range(3):
        share = assigned.shares.get(shown, 1 - _STRANGERS)
        strangers = (1 - share) / share * (1 - _STRANGERS) / _STRANGERS
        rows.append(f"({shown}, '{_hexadecimal(min(1.0, 1 / strangers))}', '{_hexadecimal(min(1.0, strangers))}')")
    with warehouse.reading("_shown", assigned.shown):
        warehouse.execute(
            f"""
            delete from {_LAYER}.hidden_payments where right_id in (
              select h.right_id
              from {_LAYER}.hidden_payments h
              join _shown p on p.right_id = h.right_id
              join (values {", ".join(rows)}) s(shown, with_partner, without) on s.shown = p.shown
              where md5('judged ' || h.right_id) > case when h.has_partner then s.with_partner else s.without end
            )
            """
        )


def _hexadecimal(share: float) -> str:
    """The MD5 prefix below which this share of all hashes lies."""
    return "g" if share >= 1 else f"{int(share * 0xFFFFFFFF):08x}"


def _let_every_method_try(warehouse: Ledger, accept_from: float) -> None:
    """Allow every method and calibrate none: limits and calibration are the result of the backtest, not its input."""
    warehouse.execute(
        f"""
        create or replace table {_LAYER}.match_standing as
        select l.link, m.match_method, true as may_carry_money,
          case m.match_method when 'inferred' then {accept_from} else 0 end as accept_from,
          1.0 as review_from, 1.0 as confidence_ceiling, '' as reason
        from (values ('lead_crm'), ('lead_order'), ('order_payment'), ('crm_payment')) l(link)
        cross join policy.match_methods m
        """
    )
    warehouse.execute(
        f"""
        create or replace table {_LAYER}.match_calibration
        (link varchar, match_method varchar, evidence_kind varchar, candidates bigint, confidence double, may_carry_money boolean)
        """
    )


def _compare(warehouse: Ledger, accept_from: float) -> None:
    hidden = " union all ".join(f"select * from {_LAYER}.hidden_{table}" for table in _HIDDEN)
    found = " union all ".join(
        [
            *(
                f"select link, left_id, right_id, match_method, match_confidence, evidence_kind, candidates, is_doubtful, "
                f"not is_doubtful or match_confidence >= {accept_from} as is_accepted from {_LAYER}.known_{name} "
                "union all "
                "select link, left_id, right_id, 'inferred', probability, evidence_kind, candidates, false, "
                f"probability >= {accept_from} from {_LAYER}.inferred_{name}"
                for name in ("lead_crm", "lead_order")
            ),
            f"select link, left_id, right_id, match_method, probability, evidence_kind, candidates, false, is_sure from {_ASSIGNED}",
        ]
    )
    warehouse.execute(
        f"""
        create or replace table {_TARGET} as
        with found as (
          select *, row_number() over (partition by right_id order by is_doubtful, match_confidence desc, left_id) as place
          from ({found})
        )
        select
          h.link,
          h.right_id,
          h.left_id as true_left_id,
          h.has_partner,
          cast(date_trunc('month', h.at) as date) as month,
          f.link as found_link,
          f.left_id as found_left_id,
          f.match_method,
          m.strength,
          f.evidence_kind,
          f.candidates,
          f.match_confidence as raw_confidence,
          coalesce(f.link = h.link and f.left_id = h.left_id, false) as is_right,
          coalesce(f.is_accepted, false) as is_accepted
        from ({hidden}) h
        left join found f on f.place = 1 and f.right_id = h.right_id and (f.link = h.link or (f.link like '%payment' and h.link like '%payment'))
        left join policy.match_methods m on m.match_method = f.match_method
        """
    )


_TARGET = TableName("matching", "backtest_links")
_NOTHING = pa.table(
    {
        **{name: pa.array([], pa.string()) for name in ("link", "right_id", "true_left_id")},
        "has_partner": pa.array([], pa.bool_()),
        "month": pa.array([], pa.date32()),
        **{
            name: pa.array([], pa.string()) for name in ("found_link", "found_left_id", "match_method", "evidence_kind")
        },
        "strength": pa.array([], pa.int32()),
        "candidates": pa.array([], pa.int64()),
        "raw_confidence": pa.array([], pa.float64()),
        **{name: pa.array([], pa.bool_()) for name in ("is_right", "is_accepted")},
    }
)

BACKTEST = PythonTable(
    OutputTable(
        "backtest_links",
        "matching",
        "record whose exact ID was hidden",
        "data",
        ("link", "right_id"),
        description=(
            "Records whose exact IDs were hidden, with what the other methods found for each: the ground on which precision, recall and "
            "confidence stand."
        ),
        group="matching_proof",
        columns={
            "true_left_id": Meaning("Partner that the hidden ID names"),
            "has_partner": Meaning("Whether the hidden partner is still there to be found"),
            "month": Meaning("Month of the record"),
            "found_link": Meaning("Kind of link found"),
            "found_left_id": Meaning("Partner found"),
            "match_method": Meaning("Method that found the partner, or would have"),
            "strength": Meaning("Rank of the method, the strongest first"),
            "raw_confidence": Meaning("Confidence before calibration", "share"),
            "is_right": Meaning("Whether the partner found is the true one"),
            "is_accepted": Meaning("Whether the link would have counted"),
        },
    ),
    tuple(
        sorted(
            {
                table
                for step in _STEPS
                if isinstance(step, str)
                for table in matching_query(step).reads
                if table not in _REHEARSED | _STAND_INS
            }
        )
    ),
    rehearse,
)
