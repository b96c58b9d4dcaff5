"""Canonical: current rows in one zone, one currency and one set of outcomes; the input of every later layer."""
