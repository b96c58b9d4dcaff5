"""The agreed definitions: meanings of statuses and stages, time windows, thresholds and owners.

Here: the policy's model, the shipped default, reading and versioning a company's own file, and the small
tables that pass the definitions to SQL. Not here: any rule that a company cannot change.
"""
