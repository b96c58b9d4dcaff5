"""Governance: coverage, unmatched, rejected and duplicate records, totals against the source, and who must act."""
