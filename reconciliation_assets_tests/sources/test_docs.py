"""The pages people read: one for every source type, naming the variables it needs."""

import re
from pathlib import Path

import pytest

from reconciliation_assets.chain.documentation import definition_of
from reconciliation_assets.chain.raw.pulls import pull_asset
from reconciliation_assets.policy.load import load_policy
from reconciliation_assets.settings import PROJECT_ROOT
from reconciliation_assets.sources.registry import SOURCE_TYPES, load_connectors
from reconciliation_assets.sources.tokens import FileTokenStore
from reconciliation_assets_tests.sources.conftest import Connect

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


@pytest.mark.parametrize("source_type", SOURCE_TYPES)
def test_the_graph_links_every_pull_to_a_page(connect: Connect, source_type: str) -> None:
    (spec,) = pull_asset(connect(source_type)).specs
    page = definition_of(spec.key.to_user_string(), spec.tags["layer"])
    assert (PROJECT_ROOT / page).is_file()


def test_the_examples_are_sources_files_as_they_stand(tmp_path: Path) -> None:
    for page in sorted(page for page in PAGES.glob("*.md") if page.stem != "files"):
        (example,) = re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
        file = tmp_path / f"{page.stem}.yaml"
        file.write_text(example if example.startswith("sources:") else f"sources:\n{example}", encoding="utf-8")
        assert load_connectors(file, FileTokenStore(tmp_path), load_policy(None).policy), page.name
