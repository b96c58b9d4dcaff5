"""The tables of the chain that are made in Python: every `PythonTable` in a module of a layer's folder is found."""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

from reconciliation_assets.chain.layers import LAYERS
from reconciliation_assets.chain.python_table import PythonTable
from reconciliation_assets.warehouse.query import TableName


@cache
def python_tables() -> Mapping[TableName, PythonTable]:
    """All Python tables of the chain by the table they make."""
    folder = Path(__file__).parent
    modules = (
        import_module(module.name)
        for layer in LAYERS
        for module in walk_packages([str(folder / layer)], f"{__package__}.{layer}.")
    )
    return {
        value.target: value for module in modules for value in vars(module).values() if isinstance(value, PythonTable)
    }
