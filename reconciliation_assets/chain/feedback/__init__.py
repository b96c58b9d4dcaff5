"""Feedback: outcomes that may be sent to Meta, which of them were sent, and why the others are not."""
