"""Decisions: which step of which segment loses the most, and which campaigns get more money, the same, or none.

Here: rules that judge counts and money which SQL has added up. Not here: what a record reached (`outcomes/`), or how the
answers are shown (`publish/`).
"""
