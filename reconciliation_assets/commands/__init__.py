"""What a person asks for from the command line: a run, a backup, feedback to Meta, the page to decide in, and the like."""
