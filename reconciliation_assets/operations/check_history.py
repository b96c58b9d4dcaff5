"""The history of check evaluations, in the order they happened.

Dagster's generic event query is unreliable for checks on SQLite, where event IDs of different runs collide; each
check's own execution history is monotone. Everything that watches checks goes through here.
"""

from collections.abc import Mapping

import dagster as dg

_EVALUATIONS_PER_CHECK = 100


def evaluations_after(
    instance: dg.DagsterInstance, seen: Mapping[dg.AssetCheckKey, int]
) -> list[tuple[int, dg.AssetCheckKey, dg.AssetCheckEvaluation]]:
    """Evaluations of checks newer than what was seen of each, oldest first, each with its own position.

    Positions grow from run to run for one check; of two checks of one run the one evaluated later may have the smaller.

    Args:
        seen: by check to look at, the last position seen; 0 for the beginning.
    """
    # One query for all tells which have news; only those are read through.
    newest = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(seen))
    news = {key: seen[key] for key, record in newest.items() if record.id > seen[key]}
    found = []
    for key, position in news.items():
        for record in instance.event_log_storage.get_asset_check_execution_history(key, limit=_EVALUATIONS_PER_CHECK):
            event = record.event.dagster_event if record.event else None
            if record.id > position and event and event.event_type_value == "ASSET_CHECK_EVALUATION":
                found.append((record.id, key, event.asset_check_evaluation_data))
    return sorted(found, key=lambda each: each[0])
