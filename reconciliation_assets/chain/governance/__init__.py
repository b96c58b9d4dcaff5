"""Governance: coverage, what is unmatched, set aside or repeated, totals against the source, and who must act."""
