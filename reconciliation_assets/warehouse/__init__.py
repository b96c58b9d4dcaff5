"""The seam between the graph and the engine: queries, materialisation, lineage.

Here and nowhere else an engine is named. The graph hands over a query and gets a table (`protocol.py`); DuckDB is the embedded
default, and the ledger in any case.
"""
