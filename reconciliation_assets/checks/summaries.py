"""Validate small summaries computed in SQL with Pandera schemas."""

import pandas as pd
import pandera.pandas as pap


def failing_rows(summary: pd.DataFrame, schema: pap.DataFrameSchema) -> pd.DataFrame:
    """The rows of a small summary that break its Pandera schema.

    Args:
        summary: one row per group, computed in SQL; amounts as integers of small units, such as thousandths.
        schema: the schema of every row.
    """
    try:
        schema.validate(summary, lazy=True)
    except pap.errors.SchemaErrors as errors:
        positions = errors.failure_cases["index"].dropna().unique().tolist()
        failing: pd.DataFrame = summary.loc[positions]
        return failing
    return summary.iloc[0:0]
