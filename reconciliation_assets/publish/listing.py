"""Tables in the terminal: a figure is never cut off, however narrow the terminal is."""

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

_GAP = 2
_BAR_WIDTH, _SMALLEST_BAR = 24, 6
_TEXT_WIDTH = 14
_INDENT = 2


class Listing:
    """A table of texts and figures. Texts are wrapped where there is no room. If the figures still do not fit, each row becomes a
    block with one figure per line.

    Args:
        texts: headings of the text columns, which come first.
        figures: headings of the figure columns.
        title: shown above the table.
    """

    def __init__(self, texts: Sequence[str], figures: Sequence[str], title: str | None = None) -> None:
        self._texts, self._figures, self._title = list(texts), list(figures), title
        self._rows: list[tuple[list[Text], float | None, str]] = []

    def add(self, *cells: str | Text, bar: float | None = None, bar_style: str = "") -> None:
        """Add a row.

        Args:
            cells: one per heading.
            bar: a share between 0 and 1, drawn as a bar after the figures where there is room.
        """
        texts = [cell if isinstance(cell, Text) else Text(cell) for cell in cells]
        self._rows.append((texts, bar, bar_style))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The title and the table, or the blocks."""
        if self._title:
            yield Text(self._title, style="italic")
        room = options.max_width
        texts = [self._widest(place, heading) for place, heading in enumerate(self._texts)]
        folded = [min(width, _TEXT_WIDTH) for width in texts]
        whole = [self._widest(place, heading) for place, heading in enumerate(self._figures, start=len(texts))]
        # Headings are broken between words before texts are wrapped.
        broken = [
            self._widest(place, max(heading.split(" "), key=cell_len))
            for place, heading in enumerate(self._figures, start=len(texts))
        ]
        if _needed(texts, whole) <= room:
            yield self._table(whole, room - _needed(texts, whole))
        elif _needed(folded, broken) <= room:
            yield self._table(broken, room - _needed(texts, broken))
        else:
            yield from self._blocks()

    def _widest(self, place: int, heading: str) -> int:
        return max([cell_len(heading), *(cells[place].cell_len for cells, _, _ in self._rows)])

    def _table(self, widths: list[int], left: int) -> Table:
        """The table with the widths its figures need; bars use the remaining width."""
        table = Table(box=None, padding=(0, _GAP, 0, 0))
        for heading in self._texts:
            table.add_column(heading, overflow="fold")
        for heading, width in zip(self._figures, widths, strict=True):
            table.add_column(heading, justify="right", width=width)
        drawn = min(left - _GAP, _BAR_WIDTH) if any(bar is not None for _, bar, _ in self._rows) else 0
        if drawn >= _SMALLEST_BAR:
            table.add_column("", width=drawn)
        for cells, bar, style in self._rows:
            bars = [Text("█" * max(round(drawn * bar), 1 if bar else 0), style) if bar is not None else Text("")]
            table.add_row(*cells, *(bars if drawn >= _SMALLEST_BAR else []))
        return table

    def _blocks(self) -> RenderResult:
        first = len(self._texts)
        for cells, _, _ in self._rows:
            yield Text(", ".join(cell.plain for cell in cells[:first] if cell.plain), style="bold")
            for heading, cell in zip(self._figures, cells[first:], strict=True):
                if cell.plain:
                    yield Text.assemble(" " * _INDENT, (f"{heading}: ", "dim"), cell, overflow="fold")


def _needed(texts: list[int], figures: list[int]) -> int:
    return sum(texts) + sum(figures) + _GAP * (len(texts) + len(figures))
