"""The tags of a page."""

from html.parser import HTMLParser


class Tags(HTMLParser):
    """The tags of a page and everything its attributes point to."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.pointers: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.pointers += [value for name, value in attrs if name in {"src", "href", "xlink:href", "action", "data"}]
