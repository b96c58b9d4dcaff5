"""Matching: every record linked to the next layer by a named method with a confidence, each right end at most once."""
