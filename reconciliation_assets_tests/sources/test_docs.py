"""The pages people read: one for every source type, naming the variables it needs."""

import re
from pathlib import Path

import pytest

from reconciliation_assets.policy.load import load_policy
from reconciliation_assets.sources.registry import SOURCE_TYPES, load_connectors
from reconciliation_assets.sources.tokens import FileTokenStore

PAGES = Path(__file__).parents[2] / "docs" / "sources"


@pytest.mark.parametrize("source_type", SOURCE_TYPES)
def test_every_source_type_has_a_page_with_its_variables(source_type: str) -> None:
    page = (PAGES / f"{source_type}.md").read_text(encoding="utf-8")
    fields = SOURCE_TYPES[source_type].settings.model_fields
    variables = {str(field.default) for name, field in fields.items() if name.endswith("_env")}
    assert variables
    assert not {variable for variable in variables if f"`{variable}`" not in page}
    assert f"type: {source_type}" in page
    assert "**Access.**" in page


@pytest.mark.parametrize("source_type", SOURCE_TYPES)
def test_the_overview_names_every_type_and_its_tables(source_type: str) -> None:
    (line,) = [
        line
        for line in (PAGES / "README.md").read_text(encoding="utf-8").splitlines()
        if f"]({source_type}.md)" in line
    ]
    tables = getattr(SOURCE_TYPES[source_type].connector, "tables", ("orders", "payments"))
    assert all(f"`{table}`" in line for table in tables)


def test_the_examples_are_sources_files_as_they_stand(tmp_path: Path) -> None:
    for page in sorted(page for page in PAGES.glob("*.md") if page.stem != "files"):
        (example,) = re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
        file = tmp_path / f"{page.stem}.yaml"
        file.write_text(example if example.startswith("sources:") else f"sources:\n{example}", encoding="utf-8")
        assert load_connectors(file, FileTokenStore(tmp_path), load_policy(None).policy), page.name
