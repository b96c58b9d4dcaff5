"""The sample company: what a reader of its files and of its truth may rely on."""
