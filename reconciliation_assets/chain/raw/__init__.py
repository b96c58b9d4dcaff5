"""Raw: every delivered row, typed, with its file and row number; bad rows in quarantine; all versions kept."""
