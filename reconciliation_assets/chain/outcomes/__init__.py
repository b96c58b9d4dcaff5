"""Outcomes: how far every record came on the ladder, what it was worth and what money arrived for it."""
