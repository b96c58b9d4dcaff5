"""Small summaries that SQL computes, held against Pandera schemas, and names put into messages."""

import pandas as pd
import pandera.pandas as pap

_NAMED_AT_MOST = 5


def failing_rows(summary: pd.DataFrame, schema: pap.DataFrameSchema) -> pd.DataFrame:
    """The rows of a small summary that break its Pandera schema.

    Args:
        summary: a row per group, computed in SQL; amounts as whole minor units or as they are compared.
        schema: what every row must keep.
    """
    try:
        schema.validate(summary, lazy=True)
    except pap.errors.SchemaErrors as errors:
        positions = errors.failure_cases["index"].dropna().unique().tolist()
        failing: pd.DataFrame = summary.loc[positions]
        return failing
    return summary.iloc[0:0]


def some_of(names: list[str]) -> str:
    """The first few of many names, and how many more there are."""
    rest = len(names) - _NAMED_AT_MOST
    return ", ".join(names[:_NAMED_AT_MOST]) + (f" and {rest} more" if rest > 0 else "")
