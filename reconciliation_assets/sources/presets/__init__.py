"""Presets: how exports of other products become contract tables, one YAML file per kind of file.

`model` is what a preset may say, `library` finds them, `recognition` tells which one a file is, `sheet` reads the file
as text, `mapping` and `reading.sql` turn that text into the contract's columns. The YAML files here are shipped; a
company lays its own beside them in `<data dir>/presets/`. Explained for people in docs/sources/files.md.
"""
