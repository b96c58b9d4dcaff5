"""The protected keys of contacts, for those who match by hand: a database of its own, in a folder of its own.

DuckDB has no grants, so who may read is a matter of files: whoever can open the published copy reads all of it.
"""

from pathlib import Path

from reconciliation_assets.contracts.inputs import INPUT_TABLES
from reconciliation_assets.contracts.model import CONTACT_KEYS, InputTable
from reconciliation_assets.files import atomic_file
from reconciliation_assets.publish.copy import escaped
from reconciliation_assets.warehouse.protocol import Ledger

SCHEMA = "restricted"
TABLE = "contact_keys"


def publish_contact_keys(warehouse: Ledger, path: Path) -> int:
    """Replace the restricted database by the current rows' keys; returns how many there are.

    The folder is made for its owner alone. Who administers it may open it to a group, and that stays: only the file
    in it is replaced.

    Args:
        path: the restricted database.
    """
    path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    with atomic_file(path) as unfinished:
        warehouse.execute(f"attach '{escaped(unfinished)}' as restricted_copy")
        try:
            warehouse.execute(f"create schema restricted_copy.{SCHEMA}")
            target = f"restricted_copy.{SCHEMA}.{TABLE}"
            parts = [part for table in INPUT_TABLES for part in _keys_of(table)]
            warehouse.execute(f"create table {target} as {' union all '.join(parts)} order by all")
            warehouse.execute(
                f"comment on table {target} is 'One row per current row of an input table and protected key of its contact.'"
            )
            count = int(warehouse.rows(f"select count(*) from {target}")[0][0])
        finally:
            warehouse.execute("detach restricted_copy")
        unfinished.chmod(0o640)
    return count


def _keys_of(table: InputTable) -> list[str]:
    """A SELECT per kind of key; of names only keys by word, since keys by sound say less and match more."""
    wanted = [
        (name, kind)
        for column in table.contacts
        for name, kind in CONTACT_KEYS[column.kind]
        if name != "name_sound_keys"
    ]
    identity = table.key[0]
    return [
        f"""
        select '{table.name}' as source_table, {identity} as source_id, '{name.removesuffix("s")}' as key_kind,
               {f"unnest({name})" if kind.endswith("[]") else name} as key_value
        from current.{table.name} where {name} is not null
        """
        for name, kind in wanted
    ]
