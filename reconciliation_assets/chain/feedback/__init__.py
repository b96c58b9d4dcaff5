"""Feedback: outcomes that may be told to Meta, which of them were, and why the others are not."""
