"""Links inferred where IDs and contacts are missing: models, assignment and the steps that use them."""
