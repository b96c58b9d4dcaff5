"""Reconcile what Meta says its ads earned with the money a business collected."""
