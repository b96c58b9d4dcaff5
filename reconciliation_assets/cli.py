"""The command line, `reconcile`: set up, run, show, inspect a file, open the UI."""

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
from reconciliation_assets.errors import describe, sentence_of
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
    help="Reconcile the revenue that Meta attributes to ads with the money that was collected.",
)
policy_app = typer.Typer(no_args_is_help=True, help="Compare policies.")
app.add_typer(policy_app, name="policy")
feedback_app = typer.Typer(help="Send outcomes to Meta as conversion events; without a command, a dry run.")
app.add_typer(feedback_app, name="feedback")
_out = Console(width=None if sys.stdout.isatty() else 110)
_err = Console(stderr=True)


def _of_installation(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options `--data-dir` and `--as-of` to a command; they override the environment variables."""
    options = {
        "data_dir": Annotated[
            Path | None, typer.Option("--data-dir", help="Data directory of the installation; default: RECON_DATA_DIR.")
        ],
        "as_of": Annotated[
            str | None,
            typer.Option("--as-of", help="Time the figures are as of, ISO 8601; default: RECON_AS_OF, else now."),
        ],
    }

    @wraps(command)
    def wrapper(*, data_dir: Path | None, as_of: str | None, **others: Any) -> None:
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
    wrapper.__signature__ = signature.replace(parameters=[*signature.parameters.values(), *own])  # type: ignore[attr-defined]
    wrapper.__annotations__ = {**command.__annotations__, **options}
    return wrapper


def _tell_version(asked: bool) -> None:
    if asked:
        _out.print(f"reconciliation-assets {version_of('reconciliation-assets')}", highlight=False)
        raise typer.Exit


@app.callback()
@_of_installation
def _before_any_command(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    del version


@contextmanager
def _plainly(status: int = 1) -> Iterator[None]:
    """Exit with a sentence instead of a stack trace for errors that a person can fix."""
    try:
        yield
    except Exception as problem:
        sentence = sentence_of(problem)
        if sentence is None:
            raise
        _print_line("Stopped.", "bold red", f" {sentence}")
        sys.exit(status)


def _require_published(settings: Settings) -> None:
    if not settings.published_path.is_file():
        _err.print(
            f"There are no published figures in {settings.data_dir} yet: run `reconcile run` first.", soft_wrap=True
        )
        sys.exit(1)


_COMPANY, _MONEY, _SYSTEMS = "The company", "What counts as collected", "Systems"


@app.command()
@_of_installation
def init(
    *,
    company: Annotated[
        str | None, typer.Option(help="Company name shown in reports.", rich_help_panel=_COMPANY, show_default=False)
    ] = None,
    currency: Annotated[
        str | None, typer.Option(help="Reporting currency, e.g. AED.", rich_help_panel=_COMPANY)
    ] = None,
    zone: Annotated[
        str | None, typer.Option(help="Time zone of the books, e.g. Asia/Dubai.", rich_help_panel=_COMPANY)
    ] = None,
    locale: Annotated[
        str | None, typer.Option(help="Language of reports, e.g. en_AE or ar_AE.", rich_help_panel=_COMPANY)
    ] = None,
    approved_by: Annotated[
        str | None, typer.Option(help="Who approves these definitions.", rich_help_panel=_COMPANY)
    ] = None,
    daily_at: Annotated[
        str | None, typer.Option(help="Time of the daily run, e.g. 06:00.", rich_help_panel=_COMPANY)
    ] = None,
    mature_after: Annotated[
        int | None, typer.Option(help="Days after which a cohort is mature.", rich_help_panel=_MONEY)
    ] = None,
    include_tax: Annotated[
        bool | None, typer.Option("--vat/--no-vat", help="Include VAT in collected revenue.", rich_help_panel=_MONEY)
    ] = None,
    include_shipping: Annotated[
        bool | None,
        typer.Option("--shipping/--no-shipping", help="Include shipping charged to customers.", rich_help_panel=_MONEY),
    ] = None,
    deduct_payment_fees: Annotated[
        bool | None,
        typer.Option("--fees/--no-fees", help="Deduct provider and courier fees.", rich_help_panel=_MONEY),
    ] = None,
    systems: Annotated[
        str | None,
        typer.Option(
            help="Systems to pull from, e.g. meta_insights,shopify; empty if you drop files.", rich_help_panel=_SYSTEMS
        ),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="SYSTEM.SETTING=VALUE",
            help="A setting of a system, e.g. meta_insights.account_ids=act_1; can be repeated.",
            rich_help_panel=_SYSTEMS,
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask no questions; use the suggested answers.")] = False,
) -> None:
    """Set up: write policy.yaml, sources.yaml and .env.example from a few answers, given as options or asked for.

    Each file explains its settings. Existing files are never overwritten.
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
            f"Next: copy {settings.data_dir / '.env.example'} to .env, fill it in, load it, and run `reconcile doctor`.",
            soft_wrap=True,
        )
    _out.print(
        f"Put your exports into {settings.inbox} (`reconcile inspect FILE` shows how a file is read), then run `reconcile run`.",
        soft_wrap=True,
    )


@app.command()
@_of_installation
def run(
    *,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Print Dagster's log lines.")] = False,
    full_refresh: Annotated[
        bool, typer.Option("--full-refresh", help="Read the whole inbox again, also files that were read before.")
    ] = False,
) -> None:
    """Reconcile once: load new data, rebuild and check all tables, publish them, and print the summary."""

    settings = _settings(works=True)
    succeeded = _run(settings, verbose=verbose, full_refresh=full_refresh)
    sys.exit(0 if succeeded else 1)


@app.command()
@_of_installation
def show() -> None:
    """Print the summary of the published figures again, without a run."""
    from reconciliation_assets.publish.page import show_page  # noqa: PLC0415

    settings = _settings()
    _require_published(settings)
    show_page(_out, settings.published_path, settings.reports_dir, None)


@app.command()
@_of_installation
def inspect(
    files: Annotated[
        list[Path], typer.Argument(help="Files to inspect, in the inbox or elsewhere.", show_default=False)
    ],
    save: Annotated[bool, typer.Option("--save", help="Save the drafted preset into the presets folder.")] = False,
    currency: Annotated[
        str | None, typer.Option(help="Currency of amounts in files that name none; asked for if needed.")
    ] = None,
) -> None:
    """Show how files would be read, without loading them: table, preset, columns, first problems. Drafts a preset if none fits."""
    from reconciliation_assets.chain.raw.inspection import draft_for, inspect_file  # noqa: PLC0415
    from reconciliation_assets.commands.inspected import show_draft, show_inspection  # noqa: PLC0415

    settings = load_settings()
    policy = load_policy(settings.policy_path).policy
    presets = load_presets(settings.presets_dir, policy.reporting_currency)
    is_taken = True
    for path in files:
        inspection = inspect_file(path, presets, policy.zone_of)
        show_inspection(_out, inspection)
        draft = draft_for(inspection, presets, currency)
        if draft and draft.needs_currency and sys.stdin.isatty():
            currency = typer.prompt(
                f"What currency is the money of {path.name} in", default=policy.reporting_currency
            ).upper()
            draft = draft_for(inspection, presets, currency)
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
    host: Annotated[str, typer.Option(help="Interface to listen on; loopback by default.")] = "127.0.0.1",
) -> None:
    """Open the Dagster UI with its schedule and sensors."""
    _serve("Dagster UI", ["--with-daemon"], host, port)


@app.command("open")
@_of_installation
def open_page(port: Annotated[int, typer.Option(help="Port on the loopback interface.")] = 3002) -> None:
    """Open the report with all entries and records, and decide open matches in it. On this machine only."""
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
    """Check that every configured source can be read, without pulling, and write the audit. Exit status 1 if one cannot."""
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
        _out.print(f"No sources.yaml in {settings.data_dir}: no systems are configured.", soft_wrap=True)
    if settings.published_path.is_file():
        try:
            _out.print(
                f"Audit of tracking, matching and definitions: {_audited(settings, loaded.policy)}", soft_wrap=True
            )
        except UnreadableCopyError as problem:
            _out.print(f"No audit: {problem}", soft_wrap=True)
    else:
        _out.print("No published figures yet; after the first run, this command also writes the audit.", soft_wrap=True)
    sys.exit(1 if any(line.state == "missing" for line in found) else 0)


@app.command()
@_of_installation
def audit() -> None:
    """Write the audit: definitions, systems, tracking, coverage, rules to agree on, next steps."""

    settings = _settings()
    _require_published(settings)
    page = _audited(settings, load_policy(settings.policy_path).policy)
    _out.print(f"The audit is in {page}", soft_wrap=True)


@feedback_app.callback(invoke_without_command=True)
@_of_installation
def feedback(context: typer.Context) -> None:
    """Show the outbox and what the next send would include; nothing is sent."""
    from reconciliation_assets.commands.feedback import outbox_counts, pending_events  # noqa: PLC0415
    from reconciliation_assets.publish.listing import Listing  # noqa: PLC0415
    from reconciliation_assets.publish.page import money  # noqa: PLC0415

    if context.invoked_subcommand is not None:
        return
    settings = _settings()
    found, pending = outbox_counts(settings), pending_events(settings, datetime.now(UTC))
    listing = Listing(["outcome", "status", "why"], ["events", "value"])
    for each in found:
        value = f"{money(each.value, each.currency)} {each.currency}"
        listing.add(each.outcome, each.status, each.reason, f"{each.events:,}", value)
    _out.print(listing)
    ready = sum(each.events for each in found if each.status == "ready")
    if ready > len(pending):
        _out.print(
            f"{ready - len(pending):,} events that were ready at the last run have been sent or are too old by now.",
            soft_wrap=True,
        )
    _out.print(
        f"{len(pending):,} events are ready to send. This is a dry run: `reconcile feedback send` sends them.",
        soft_wrap=True,
    )


@feedback_app.command()
@_of_installation
def send() -> None:
    """Send ready events to Meta. Safe to repeat: events that Meta accepted are not sent again."""
    from reconciliation_assets.commands.feedback import send_feedback  # noqa: PLC0415
    from reconciliation_assets.sources.meta_conversions import load_feedback_settings  # noqa: PLC0415

    settings = _settings()
    sending = send_feedback(settings, load_feedback_settings(settings.sources_path), datetime.now(UTC))
    for record_id, outcome, code in sending.refused:
        _err.print(f"[yellow]Refused[/] {record_id}, {outcome}: Meta's error {code}", highlight=False, soft_wrap=True)
    if sending.without_contact:
        _err.print(
            f"{sending.without_contact:,} events were not sent: only a contact could identify them, and it is not in the inbox.",
            soft_wrap=True,
        )
    _out.print(f"Meta accepted {sending.taken:,} events. The outbox is updated by the next run.", soft_wrap=True)
    sys.exit(1 if sending.refused else 0)


@app.command()
def explain(
    gross: Annotated[str, typer.Option(help="ROAS reported by the platform, e.g. 4.1.")],
    delivered: Annotated[str, typer.Option(help="ROAS of delivered and kept orders, e.g. 1.9.")],
    returns: Annotated[str, typer.Option(help="Return rate between 0 and 1, e.g. 0.33.")],
    collected: Annotated[str | None, typer.Option(help="ROAS of collected money.")] = None,
    spend: Annotated[str | None, typer.Option(help="Ad spend, to show amounts as well.")] = None,
) -> None:
    """Show how much of the ROAS gap returns explain, and how much remains unexplained."""
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
    host: Annotated[str, typer.Option(help="Interface to listen on; loopback by default.")] = "127.0.0.1",
) -> None:
    """Open the Dagster UI read-only: nothing can be started, changed or stopped from it."""
    _serve("Read-only UI", ["--read-only"], host, port)


@policy_app.command("diff")
@_of_installation
def policy_diff(
    new: Annotated[Path, typer.Argument(help="The policy file to compare with the one in use.", show_default=False)],
) -> None:
    """Run both policies on the same inputs, outside the installation, and print what changes by campaign and line.

    Exit status as of `diff`: 0 if no figure changes, 1 if some do, 2 if the two cannot be compared.
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
    to: Annotated[Path, typer.Argument(help="A new folder for the backup; it must not exist yet.")],
) -> None:
    """Back up what cannot be rebuilt: warehouse, secret, policy, sources, tokens, published copy and run storage."""
    from reconciliation_assets.commands.backup import back_up  # noqa: PLC0415

    settings = _settings()
    copied = back_up(settings, to)
    _out.print(f"Backed up to {to}: {', '.join(copied)}. It holds the secret: keep it private.", soft_wrap=True)


@app.command()
@_of_installation
def restore(
    source: Annotated[Path, typer.Argument(help="A folder made by `reconcile backup`.")],
) -> None:
    """Restore a backup into a data directory that holds no installation."""
    from reconciliation_assets.commands.backup import restore_backup  # noqa: PLC0415

    settings = load_settings()
    copied = restore_backup(source, settings)
    _out.print(f"Restored into {settings.data_dir}: {', '.join(copied)}.", soft_wrap=True)


def _audited(settings: Settings, policy: Policy) -> Path:
    """Write the audit of the published copy; returns its path."""
    from reconciliation_assets.publish.audit import FILE_NAME, System, write_audit  # noqa: PLC0415
    from reconciliation_assets.sources.config import read_entries  # noqa: PLC0415

    entries = read_entries(settings.sources_path) if settings.sources_path else []
    page = settings.reports_dir / FILE_NAME
    systems = [System(entry.name, entry.type) for entry in entries]
    write_audit(settings.published_path, page, policy, systems, settings.as_of.astimezone(policy.timezone))
    return page


def _serve(name: str, arguments: list[str], host: str, port: int) -> None:
    """Run a web server for the installation; its address is printed once it answers."""
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
    """The environment's settings; the sample company's if no data directory, source or inbox file is given.

    Args:
        works: whether the command needs the sample's files, and not only the results of a run.
    """
    settings = load_settings()
    require_whole(settings)
    is_empty = not (settings.inbox.is_dir() and any(settings.inbox.iterdir()))
    if is_set("RECON_DATA_DIR") or settings.sources_path or not is_empty:
        return settings
    home = sample_home(settings.data_dir)
    _out.print(f"{settings.inbox} is empty: using the sample company in {home}.", soft_wrap=True)
    if works:
        bring_sample(home)
    os.environ["RECON_DATA_DIR"] = str(home)
    if not is_set("RECON_AS_OF"):
        os.environ["RECON_AS_OF"] = sample_instant().isoformat()
    return load_settings()


@contextmanager
def _console_of_its_own() -> Iterator[Console]:
    """A console on standard error that still reaches the terminal while a run redirects standard error.

    Dagster redirects descriptor 2 to its own log during a run, where nobody sees the progress display.
    """
    try:
        descriptor = sys.stderr.fileno()
    except io.UnsupportedOperation:  # a stream without a descriptor, as in tests, is not redirected either
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
        _print_line("Note", "yellow", f" {check.table}, check {check.check}: {check.message}")
    for check in outcome.stopped_by:
        _print_line("Stopped", "bold red", f" by {check.table}, check {check.check}: {check.message}")
    for step, message in outcome.broke:
        _print_line("Failed", "bold red", f" in {step}: {message}")
    if outcome.same_as:
        _print_line(
            "Nothing changed",
            "green",
            f" since the run of {outcome.same_as:%Y-%m-%d %H:%M} UTC: same files, policy, code and as-of time. "
            "The published copy is unchanged.",
        )
    if outcome.succeeded:
        show_page(_out, settings.published_path, settings.reports_dir, settings.as_of)
    else:
        _err.print("The published copy was not replaced.", highlight=False)
    return outcome.succeeded


def _print_line(word: str, style: str, text: str) -> None:
    """Print a line without markup: names of files and campaigns may contain brackets."""
    _err.print(Text.assemble((word, style), text), soft_wrap=True)


def main() -> None:
    """Run the command line and exit at once, without the interpreter's cleanup.

    Dagster keeps references into DuckDB's module for the life of the process, and DuckDB's binding would report them as leaks
    during the cleanup.
    """
    try:
        app()
        code: object = 0
    except SystemExit as ended:
        code = ended.code
    except Exception as error:
        _err.print("Stopped.", style="bold red", end=" ")
        _err.print(sentence_of(error) or describe(error), markup=False, highlight=False, soft_wrap=True)
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)


if __name__ == "__main__":
    main()
