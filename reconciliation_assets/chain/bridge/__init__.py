"""The bridge: why Meta's number and the collected number differ, in named lines that sum up to the minor unit."""
