"""The agreed definitions: what the words mean, which windows hold, who owns what.

Here: the policy's model, the shipped default, reading and versioning a company's own file, and the small
tables through which definitions reach SQL. Not here: any rule that a company could not change.
"""
