"""What must hold about the tables: contracts, coverage, duplicates, totals, closure, conservation, freshness.

Here: the checks as plain functions of the warehouse, each naming what to do when it fails. Not here: how Dagster runs
them (`chain/assets.py`), or who is told (`operations/`).
"""
