"""What people read: the published copy of the reporting tables, and the page a manager reads in the terminal.

Nobody reads the private warehouse: its file lets in one writer and nobody else.
"""
