"""The interface between the graph and the engine: queries, materialisation, lineage.

Engines are named only in this folder. The graph hands over a query and gets a table (`protocol.py`). DuckDB is the embedded
default, and always the ledger.
"""
