"""Presets: how exports of other products become contract tables, one YAML file per kind of file.

`model` defines what a preset may contain, `load` finds presets, `recognition` finds the preset of a file, `sheet` reads the file
as text, `mapping` and `reading.sql` turn that text into the contract's columns. The YAML files here are shipped; a company adds
its own in `<data dir>/presets/`. User documentation: docs/sources/files.md.
"""
