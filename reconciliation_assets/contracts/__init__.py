"""The data model: what every table holds, column by column, and the rules its rows keep.

Here: the input tables as people drop them, the canonical tables, the published tables, and the Pandera
schemas made from them. Not here: how a table is computed (`chain/`), or what is checked across rows and
tables (`checks/`).
"""
