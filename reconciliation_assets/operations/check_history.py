"""The history of check evaluations, in the order they happened.

Dagster's generic event query is unreliable for checks on SQLite, where event IDs of different runs collide; the execution
history of a single check is monotonic. So all code that watches checks uses this module.
"""

from collections.abc import Mapping

import dagster as dg

_EVALUATIONS_PER_CHECK = 100


def evaluations_after(
    instance: dg.DagsterInstance, seen: Mapping[dg.AssetCheckKey, int]
) -> list[tuple[int, dg.AssetCheckKey, dg.AssetCheckEvaluation]]:
    """Evaluations of checks after the last seen position of each check, oldest first, with their positions.

    Positions of one check increase from run to run. Of two checks of a run, the later evaluation may have the smaller one.

    Args:
        seen: last seen position by check; 0 for all evaluations.
    """
    # One query finds the checks with new evaluations; only their history is read.
    newest = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(seen))
    news = {key: seen[key] for key, record in newest.items() if record.id > seen[key]}
    found = []
    for key, position in news.items():
        for record in instance.event_log_storage.get_asset_check_execution_history(key, limit=_EVALUATIONS_PER_CHECK):
            event = record.event.dagster_event if record.event else None
            if record.id > position and event and event.event_type_value == "ASSET_CHECK_EVALUATION":
                found.append((record.id, key, event.asset_check_evaluation_data))
    return sorted(found, key=lambda each: each[0])
