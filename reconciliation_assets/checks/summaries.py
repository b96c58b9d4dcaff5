"""Small summaries that SQL computes, held against Pandera schemas."""

import pandas as pd
import pandera.pandas as pap


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
