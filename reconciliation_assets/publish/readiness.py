"""Whether the warehouse's tables may be published, according to Dagster's own records, however publishing is started."""

from collections.abc import Mapping, Sequence

import dagster as dg

_SHOWN = 3


class NotReadyError(dg.Failure):
    """The published copy may not be replaced; the message names the table, the check and what to do."""


def require_ready(
    instance: dg.DagsterInstance,
    upstream: Mapping[dg.AssetKey, Sequence[dg.AssetKey]],
    blocking: Sequence[dg.AssetCheckKey],
) -> None:
    """Refuse to publish tables whose blocking checks failed or did not run, or that are older than their inputs.

    Args:
        upstream: all upstream assets of the copy, with their own direct inputs.
        blocking: all blocking checks of these assets.

    Raises:
        NotReadyError: a blocking check did not pass on the current table, or a table is older than one of its inputs.
    """
    storage = instance.event_log_storage
    made = {
        record.asset_entry.asset_key: record.asset_entry.last_materialization_record
        for record in storage.get_asset_records(list(upstream))
    }
    times = {key: float(record.timestamp) for key, record in made.items() if record is not None}
    checked = storage.get_latest_asset_check_execution_by_key(list(blocking))
    problems = []
    for key in blocking:
        record = checked.get(key)
        event = record.event.dagster_event if record is not None and record.event is not None else None
        evaluation = (
            event.asset_check_evaluation_data if event and event.event_type_value == "ASSET_CHECK_EVALUATION" else None
        )
        name = f"{key.asset_key.to_user_string()}, check {key.name}"
        if evaluation is None:
            problems.append(f"{name}: it was never asked")
        elif not evaluation.passed and evaluation.severity == dg.AssetCheckSeverity.ERROR:
            problems.append(f"{name}: {evaluation.description}")
    for asset, sources in upstream.items():
        older = [each.to_user_string() for each in sources if times.get(each, 0.0) > times.get(asset, 0.0)]
        if older:
            problems.append(f"{asset.to_user_string()} is older than {', '.join(older[:_SHOWN])}, of which it is made")
    if problems:
        more = f" And {len(problems) - _SHOWN} more." if len(problems) > _SHOWN else ""
        raise NotReadyError(
            f"The published copy was not replaced: {'; '.join(problems[:_SHOWN])}.{more} Run the whole job "
            "(daily_reconciliation, or `reconcile run`).",
            allow_retries=False,
        )
