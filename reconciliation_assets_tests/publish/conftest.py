"""The published copy that the tests of this folder read."""

from reconciliation_assets_tests.published import published_path

__all__ = ["published_path"]
