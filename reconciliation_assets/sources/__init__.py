"""One module per outside system, each yielding rows of the contract's tables.

A module here knows how one system is spoken to and which of its fields is which contract column. What the figures
mean, where rows land and how contacts are protected belongs elsewhere. `connector.py` is the seam every module keeps,
`http.py` the one way out to the network, `errors.py` everything that can go wrong in words for people.
"""
