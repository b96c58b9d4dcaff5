"""Sources of data: dropped files and outside systems, read as rows of the contract's input tables.

Here: reading a file or a system into rows of text, and protecting contacts before anything is stored. Not here:
typing, quarantine and versions, which are the same for every source (`chain/raw`).
"""
