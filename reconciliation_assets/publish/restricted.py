"""The protected keys of contacts, for manual matching: a separate database in a separate folder.

DuckDB has no grants, so access is controlled by file permissions: whoever can open the published copy can read all of it.
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
    """Replace the restricted database with the keys of the current rows; returns their number.

    The folder is created for its owner only. An administrator may open it to a group; that stays, because only the file
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
    """One SELECT per kind of key; names only by word, because keys by sound are less specific."""
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
