"""Inconsistent campaign names, in sentences that their owner can act on. Pure functions."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

_SEPARATORS = ("|", "_", " - ", "/", ":")


def naming_findings(campaigns: Sequence[tuple[str, str | None]]) -> list[str]:
    """One sentence for each inconsistency in the names of campaigns.

    Args:
        campaigns: pairs of ID and name, one for every name an ID had.
    """
    names: dict[str, set[str]] = defaultdict(set)
    ids: dict[str, set[str]] = defaultdict(set)
    for campaign_id, name in campaigns:
        if name:
            names[campaign_id].add(name)
            ids[name.strip().casefold()].add(campaign_id)
    nameless = sorted({campaign_id for campaign_id, _ in campaigns} - set(names))
    return [
        *(f"Campaign {campaign_id} has no name." for campaign_id in nameless),
        *(
            f"Campaign {campaign_id} was renamed: {_quoted(known)}."
            for campaign_id, known in sorted(names.items())
            if len(known) > 1
        ),
        *(
            f"The name “{name}” is shared by {len(sharing)} campaigns, so a record that knows only the name cannot be placed: "
            f"{', '.join(sorted(sharing))}."
            for name, sharing in sorted(ids.items())
            if len(sharing) > 1
        ),
        *_off_pattern(sorted({name for known in names.values() for name in known})),
    ]


def _off_pattern(names: Sequence[str]) -> Iterator[str]:
    """Compare names with the pattern that most of them follow: a number of parts between a separator."""
    if not names:
        return
    uses = Counter({separator: sum(separator in name for name in names) for separator in _SEPARATORS})
    separator, used = uses.most_common(1)[0]
    if used * 2 <= len(names):
        yield "The names follow no common pattern; agree on one, such as “market | offer | form | language”."
        return
    parts, _ = Counter(name.count(separator) + 1 for name in names).most_common(1)[0]
    for name in names:
        found = name.count(separator) + 1
        if found != parts:
            yield f"“{name}” has {found} parts between “{separator.strip()}”, where most names have {parts}."


def _quoted(names: set[str]) -> str:
    return ", ".join(f"“{name}”" for name in sorted(names))
