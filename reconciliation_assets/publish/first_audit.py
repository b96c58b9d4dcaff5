"""The first audit: a page to discuss, in Markdown, of what hinders matching before anybody argues about the numbers.

Asked of the published copy, so that it may be written beside a running run. It holds counts, rules and campaign names,
never a contact.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import duckdb

FILE_NAME = "first-audit.md"

_SEPARATORS = ("|", "_", " - ", "/", ":")
_SHOWN = 20

# IDs inside reasons would make every row its own group.
_MISSING = r"""
select link, regexp_replace(reason, '[\w-]*\d[\w-]*', '…', 'g') as why, owner, count(*) as things
from reporting.unmatched_records group by all order by things desc, link, why
"""
_EMPTY_FIELDS = """
select record_type, count(*) as records,
       count(*) filter (campaign_id is null) as campaign, count(*) filter (ad_id is null) as ad,
       count(*) filter (market is null) as market, count(*) filter (source is null) as source
from reporting.matched_chain where is_valid group by record_type order by record_type
"""
_DUPLICATES = """
select source_table, rule, count(*) as records, count(distinct duplicate_of) as originals
from reporting.duplicate_records group by all order by records desc, source_table, rule
"""
_COVERAGE = """
select link, sum(records) as expected,
       sum(records) filter (match_method <> 'unmatched') as matched,
       sum(record_rate) filter (match_method <> 'unmatched') as record_rate,
       sum(value_rate) filter (match_method <> 'unmatched') as value_rate
from reporting.match_coverage where is_applicable group by link order by link
"""
_CAMPAIGNS = "select distinct campaign_id, campaign_name from reporting.platform_performance order by all"


def write_first_audit(published: Path, folder: Path, written_at: datetime) -> Path:
    """Write the page of a published copy into a folder and return where it is.

    Args:
        published: the published database.
        folder: of the reports; made where it is missing.
        written_at: the instant the page speaks for.
    """
    with duckdb.connect(str(published), read_only=True) as copy:
        text = "\n".join(_page(copy, written_at))
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / FILE_NAME
    page.write_text(text + "\n", encoding="utf-8")
    return page


def naming_findings(campaigns: Sequence[tuple[str, str | None]]) -> list[str]:
    """What is inconsistent about the names of campaigns, in sentences.

    Args:
        campaigns: ID and name, one pair for every name an ID was seen with.
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
    """Hold names against the pattern that most of them follow: parts between a separator."""
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


def _page(copy: duckdb.DuckDBPyConnection, written_at: datetime) -> Iterator[str]:
    yield "# First audit"
    yield ""
    yield f"Of the published copy as it was on {written_at:%Y-%m-%d %H:%M %Z}. Each section is a question to its owner."
    yield ""
    yield "## Campaign naming"
    yield ""
    campaigns = copy.execute(_CAMPAIGNS).fetchall()
    findings = naming_findings([(str(campaign_id), name) for campaign_id, name in campaigns])
    yield from (f"- {_plain(finding)}" for finding in findings[:_SHOWN])
    if len(findings) > _SHOWN:
        yield f"- and {len(findings) - _SHOWN} more of the kind."
    if not findings:
        yield f"The {len({row[0] for row in campaigns})} campaigns follow one pattern, and no two share a name."
    yield from _section(
        copy, "Missing identifiers", _MISSING, ("link", "why it did not match", "who can mend it", "things")
    )
    yield from _section(
        copy,
        "Fields left empty on valid records",
        _EMPTY_FIELDS,
        ("record", "records", "no campaign", "no ad", "no market", "no source"),
    )
    yield from _section(copy, "Duplicates", _DUPLICATES, ("table", "rule", "duplicates", "of how many"))
    yield from _section(
        copy,
        "Match coverage",
        _COVERAGE,
        ("link", "expected", "matched", "share of records", "share of value"),
        {"record_rate", "value_rate"},
    )


def _section(
    copy: duckdb.DuckDBPyConnection,
    title: str,
    query: str,
    headings: Sequence[str],
    shares: set[str] | frozenset[str] = frozenset(),
) -> Iterator[str]:
    asked = copy.execute(query)
    columns = [column[0] for column in asked.description or ()]
    rows = [dict(zip(columns, row, strict=True)) for row in asked.fetchall()]
    yield from ("", f"## {title}", "")
    if not rows:
        yield "None."
        return
    yield f"| {' | '.join(headings)} |"
    yield "|---" * len(headings) + "|"
    yield from (_row(row, shares) for row in rows[:_SHOWN])
    if len(rows) > _SHOWN:
        yield f"\n{len(rows) - _SHOWN} rows more are in the published copy."


def _row(row: Mapping[str, object], shares: set[str] | frozenset[str]) -> str:
    cells = (f"{value:.1%}" if name in shares and isinstance(value, float) else value for name, value in row.items())
    return f"| {' | '.join('n/a' if cell is None else _plain(str(cell)) for cell in cells)} |"


def _plain(text: str) -> str:
    """Text that no Markdown reader takes for the end of a cell or for markup."""
    for mark in "\\|*<`":
        text = text.replace(mark, f"\\{mark}")
    return " ".join(text.split())


def _quoted(names: set[str]) -> str:
    return ", ".join(f"“{name}”" for name in sorted(names))
