"""Raw: every delivered row with its types, its file and its row number; bad rows set aside; versions kept."""
