"""Landing one dropped file, whatever its name, and looking at what became of it."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from reconciliation_assets_tests.conftest import Build
from reconciliation_assets_tests.harness import Built

Row = tuple[object, ...]


@dataclass(frozen=True)
class Dropped:
    """What files became."""

    built: Built

    def rows(self, table: str, *columns: str) -> list[Row]:
        """Current rows of an input table as text, in the order of the columns."""
        cells = ", ".join(f"cast({column} as varchar)" for column in columns)
        return self.built.warehouse.rows(f"select {cells} from current.{table} order by all")

    def bad(self) -> list[Row]:
        """Row, column and reason of every row in quarantine."""
        return self.built.warehouse.rows(
            """
            select q.row_number, q.column_name, q.reason
            from raw.quarantine q join raw.landings l on l.landing_id = q.landing_id and l.present order by all
            """
        )

    def passed_over(self) -> set[str]:
        """What was passed over, by reason."""
        found = self.built.warehouse.rows("select distinct passed_over from raw.landings where passed_over is not null")
        return {text for (text,) in found}

    def refusals(self) -> dict[str, str]:
        """Why files are not taken in."""
        return dict(self.built.warehouse.rows("select file, reason from raw.inbox_files where reason is not null"))


Drop = Callable[..., Dropped]


@pytest.fixture
def drop(build: Build) -> Drop:
    """`drop({"any name.csv": content, ...})`; text is written as UTF-8."""

    def dropped(files: dict[str, str | bytes]) -> Dropped:
        content = {name: text.encode() if isinstance(text, str) else text for name, text in files.items()}
        return Dropped(build({}, files=content))

    return dropped
