"""What people read: the published copy of the reporting tables, and the reports and the terminal summary made from it.

People never read the private warehouse, because its file can be open in only one process.
"""
