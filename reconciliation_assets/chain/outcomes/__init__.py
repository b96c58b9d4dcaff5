"""Outcomes: the funnel rung that every record reached, its value and the money collected for it."""
