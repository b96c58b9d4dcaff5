"""The asset graph: one folder per layer, in the order of the data flow: raw, canonical, matching, outcomes, views,
bridge, governance. One SQL file per table; Python only for what SQL cannot do.
"""
