"""Canonical: current rows with one zone, one currency, one set of outcomes; what every later layer reads."""
