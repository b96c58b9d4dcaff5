"""A stand-in for the outside systems: real HTTP on loopback, one company's data in each system's own shape."""
