"""Data checks of the tables: contracts, coverage, duplicates, totals, closure, conservation, freshness.

Here: the checks as plain functions of the warehouse; every failure message says what to do. Not here: how Dagster runs
them (`chain/assets.py`), or who is alerted (`operations/`).
"""
