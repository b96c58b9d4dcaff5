"""The groups of the graph."""

# As the UI shows them; pulls of outside systems, where there are any, are `source_systems`.
GROUPS = {
    *("raw_inputs", "clean_inputs", "matching_candidates", "matching_inference", "matching_links", "matching_proof"),
    *("outcomes", "performance_views", "bridge", "coverage", "data_quality", "change_control", "decisions"),
    *("feedback_to_meta", "published"),
}
