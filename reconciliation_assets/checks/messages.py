"""Lists of names and counts, worded for messages."""

_NAMED_AT_MOST = 5


def some_of(names: list[str]) -> str:
    """The first few names, and the number of others."""
    rest = len(names) - _NAMED_AT_MOST
    return ", ".join(names[:_NAMED_AT_MOST]) + (f" and {rest} more" if rest > 0 else "")


def counted(number: int, one: str) -> str:
    """A number with its noun, singular or plural."""
    return f"{number:,} {one}{'' if number == 1 else 's'}"
