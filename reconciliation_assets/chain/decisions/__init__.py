"""Decisions: which step of which segment loses the most, and which campaigns get more money, the same, or none.

Here: rules applied to counts and amounts that SQL has aggregated. Not here: the outcome of a record (`outcomes/`), or how
results are shown (`publish/`).
"""
