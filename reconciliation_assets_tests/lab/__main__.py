"""The laboratory's command line: write sample companies, and measure the product on them.

`make sample` and the `make bench...` targets call it. It is no part of the product: a wheel does not hold it.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from reconciliation_assets.checks.coverage_falls import limits_of
from reconciliation_assets.commands.sample import bring_sample, sample_home, sample_instant
from reconciliation_assets.policy.load import load_policy
from reconciliation_assets.settings import PROJECT_ROOT
from reconciliation_assets_tests.lab import spark_cluster
from reconciliation_assets_tests.lab.alerts import falls_found, false_alarms, measure_alerts
from reconciliation_assets_tests.lab.diagnosis import measure_diagnosis
from reconciliation_assets_tests.lab.matching import measure_inference, measure_matching, measure_without_ids
from reconciliation_assets_tests.lab.money_noise import KINDS, calibration, judge
from reconciliation_assets_tests.lab.sample import CompanySpec, write_company
from reconciliation_assets_tests.lab.whole_job import measure

_SPARK = PROJECT_ROOT / "data/spark"

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
_out = Console()
_err = Console(stderr=True)


@app.command()
def sample(
    orders: Annotated[int, typer.Option(help="How many orders the company has; leads and payments follow.")],
    out: Annotated[Path, typer.Option(help="Where to write inbox/ and truth.json.")],
    seed: Annotated[int, typer.Option(help="Same seed, same bytes.")] = 0,
) -> None:
    """Write a made-up Gulf company in the contract's tables, with the truth about it beside them."""
    spec = CompanySpec(orders=orders, seed=seed)
    write_company(spec, out)
    _out.print(
        f"A company with {orders:,} orders is in {out}/inbox, the truth about it in {out}/truth.json.", soft_wrap=True
    )
    _out.print(f"Reconcile it: RECON_DATA_DIR={out} RECON_AS_OF={spec.as_of.isoformat()} reconcile run", soft_wrap=True)


@app.command("bench")
def bench(
    orders: Annotated[int, typer.Option(help="Size of the generated company.")] = 1_000_000,
    seed: Annotated[int, typer.Option(help="Same seed, same company.")] = 1,
) -> None:
    """Measure every kind of run on a generated company and on the sample, beside a plain copy of the company's files."""
    form = "{:<52}{:>9}{:>15}{:>10}{:>16}"
    _print_plain(f"{orders:,} orders")
    _print_plain(form.format("what", "seconds", "of processors", "peak GiB", "times the copy"))
    for each in measure(orders, seed):
        figures = (each.seconds, each.processor_seconds, each.peak_gib, each.of_a_copy)
        # Line by line: on a large company the whole takes long, and what was measured should not be lost.
        _print_plain(
            form.format(
                each.what,
                *(
                    "" if figure is None else f"{figure:.{digits}f}"
                    for figure, digits in zip(figures, (1, 1, 2, 2), strict=True)
                ),
            )
        )


def _print_plain(text: str) -> None:
    _out.print(text, highlight=False, soft_wrap=True)


@app.command("bench-matching")
def bench_matching(
    orders: Annotated[int, typer.Option(help="Size of the generated company.")] = 20_000,
    seeds: Annotated[int, typer.Option(help="How many companies, each with a seed of its own.")] = 3,
    noisy_orders: Annotated[
        int, typer.Option(help="Orders of each company with one kind of noise in its money.")
    ] = 1_500,
) -> None:
    """Compare the links of generated companies with noise with their truth: by link and method, and money by kind of noise."""
    table = Table("seed", "link", "method", "links", "precision", "sought", "recall", box=None)
    for seed in range(1, seeds + 1):
        for each in measure_matching(orders, seed):
            table.add_row(
                str(seed),
                each.link,
                each.method,
                f"{each.links:,}",
                "–" if each.precision is None else f"{each.precision:.4f}",
                f"{each.sought:,}",
                "–" if each.recall is None else f"{each.recall:.4f}",
            )
        precision, recall = measure_without_ids(orders, seed)
        table.add_row(
            str(seed), "money", "no order, invoice or CRM numbers", "", f"{precision:.4f}", "", f"{recall:.4f}"
        )
    _out.print(table)
    _out.print(_money_by_kind_of_noise(noisy_orders, seeds))


def _money_by_kind_of_noise(orders: int, seeds: int) -> Table:
    """Money that names no order, kind of noise by kind of noise, all seeds together."""
    table = Table(
        *("money that names no order", "links", "precision", "sought", "recall", "wrong AED", "strangers linked"),
        box=None,
    )
    everything = []
    for kind in KINDS:
        judged = [judge(kind, orders, seed) for seed in range(1, seeds + 1)]
        everything += judged
        links, right, sought, found = (
            sum(getattr(each, name) for each in judged) for name in ("links", "right", "sought", "found")
        )
        strangers = sum(each.strangers_money for each in judged)
        table.add_row(
            kind,
            f"{links:,}",
            f"{right / links:.4f}" if links else "–",
            f"{sought:,}",
            f"{found / sought:.4f}" if sought else "–",
            f"{sum(each.wrong_money for each in judged):,.2f}",
            f"{sum(each.strangers_linked for each in judged) / strangers:.4%}" if strangers else "–",
        )
    for tenth, pairs, stated, observed in calibration(everything):
        table.add_row(f"stated from {tenth:.1f}: {stated:.3f}, observed {observed:.3f}", f"{pairs:,}", *[""] * 5)
    return table


@app.command("bench-alerts")
def bench_alerts(
    companies: Annotated[int, typer.Option(help="How many companies of every size, for every seed.")] = 20,
    seeds: Annotated[int, typer.Option(help="How many seeds.")] = 5,
) -> None:
    """Plant breaks in generated histories: how many are found on the first morning, and how often quiet ones alarm."""
    policy = load_policy(None).policy
    limits, past_days = limits_of(policy, "record_ad"), policy.thresholds.match_rate_fall_past_days
    measured = [measure_alerts(seed, limits, past_days, companies) for seed in range(1, seeds + 1)]
    found = Table(
        "planted", "breaks", "found in 1 day", "95 % interval", "in 2 days", "median days", "culprit right", box=None
    )
    for line in falls_found(measured):
        found.add_row(
            line.what,
            f"{line.breaks:,}",
            f"{line.in_one_day:.1%}",
            f"{line.low:.1%} to {line.high:.1%}",
            f"{line.in_two_days:.1%}",
            f"{line.median_days:.0f}",
            "–" if line.rightly_named is None else f"{line.rightly_named:.1%}",
        )
    _out.print(found)
    alarms = Table(
        "quiet", "histories", "days judged", "false alarms", "in 60 days, five links", "95 % interval", box=None
    )
    for quiet in false_alarms(measured):
        alarms.add_row(
            quiet.what,
            f"{quiet.histories:,}",
            f"{quiet.days:,}",
            f"{quiet.alarms:,}",
            f"{quiet.in_60_days:.2f}",
            f"{quiet.low:.2f} to {quiet.high:.2f}",
        )
    _out.print(alarms)


@app.command("bench-inference")
def bench_inference(
    orders: Annotated[int, typer.Option(help="Size of the generated company.")] = 1_000_000,
    seed: Annotated[int, typer.Option(help="Same seed, same company.")] = 1,
) -> None:
    """Infer the orders of all payments of a generated company as if none named anything, and hold them against the truth."""
    measured = measure_inference(orders, seed)
    table = Table("what", "measured", box=None)
    table.add_row("payments without IDs and contacts", f"{measured.payments:,}")
    table.add_row("orders and CRM records they may belong to", f"{measured.payables:,}")
    table.add_row("learnt, scored and assigned", f"{measured.seconds:.1f} s")
    table.add_row("peak memory", f"{measured.peak_gib:.2f} GiB")
    table.add_row("links sure enough to carry money", f"{measured.accepted:,}")
    table.add_row("of them right", f"{measured.right / measured.accepted:.4f}" if measured.accepted else "–")
    _out.print(table)


@app.command("bench-diagnosis")
def bench_diagnosis(
    companies: Annotated[
        int, typer.Option(help="Companies with a bottleneck planted, and as many healthy ones.")
    ] = 100,
    first_seed: Annotated[int, typer.Option(help="Seed of the first company; each has its own.")] = 1,
) -> None:
    """Plant one bottleneck each in generated companies and see whether the diagnosis names it, and nothing in healthy ones."""
    table = Table("companies", "of", "right", "named, whatever else was", box=None)
    for healthy in (False, True):
        measured = [measure_diagnosis(seed, healthy=healthy) for seed in range(first_seed, first_seed + companies)]
        for each in measured:
            if not each.is_right:
                _err.print(
                    f"seed {each.seed}: planted {each.planted}, named {each.named}", highlight=False, soft_wrap=True
                )
        table.add_row(
            "healthy" if healthy else "with one bottleneck",
            f"{companies}",
            f"{sum(each.is_right for each in measured)}",
            "–" if healthy else f"{sum(each.is_found for each in measured)}",
        )
    _out.print(table)


@app.command("spark")
def spark(
    home: Annotated[
        Path, typer.Option(help="Where the cluster keeps its tables and logs, and the run its state.")
    ] = _SPARK,
    memory: Annotated[str, typer.Option(help="What each worker and the Connect server may use.")] = "1g",
) -> None:
    """Start a Spark cluster on this machine's loopback, unless it runs, and reconcile the sample company on it."""
    try:
        remote = spark_cluster.start(home / "cluster", memory)
    except spark_cluster.ClusterError as problem:
        _err.print(str(problem), soft_wrap=True)
        raise typer.Exit(1) from None
    _out.print(f"Spark answers at {remote}; `make spark-down` ends it.")
    bring_sample(sample_home(home))
    environment = {
        "RECON_ENGINE": "spark",
        "RECON_SPARK_REMOTE": remote,
        "RECON_DATA_DIR": str(sample_home(home)),
        "RECON_AS_OF": sample_instant().isoformat(),
    }
    command = [str(Path(sys.executable).with_name("reconcile")), "run"]
    raise typer.Exit(subprocess.run(command, env={**os.environ, **environment}, check=False).returncode)


@app.command("spark-down")
def spark_down(home: Annotated[Path, typer.Option(help="As given to `spark`.")] = _SPARK) -> None:
    """End the cluster and remove its tables; what runs made of the sample stays."""
    ended = spark_cluster.stop(home / "cluster")
    shutil.rmtree(home / "cluster", ignore_errors=True)
    _out.print(f"{ended} processes of Spark ended.")


if __name__ == "__main__":
    app()
