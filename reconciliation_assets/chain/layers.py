"""The layers of the graph in the order of the data flow, with the UI group and the documentation page of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_DEFINITIONS: Final = "docs/definitions"


@dataclass(frozen=True)
class Layer:
    """Defaults for the assets of a layer.

    Attributes:
        group: their UI group.
        page: the page of the docs that defines them, as a path in the project.
    """

    group: str
    page: str


LAYERS: Final[Mapping[str, Layer]] = {
    "sources": Layer("source_systems", "docs/sources/README.md"),
    "raw": Layer("raw_inputs", "docs/sources/README.md"),
    "canonical": Layer("clean_inputs", f"{_DEFINITIONS}/input-tables.md"),
    "matching": Layer("matching_links", f"{_DEFINITIONS}/matching.md"),
    "outcomes": Layer("outcomes", f"{_DEFINITIONS}/ladder.md"),
    "views": Layer("performance_views", f"{_DEFINITIONS}/cohorts-and-cash.md"),
    "bridge": Layer("bridge", f"{_DEFINITIONS}/bridge.md"),
    "governance": Layer("data_quality", f"{_DEFINITIONS}/coverage.md"),
    "decisions": Layer("decisions", f"{_DEFINITIONS}/diagnosis.md"),
    "feedback": Layer("feedback_to_meta", f"{_DEFINITIONS}/feedback.md"),
    "publish": Layer("published", f"{_DEFINITIONS}/published-tables.md"),
}
