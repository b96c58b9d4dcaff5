"""Commands of the command line: run, backup, feedback to Meta, the page for decisions, and others."""
