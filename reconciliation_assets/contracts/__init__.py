"""The data model: the columns of every table, and the rules for its rows.

Here: the input tables as people drop them, the canonical tables, the published tables, and the Pandera
schemas made from them. Not here: how a table is computed (`chain/`), or what is checked across rows and
tables (`checks/`).
"""
