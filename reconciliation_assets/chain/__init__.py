"""The asset graph, a folder per layer in the order data flows: raw, canonical, matching, outcomes, views, bridge,
governance. One SQL file per table beside its siblings; Python only for what SQL cannot do.
"""
