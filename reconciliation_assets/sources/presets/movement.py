"""Direction of money on a statement: two columns, one amount with a word for its direction, or one signed amount.

The meaning of a sign is decided from all rows of a file: by the running balance if there is one. Without a balance, debits that
are all negative are plain debits written with a minus; a negative debit among positive ones reverses an earlier one.
"""

from dataclasses import dataclass

from reconciliation_assets.sources.presets.bound import BoundTexts
from reconciliation_assets.sources.presets.model import MOVED, TAKEN_BACK, Movement
from reconciliation_assets.sources.presets.recognition import Recognised
from reconciliation_assets.sources.text_rows import FileSetAsideError
from reconciliation_assets.warehouse.duckdb import Connection


@dataclass(frozen=True)
class _Told:
    """The direction as SQL over the columns `came`, `went` and the flags of a reversal.

    Attributes:
        moved: the signed amount, positive for money in.
        taken_back: whether the row reverses an earlier one.
    """

    moved: str
    taken_back: str


def moved_rows(bound: BoundTexts, connection: Connection, kind: Recognised, movement: Movement, is_no_data: str) -> str:
    """A SELECT over the table `valued` that adds the columns `moved` and `taken_back`, each as cell and as value.

    If a file has one amount, the columns of money in and money out are filled from it.

    Args:
        bound: the bound texts, including those of `is_no_data` and of the returned SELECT.
        connection: an engine with the table `valued`.
        kind: the recognised file.
        movement: the movement of its preset.
        is_no_data: SQL condition for rows that do not count, such as totals.

    Raises:
        FileSetAsideError: no row shows the direction of money, or the rows contradict each other.
    """
    has_two = movement.money_in in kind.positions and movement.money_out in kind.positions
    is_marked = not has_two and _is_marked(bound, connection, kind, movement)
    amount = _number(movement.amount)
    if has_two:
        came, went, backwards = _number(movement.money_in), _number(movement.money_out), ("false", "false")
    elif is_marked:
        came = f"case when {_is_word(bound, movement, 'in', 'in_reversed')} then {amount} end"
        went = f"case when {_is_word(bound, movement, 'out', 'out_reversed')} then {amount} end"
        backwards = _is_word(bound, movement, "in_reversed"), _is_word(bound, movement, "out_reversed")
    else:
        came, went, backwards = amount, "cast(null as decimal(18, 6))", ("false", "false")
    select = f"""
        select *, {came} as came, {went} as went, {backwards[0]} as in_reversed, {backwards[1]} as out_reversed,
          {_number(movement.balance)} as balance_after, not coalesce({is_no_data}, false) and unread is null as counts
        from valued
        """
    connection.execute(f"create or replace table told as {select}", bound.of(select))
    told = (
        _with_direction(bound, connection, kind, movement)
        if has_two or is_marked
        else _with_sign(connection, kind, movement)
    )
    filled = (
        ""
        if has_two
        else f"""
        cast(case when {told.moved} > 0 and not {told.taken_back} or {told.moved} < 0 and {told.taken_back} then {told.moved} end
          as varchar) as {movement.money_in}_value,
        cast(case when {told.moved} < 0 and not {told.taken_back} or {told.moved} > 0 and {told.taken_back} then -{told.moved} end
          as varchar) as {movement.money_out}_value,"""
    )
    heading = bound(kind.headings.get(movement.mark if is_marked else movement.money_in, ""))
    unclear = (
        f"unread is null and counts and {amount} is not null and came is null and went is null"
        if is_marked
        else "false"
    )
    return f"""
    select * exclude (came, went, in_reversed, out_reversed, balance_after, counts) replace ({filled}
        case when {unclear} then {heading} else unread_column end as unread_column,
        case when {unclear} then 'neither money in nor money out' else unread end as unread
      ),
      cast(case when came is not null or went is not null then {told.moved} end as varchar) as {MOVED}_cell,
      cast(case when came is not null or went is not null then {told.moved} end as varchar) as {MOVED}_value,
      case when {told.taken_back} then 'yes' end as {TAKEN_BACK}_cell,
      case when {told.taken_back} then 'yes' end as {TAKEN_BACK}_value
    from told
    """


def _number(name: str) -> str:
    return f"try_cast({name}_value as decimal(18, 6))"


def _is_word(bound: BoundTexts, movement: Movement, *directions: str) -> str:
    words = ", ".join(
        f"word({bound(word)})"
        for direction, listed in movement.marks.items()
        if direction in directions
        for word in listed
    )
    return f"coalesce(word({movement.mark}_cell) in ({words}), false)" if words else "false"


def _is_marked(bound: BoundTexts, connection: Connection, kind: Recognised, movement: Movement) -> bool:
    """Whether the mark column has directions in most of its cells; under the same heading a file may have kinds of transfer."""
    if movement.mark not in kind.positions:
        return False
    counted = f"""
        select count(*) filter ({_is_word(bound, movement, *movement.marks)}), count({movement.mark}_cell)
        from valued where {_number(movement.amount)} is not null
        """
    known, filled = connection.execute(counted, bound.of(counted)).fetchall()[0]
    return bool(known * 2 > filled)


def _with_direction(bound: BoundTexts, connection: Connection, kind: Recognised, movement: Movement) -> _Told:
    """Direction by two columns, or by one amount and a word; money out may be written with or without a minus."""

    def told(sign: str) -> _Told:
        money_in, money_out = "coalesce(came, 0)", f"{sign}coalesce(went, 0)"
        moved = (
            f"(case when in_reversed then -abs({money_in}) when out_reversed then abs(coalesce(went, 0)) "
            f"else {money_in} - {money_out} end)"
        )
        return _Told(moved, f"(in_reversed or out_reversed or {money_in} < 0 or {money_out} < 0)")

    plain, with_minus = told(""), told("-")
    counted = f"""
        select
          count(*) filter (went < 0), count(*) filter (went > 0),
          count(*) filter (went < 0 and coalesce(regexp_matches({movement.description}_cell, {bound(f"(?i){movement.reversal}")}), false))
        from told where counts and not out_reversed
        """
    below, above, reversals = connection.execute(counted, bound.of(counted)).fetchall()[0]
    if not below:
        return plain
    as_plain, as_minus = (_rows_that_fit(connection, each.moved) for each in (plain, with_minus))
    if as_plain != as_minus:
        return plain if as_plain > as_minus else with_minus
    if not above:
        return plain if reversals == below else with_minus
    if below > above:
        raise FileSetAsideError(
            f"{below:,} amounts of its column {_heading(kind, movement.money_out, movement.amount)} are negative and {above:,} are not, so "
            "nothing shows which of them is money out and which is money that came back; export it with a running balance"
        )
    return plain


def _with_sign(connection: Connection, kind: Recognised, movement: Movement) -> _Told:
    """Direction by one signed amount: a minus is money out, unless the balance proves the opposite, as on card statements."""
    plain, turned = _Told("came", "false"), _Told("(-came)", "false")
    as_plain, as_turned = (_rows_that_fit(connection, each.moved) for each in (plain, turned))
    if as_turned > as_plain:
        return turned
    if as_plain:
        return plain
    (below,) = connection.execute("select count(*) from told where counts and came < 0").fetchall()[0]
    if not below:
        raise FileSetAsideError(
            f"no row shows which way money went: no amount of its column {_heading(kind, movement.amount)} is negative, there is no column "
            "of debit and credit, and no running balance shows it; export it with one of these"
        )
    return plain


def _rows_that_fit(connection: Connection, moved: str) -> int:
    """Number of rows whose amount equals the change of the running balance, whether the newest row is last or first."""
    (fitting,) = connection.execute(
        f"""
        select greatest(count(*) filter (balance_after - balance_before = moved), count(*) filter (balance_before - balance_after = moved_before))
        from (
          select balance_after, moved, lag(balance_after) over (order by row_number) as balance_before,
            lag(moved) over (order by row_number) as moved_before
          from (select row_number, balance_after, {moved} as moved from told where counts and balance_after is not null)
        )
        where moved <> 0
        """
    ).fetchall()[0]
    return int(fitting)


def _heading(kind: Recognised, *names: str) -> str:
    return next((kind.headings[name] for name in names if name in kind.headings), names[0])
