"""Names and numbers as messages put them."""

_NAMED_AT_MOST = 5


def some_of(names: list[str]) -> str:
    """The first few of many names, and how many more there are."""
    rest = len(names) - _NAMED_AT_MOST
    return ", ".join(names[:_NAMED_AT_MOST]) + (f" and {rest} more" if rest > 0 else "")


def counted(number: int, one: str) -> str:
    """A number with its noun, in the singular where it is one."""
    return f"{number:,} {one}{'' if number == 1 else 's'}"
