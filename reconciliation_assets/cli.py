"""The command line, `reconcile`: begin, run, show, inspect a file, open the UI."""

import inspect as introspection
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import wraps
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from reconciliation_assets.commands.sample import bring_sample, sample_home, sample_instant
from reconciliation_assets.commands.serve import serve
from reconciliation_assets.errors import sentence_of, told
from reconciliation_assets.operations.instance import prepare_home
from reconciliation_assets.policy.load import load_policy
from reconciliation_assets.policy.model import Policy
from reconciliation_assets.publish.figures import UnreadableCopyError
from reconciliation_assets.settings import Settings, is_set, load_settings, require_whole
from reconciliation_assets.sources.presets.load import load_presets, save_preset

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Meta says these ads earned this much: how much was collected, where did the rest go, and how sure are we?",
)
policy_app = typer.Typer(no_args_is_help=True, help="Definitions: what another policy would change.")
app.add_typer(policy_app, name="policy")
feedback_app = typer.Typer(help="Tell Meta what became of its leads and clicks; without a command, a dry run.")
app.add_typer(feedback_app, name="feedback")
_out = Console(width=None if sys.stdout.isatty() else 110)
_err = Console(stderr=True)


def _of_installation(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command be told where the installation lies and which instant it speaks for, as the environment may tell it."""
    options = {
        "data_dir": Annotated[
            Path | None, typer.Option("--data-dir", help="Where the installation keeps its state; else RECON_DATA_DIR.")
        ],
        "as_of": Annotated[
            str | None,
            typer.Option("--as-of", help="The instant to speak for, ISO 8601; else RECON_AS_OF, else now."),
        ],
    }

    @wraps(command)
    def told(*, data_dir: Path | None, as_of: str | None, **others: Any) -> None:
        for variable, value in (("RECON_DATA_DIR", data_dir), ("RECON_AS_OF", as_of)):
            if value is not None:
                os.environ[variable] = str(value)
        with _plainly():
            command(**others)

    signature = introspection.signature(command)
    own = [
        introspection.Parameter(name, introspection.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in options.items()
    ]
    told.__signature__ = signature.replace(parameters=[*signature.parameters.values(), *own])  # type: ignore[attr-defined]
    told.__annotations__ = {**command.__annotations__, **options}
    return told


def _tell_version(asked: bool) -> None:
    if asked:
        _out.print(f"reconciliation-assets {version_of('reconciliation-assets')}", highlight=False)
        raise typer.Exit


@app.callback()
@_of_installation
def _before_any_command(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    del version


@contextmanager
def _plainly(status: int = 1) -> Iterator[None]:
    """End with a sentence, not a stack trace, where it is for a person to mend what went wrong."""
    try:
        yield
    except Exception as problem:
        sentence = sentence_of(problem)
        if sentence is None:
            raise
        _tell("Stopped.", "bold red", f" {sentence}")
        sys.exit(status)


def _require_published(settings: Settings) -> None:
    if not settings.published_path.is_file():
        _err.print(f"There is no published copy in {settings.data_dir} yet: run `reconcile run` first.", soft_wrap=True)
        sys.exit(1)


_COMPANY, _MONEY, _SYSTEMS = "The company", "What counts as collected", "Systems"


@app.command()
@_of_installation
def init(
    *,
    company: Annotated[
        str | None, typer.Option(help="Its name, as reports show it.", rich_help_panel=_COMPANY, show_default=False)
    ] = None,
    currency: Annotated[
        str | None, typer.Option(help="Currency of reports, such as AED.", rich_help_panel=_COMPANY)
    ] = None,
    zone: Annotated[
        str | None, typer.Option(help="Time zone of the books, such as Asia/Dubai.", rich_help_panel=_COMPANY)
    ] = None,
    locale: Annotated[
        str | None, typer.Option(help="Language of reports, such as en_AE or ar_AE.", rich_help_panel=_COMPANY)
    ] = None,
    approved_by: Annotated[
        str | None, typer.Option(help="Who answers for these definitions.", rich_help_panel=_COMPANY)
    ] = None,
    daily_at: Annotated[
        str | None, typer.Option(help="When the daily run begins, such as 06:00.", rich_help_panel=_COMPANY)
    ] = None,
    mature_after: Annotated[
        int | None, typer.Option(help="Days after which a cohort is judged.", rich_help_panel=_MONEY)
    ] = None,
    include_tax: Annotated[
        bool | None, typer.Option("--vat/--no-vat", help="VAT counts.", rich_help_panel=_MONEY)
    ] = None,
    include_shipping: Annotated[
        bool | None,
        typer.Option("--shipping/--no-shipping", help="Shipping that customers paid counts.", rich_help_panel=_MONEY),
    ] = None,
    deduct_payment_fees: Annotated[
        bool | None,
        typer.Option("--fees/--no-fees", help="Providers' and couriers' fees are taken off.", rich_help_panel=_MONEY),
    ] = None,
    systems: Annotated[
        str | None,
        typer.Option(
            help="To pull from, such as meta_insights,shopify; empty where files are dropped.", rich_help_panel=_SYSTEMS
        ),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="SYSTEM.SETTING=VALUE",
            help="What a system needs, such as meta_insights.account_ids=act_1; repeat it.",
            rich_help_panel=_SYSTEMS,
        ),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Ask nothing: the suggested answer where none is given.")
    ] = False,
) -> None:
    """Begin: write policy.yaml, sources.yaml and .env.example from a few answers, asked for where no option gives them.

    Each file says why it says what it says, is loaded as a run would load it, and overwrites nothing.
    """
    from reconciliation_assets.commands.questions import answers  # noqa: PLC0415
    from reconciliation_assets.commands.set_up import refuse_to_overwrite, write_first_files  # noqa: PLC0415

    given = {
        "company": company,
        "currency": currency,
        "zone": zone,
        "locale": locale,
        "approved_by": approved_by,
        "daily_at": daily_at,
        "mature_after": mature_after,
        "include_tax": include_tax,
        "include_shipping": include_shipping,
        "deduct_payment_fees": deduct_payment_fees,
    }
    settings = load_settings()
    require_whole(settings)
    refuse_to_overwrite(settings)
    said = answers(given, systems, set_ or [], ask=not yes)
    written = write_first_files(said, settings, settings.as_of.astimezone(UTC).date())
    for path in written:
        _out.print(f"Wrote {path}", soft_wrap=True, highlight=False)
    if said.systems:
        _out.print(
            f"Next: copy {settings.data_dir / '.env.example'} to .env, fill it in, load it, and ask `reconcile doctor`.",
            soft_wrap=True,
        )
    _out.print(
        f"Put what your systems export into {settings.inbox} (`reconcile inspect FILE` says what a file is taken for), then "
        "`reconcile run`.",
        soft_wrap=True,
    )


@app.command()
@_of_installation
def run(
    *,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Print Dagster's log lines.")] = False,
    full_refresh: Annotated[
        bool, typer.Option("--full-refresh", help="Forget what files landed and read the whole inbox anew.")
    ] = False,
) -> None:
    """Reconcile once: land what is new, rebuild the chain, check it, publish, and print the page."""

    settings = _settings(works=True)
    succeeded = _run(settings, verbose=verbose, full_refresh=full_refresh)
    sys.exit(0 if succeeded else 1)


@app.command()
@_of_installation
def show() -> None:
    """Print the page of the published copy again, without running."""
    from reconciliation_assets.publish.page import show_page  # noqa: PLC0415

    settings = _settings()
    _require_published(settings)
    show_page(_out, settings.published_path, settings.reports_dir, None)


@app.command()
@_of_installation
def inspect(
    files: Annotated[list[Path], typer.Argument(help="Files to look at, in the inbox or not.", show_default=False)],
    save: Annotated[
        bool, typer.Option("--save", help="Write the preset that a file needs into the folder of presets.")
    ] = False,
    currency: Annotated[
        str | None, typer.Option(help="What money is in that names no currency; asked for once where it is needed.")
    ] = None,
) -> None:
    """Say what files would be taken for, without landing them: table, preset, columns, first problems; print the preset that one lacks."""
    from reconciliation_assets.chain.raw.inspection import drafted, inspect_file  # noqa: PLC0415
    from reconciliation_assets.commands.inspected import show_draft, show_inspection  # noqa: PLC0415

    settings = load_settings()
    policy = load_policy(settings.policy_path).policy
    presets = load_presets(settings.presets_dir, policy.reporting_currency)
    is_taken = True
    for path in files:
        inspection = inspect_file(path, presets, policy.zone_of)
        show_inspection(_out, inspection)
        draft = drafted(inspection, presets, currency)
        if draft and draft.needs_currency and sys.stdin.isatty():
            currency = typer.prompt(
                f"What currency is the money of {path.name} in", default=policy.reporting_currency
            ).upper()
            draft = drafted(inspection, presets, currency)
        if draft:
            saved = save_preset(settings.presets_dir, draft) if save else None
            show_draft(_out, draft, saved)
            if saved:
                presets = load_presets(settings.presets_dir, policy.reporting_currency)
                inspection = inspect_file(path, presets, policy.zone_of)
                show_inspection(_out, inspection)
        is_taken = is_taken and inspection.is_taken
    sys.exit(0 if is_taken else 1)


@app.command()
@_of_installation
def ui(
    port: Annotated[int, typer.Option(help="Port on the loopback interface.")] = 3000,
    host: Annotated[str, typer.Option(help="Interface to listen on; loopback unless told otherwise.")] = "127.0.0.1",
) -> None:
    """Open the Dagster UI, with its schedule and sensors, on the installation's state."""
    _serve("Dagster UI", ["--with-daemon"], host, port)


@app.command("open")
@_of_installation
def open_page(port: Annotated[int, typer.Option(help="Port on the loopback interface.")] = 3002) -> None:
    """Open the report with every entry and record behind it, for this machine alone, and decide possible matches in it."""
    from reconciliation_assets.commands.open_page import serve_page  # noqa: PLC0415

    settings = _settings()
    _require_published(settings)
    serve_page(
        settings,
        load_policy(settings.policy_path).policy,
        port,
        lambda address: _out.print(f"Open {address} (Ctrl+C ends it)", highlight=False, soft_wrap=True),
    )


@app.command()
@_of_installation
def doctor() -> None:
    """Ask every configured source whether it can be read, without pulling, and write the audit; exit status 1 where one cannot."""
    from reconciliation_assets.sources.doctor import examine, examine_feedback, rated_currencies  # noqa: PLC0415
    from reconciliation_assets.sources.registry import load_connectors  # noqa: PLC0415
    from reconciliation_assets.sources.tokens import FileTokenStore  # noqa: PLC0415

    settings = _settings()
    loaded = load_policy(settings.policy_path)
    connectors = (
        load_connectors(settings.sources_path, FileTokenStore(settings.tokens_dir), loaded.policy)
        if settings.sources_path
        else []
    )
    found = [
        *examine(connectors, loaded.policy, rated_currencies(settings.inbox, load_presets(settings.presets_dir))),
        *examine_feedback(settings.sources_path, loaded.policy),
    ]
    version = loaded.policy.version
    table = Table("source", "state", "found", "next step", title_justify="left", box=None)
    table.add_row(
        "policy", "works", Text(f"version {version}, {loaded.policy.reporting_currency}, {loaded.policy.zone}")
    )
    for line in found:
        table.add_row(line.source, line.state, Text(line.told), Text(line.next_step))
    _out.print(table)
    if settings.sources_path is None:
        _out.print(f"No sources.yaml in {settings.data_dir}: there is no system to ask.", soft_wrap=True)
    if settings.published_path.is_file():
        try:
            _out.print(f"What hinders matching, to discuss: {_audited(settings, loaded.policy)}", soft_wrap=True)
        except UnreadableCopyError as problem:
            _out.print(f"No audit: {problem}", soft_wrap=True)
    else:
        _out.print("No published copy yet: after the first run, this also writes the audit.", soft_wrap=True)
    sys.exit(1 if any(line.state == "missing" for line in found) else 0)


@app.command()
@_of_installation
def audit() -> None:
    """Write the audit of the published copy: definitions, systems, tracking, coverage, rules to agree on, next steps."""

    settings = _settings()
    _require_published(settings)
    page = _audited(settings, load_policy(settings.policy_path).policy)
    _out.print(f"The audit is in {page}", soft_wrap=True)


@feedback_app.callback(invoke_without_command=True)
@_of_installation
def feedback(context: typer.Context) -> None:
    """Print what stands in the outbox and what the next sending would tell; nothing is sent."""
    from reconciliation_assets.commands.feedback import pending_events, standings  # noqa: PLC0415
    from reconciliation_assets.publish.listing import Listing  # noqa: PLC0415
    from reconciliation_assets.publish.page import money  # noqa: PLC0415

    if context.invoked_subcommand is not None:
        return
    settings = _settings()
    found, pending = standings(settings), pending_events(settings, datetime.now(UTC))
    listing = Listing(["outcome", "status", "why"], ["events", "value"])
    for each in found:
        value = f"{money(each.value, each.currency)} {each.currency}"
        listing.add(each.outcome, each.status, each.reason, f"{each.events:,}", value)
    _out.print(listing)
    ready = sum(each.events for each in found if each.status == "ready")
    if ready > len(pending):
        _out.print(
            f"{ready - len(pending):,} that were ready when the run spoke are sent, or too old, by now.", soft_wrap=True
        )
    _out.print(
        f"{len(pending):,} events would go now. This is a dry run: `reconcile feedback send` sends them.",
        soft_wrap=True,
    )


@feedback_app.command()
@_of_installation
def send() -> None:
    """Tell Meta what is ready; safe to repeat, since nothing that Meta took is sent again."""
    from reconciliation_assets.commands.feedback import send_feedback  # noqa: PLC0415
    from reconciliation_assets.sources.meta_conversions import load_feedback_settings  # noqa: PLC0415

    settings = _settings()
    sending = send_feedback(settings, load_feedback_settings(settings.sources_path), datetime.now(UTC))
    for record_id, outcome, code in sending.refused:
        _err.print(f"[yellow]Refused[/] {record_id}, {outcome}: Meta's error {code}", highlight=False, soft_wrap=True)
    if sending.without_contact:
        _err.print(
            f"{sending.without_contact:,} events were not sent: only a contact identifies them, and it is not in the inbox.",
            soft_wrap=True,
        )
    _out.print(f"Meta took {sending.taken:,} events. The outbox shows it after the next run.", soft_wrap=True)
    sys.exit(1 if sending.refused else 0)


@app.command()
def explain(
    gross: Annotated[str, typer.Option(help="ROAS that the platform claims, such as 4.1.")],
    delivered: Annotated[str, typer.Option(help="ROAS of what was delivered and kept, such as 1.9.")],
    returns: Annotated[str, typer.Option(help="Share that came back, such as 0.33 or 33%.")],
    collected: Annotated[str | None, typer.Option(help="ROAS of the money that arrived.")] = None,
    spend: Annotated[str | None, typer.Option(help="Spend, for amounts beside the ratios.")] = None,
) -> None:
    """Put headline ratios into one column: the losses they explain, and the loss they leave without a name."""
    from reconciliation_assets.publish.case_arithmetic import Headline, number_of, ratio, take_apart  # noqa: PLC0415
    from reconciliation_assets.publish.listing import Listing  # noqa: PLC0415

    with _plainly():
        case = take_apart(
            Headline(
                ratio("gross", gross),
                ratio("delivered", delivered),
                ratio("returns", returns),
                None if collected is None else ratio("collected", collected),
                None if spend is None else number_of("spend", spend),
            )
        )
    listing = Listing([""], ["ROAS", "of the claim", *(["amount"] if spend is not None else [])])
    for step in case.steps:
        cells = [step.name, f"{step.roas:.2f}", f"{step.share:.1%}"]
        amount = [] if step.amount is None else [f"{step.amount:,.2f}"]
        listing.add(*(Text(cell, "bold" if step.is_total else "") for cell in (*cells, *amount)))
    _out.print(listing)
    _out.print(case.sentence, soft_wrap=True, highlight=False)


@app.command()
@_of_installation
def viewer(
    port: Annotated[int, typer.Option(help="Port on the loopback interface.")] = 3001,
    host: Annotated[str, typer.Option(help="Interface to listen on; loopback unless told otherwise.")] = "127.0.0.1",
) -> None:
    """Open the Dagster UI for looking only: nobody can start, change or stop anything from it."""
    _serve("Read-only UI", ["--read-only"], host, port)


@policy_app.command("diff")
@_of_installation
def policy_diff(
    new: Annotated[Path, typer.Argument(help="The policy file to hold against the one in use.", show_default=False)],
) -> None:
    """Run old and new side by side on the same inputs, apart from the installation, and print what changes by campaign and line.

    Exit status as of `diff`: 0 where no figure changes, 1 where some do, 2 where the two cannot be compared.
    """
    from reconciliation_assets.commands.policy_diff import compare_policies  # noqa: PLC0415
    from reconciliation_assets.commands.policy_diff_page import show_policy_diff  # noqa: PLC0415

    with _plainly(2):
        settings = _settings(works=True)
        diff = compare_policies(settings, new)
    show_policy_diff(_out, diff)
    sys.exit(1 if diff.changes_figures else 0)


@app.command()
@_of_installation
def backup(
    to: Annotated[Path, typer.Argument(help="A folder that is not there yet; the backup is made in it.")],
) -> None:
    """Copy what cannot be made again: warehouse, secret, policy, sources, tokens, published copy and run storage."""
    from reconciliation_assets.commands.backup import back_up  # noqa: PLC0415

    settings = _settings()
    copied = back_up(settings, to)
    _out.print(f"Backed up to {to}: {', '.join(copied)}. It holds the secret: keep it private.", soft_wrap=True)


@app.command()
@_of_installation
def restore(
    source: Annotated[Path, typer.Argument(help="A folder that `reconcile backup` made.")],
) -> None:
    """Put a backup into the data directory, which must not hold an installation."""
    from reconciliation_assets.commands.backup import put_back  # noqa: PLC0415

    settings = load_settings()
    copied = put_back(source, settings)
    _out.print(f"Restored into {settings.data_dir}: {', '.join(copied)}.", soft_wrap=True)


def _audited(settings: Settings, policy: Policy) -> Path:
    """Write the audit of the published copy and say where it is."""
    from reconciliation_assets.publish.audit import FILE_NAME, System, write_audit  # noqa: PLC0415
    from reconciliation_assets.sources.config import read_entries  # noqa: PLC0415

    entries = read_entries(settings.sources_path) if settings.sources_path else []
    page = settings.reports_dir / FILE_NAME
    systems = [System(entry.name, entry.type) for entry in entries]
    write_audit(settings.published_path, page, policy, systems, settings.as_of.astimezone(policy.timezone))
    return page


def _serve(name: str, arguments: list[str], host: str, port: int) -> None:
    """Become a server on the installation's state; its address is printed once it answers."""
    settings = _settings(works=True)
    prepare_home(settings)
    _out.print(f"Starting the {name} for {settings.data_dir}; its address follows once it answers.", soft_wrap=True)
    serve(
        arguments,
        host,
        port,
        lambda address: _out.print(f"{name} on {address} (Ctrl+C ends it)", highlight=False),
    )


def _settings(*, works: bool = False) -> Settings:
    """The environment's settings, or the sample company's where nothing was set, dropped or named.

    Args:
        works: the command needs the sample's files, not only what a run made of them.
    """
    settings = load_settings()
    require_whole(settings)
    is_empty = not (settings.inbox.is_dir() and any(settings.inbox.iterdir()))
    if is_set("RECON_DATA_DIR") or settings.sources_path or not is_empty:
        return settings
    home = sample_home(settings.data_dir)
    _out.print(f"Nothing in {settings.inbox}: working on the sample company in {home}.", soft_wrap=True)
    if works:
        bring_sample(home)
    os.environ["RECON_DATA_DIR"] = str(home)
    if not is_set("RECON_AS_OF"):
        os.environ["RECON_AS_OF"] = sample_instant().isoformat()
    return load_settings()


@contextmanager
def _console_of_its_own() -> Iterator[Console]:
    """A console for standard error that keeps the terminal while a run has standard error redirected.

    Dagster points descriptor 2 into its own log for the length of a run; what is drawn there, nobody sees.
    """
    try:
        descriptor = sys.stderr.fileno()
    except io.UnsupportedOperation:  # a stream without one, as tests put there, is not redirected either
        yield _err
        return
    with os.fdopen(os.dup(descriptor), "w", encoding=sys.stderr.encoding, errors="replace") as own:
        width = os.get_terminal_size(own.fileno()).columns if own.isatty() else None
        yield Console(file=own, width=width)


def _run(settings: Settings, *, verbose: bool, full_refresh: bool) -> bool:
    from reconciliation_assets.commands.run import Listener, run_daily  # noqa: PLC0415
    from reconciliation_assets.publish.page import show_page  # noqa: PLC0415

    with (
        _console_of_its_own() as console,
        Progress(
            TextColumn("{task.description}", style="dim"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=verbose,
        ) as progress,
    ):
        task = progress.add_task("loading the graph", total=None)
        outcome = run_daily(
            settings,
            Listener(
                planned=lambda steps: progress.update(task, total=steps),
                started=lambda step: progress.update(task, description=step),
                finished=lambda _: progress.advance(task),
                logged=lambda line: (
                    console.print(line, highlight=False, markup=False, soft_wrap=True) if verbose else None
                ),
            ),
            full_refresh=full_refresh,
        )
    for check in outcome.warned:
        _tell("Note", "yellow", f" {check.table}, check {check.check}: {check.message}")
    for check in outcome.stopped_by:
        _tell("Stopped", "bold red", f" by {check.table}, check {check.check}: {check.message}")
    for step, message in outcome.broke:
        _tell("Broke", "bold red", f" in {step}: {message}")
    if outcome.same_as:
        _tell(
            "Nothing changed",
            "green",
            f" since the run of {outcome.same_as:%Y-%m-%d %H:%M} UTC: the same files, policy, code and instant. "
            "The published copy stays as it is.",
        )
    if outcome.succeeded:
        show_page(_out, settings.published_path, settings.reports_dir, settings.as_of)
    else:
        _err.print("The published copy was not replaced.", highlight=False)
    return outcome.succeeded


def _tell(word: str, style: str, told: str) -> None:
    """A line as it stands: brackets in the name of a file or a campaign are not markup."""
    _err.print(Text.assemble((word, style), told), soft_wrap=True)


def main() -> None:
    """Run the command line and leave at once.

    Dagster keeps references into DuckDB's module for the life of the process, which DuckDB's binding would report as
    leaks, line after line, on the way out of the interpreter.
    """
    try:
        app()
        code: object = 0
    except SystemExit as ended:
        code = ended.code
    except Exception as error:
        _err.print("Stopped.", style="bold red", end=" ")
        _err.print(sentence_of(error) or told(error), markup=False, highlight=False, soft_wrap=True)
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)


if __name__ == "__main__":
    main()
