"""The bridge: why Meta's number and the collected number differ, in named lines that close to the last minor unit."""
