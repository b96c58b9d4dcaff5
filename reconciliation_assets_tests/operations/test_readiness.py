"""What may be published: only what every blocking check held for, made in the order it depends on itself."""

import dagster as dg
import pytest

from reconciliation_assets.publish.readiness import NotReadyError, require_ready

CHECK = dg.AssetCheckKey(dg.AssetKey("bridge"), "closes")
UPSTREAM = {dg.AssetKey("bridge"): [dg.AssetKey("entries")], dg.AssetKey("entries"): []}


def table(name: str, *, passed: bool) -> dg.AssetsDefinition:
    """A table, the bridge with its check."""
    is_checked = name == "bridge"

    @dg.asset(name=name, check_specs=[dg.AssetCheckSpec("closes", asset=name, blocking=True)] if is_checked else [])
    def made_table() -> dg.MaterializeResult:  # type: ignore[type-arg]
        result = dg.AssetCheckResult(passed=passed, description="open by 0.01")
        return dg.MaterializeResult(check_results=[result] if is_checked else [])

    return made_table


def made(instance: dg.DagsterInstance, *names: str, passed: bool = True) -> None:
    """Materialise tables one by one."""
    for name in names:
        dg.materialize([table(name, passed=passed)], instance=instance, raise_on_error=False)


def test_what_was_made_in_order_and_holds_may_be_published(instance: dg.DagsterInstance) -> None:
    made(instance, "entries", "bridge")
    require_ready(instance, UPSTREAM, [CHECK])


def test_a_check_that_failed_or_was_never_asked_forbids_it(instance: dg.DagsterInstance) -> None:
    with pytest.raises(NotReadyError) as never:
        require_ready(instance, {}, [CHECK])
    assert "bridge, check closes: it was never asked" in str(never.value.description)
    made(instance, "entries", "bridge", passed=False)
    with pytest.raises(NotReadyError) as failed:
        require_ready(instance, UPSTREAM, [CHECK])
    assert "bridge, check closes: open by 0.01" in str(failed.value.description)
    made(instance, "bridge")
    require_ready(instance, UPSTREAM, [CHECK])


def test_a_table_older_than_what_it_is_made_of_forbids_it(instance: dg.DagsterInstance) -> None:
    made(instance, "entries", "bridge", "entries")
    with pytest.raises(NotReadyError) as older:
        require_ready(instance, UPSTREAM, [CHECK])
    assert "bridge is older than entries, of which it is made" in str(older.value.description)
