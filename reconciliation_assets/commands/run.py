"""Run the daily job from the command line, in this process, with progress by step."""

import logging
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from uuid import uuid4

import dagster as dg
from dagster._core.definitions.repository_definition import SINGLETON_REPOSITORY_NAME
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.storage.tags import REPOSITORY_LABEL_TAG

from reconciliation_assets.checks.messages import some_of
from reconciliation_assets.commands.unchanged import forget, reads, remember, same_as_last_run
from reconciliation_assets.contracts.inputs import INPUT_TABLES
from reconciliation_assets.errors import PlainError
from reconciliation_assets.operations.instance import COMMAND_LINE, close_dead_runs, prepare_home, run_lock
from reconciliation_assets.operations.jobs import DAILY_JOB, READ_INBOX_TAG
from reconciliation_assets.policy.load import load_policy
from reconciliation_assets.settings import Settings
from reconciliation_assets.sources.files import discover, inbox_state
from reconciliation_assets.sources.presets.load import load_presets
from reconciliation_assets.warehouse.spark import require_cluster

CODE_LOCATION = "reconciliation"
"""The name of the code location, as in workspace.yaml."""

_ORIGIN = RemoteJobOrigin(
    RemoteRepositoryOrigin(RegisteredCodeLocationOrigin(CODE_LOCATION), SINGLETON_REPOSITORY_NAME), DAILY_JOB
)


@dataclass(frozen=True)
class FailedCheck:
    """A failed check: its table, its name and its message."""

    table: str
    check: str
    message: str


@dataclass
class RunOutcome:
    """The result of a run.

    Attributes:
        stopped_by: failed blocking checks.
        warned: failed checks that stopped nothing.
        broke: steps that ended in an error other than a failed check, with its message; steps with the same message are grouped.
        same_as: end of the last run, if nothing has changed since and its results were kept.
    """

    run_id: str
    succeeded: bool
    stopped_by: list[FailedCheck] = field(default_factory=list)
    warned: list[FailedCheck] = field(default_factory=list)
    broke: list[tuple[str, str]] = field(default_factory=list)
    same_as: datetime | None = None


@dataclass(frozen=True)
class Listener:
    """Callbacks for the progress of a run.

    Attributes:
        planned: called once with the number of steps.
        started, finished: called with each step's name.
        logged: called with every line of Dagster's log.
    """

    planned: Callable[[int], None]
    started: Callable[[str], None]
    finished: Callable[[str], None]
    logged: Callable[[str], None]


class UnknownDayError(PlainError):
    """The as-of time of a run is on a day that has not begun."""


def require_begun(settings: Settings, zone: tzinfo) -> None:
    """Check that the day of a run's as-of time has begun, in the policy's zone.

    Raises:
        UnknownDayError: its day has not begun.
    """
    day = settings.as_of.astimezone(zone).date()
    if day > datetime.now(zone).date():
        raise UnknownDayError(
            f"A run cannot speak for {day}, which has not begun. Set RECON_AS_OF, or --as-of, to an instant up to now, or neither."
        )


def run_daily(settings: Settings, listener: Listener, *, full_refresh: bool = False) -> RunOutcome:
    """Reconcile once, for the as-of time of the settings.

    Args:
        settings: the installation.
        listener: callbacks for the progress.
        full_refresh: delete the rows landed from files and read the whole inbox again.

    Raises:
        PolicyError: the policy file cannot be used.
        PresetError: one of the company's own presets cannot be used.
        AlreadyRunningError: another run uses the data directory.
        WarehouseBusyError: a run started from the Dagster UI has the warehouse open.
        DamagedWarehouseError: the warehouse's file cannot be opened.
        SparkUnreachableError: the tables are to be made on Spark, and it cannot be used.
        OSError: the data directory cannot be written.
        UnknownDayError: the day of the as-of time has not begun.
    """
    require_begun(settings, load_policy(settings.policy_path).policy.timezone)
    files, _ = discover(settings.inbox, load_presets(settings.presets_dir))
    state = inbox_state(files)
    prepare_home(settings)
    if settings.cluster is not None:
        require_cluster(settings.cluster)
    with run_lock(settings):
        last = None if full_refresh else same_as_last_run(settings)
        if last:
            warned = [FailedCheck(*row) for row in last.warned]
            return RunOutcome(last.run_id, succeeded=True, warned=warned, same_as=datetime.fromisoformat(last.ended_at))
        return _run(settings, listener, state, full_refresh=full_refresh)


def _run(settings: Settings, listener: Listener, state: str, *, full_refresh: bool) -> RunOutcome:
    forget(settings)
    with dg.DagsterInstance.get() as instance:
        close_dead_runs(instance, settings)
        # Imported here because loading the graph takes seconds and reads the environment set above.
        from reconciliation_assets.build import build_defs  # noqa: PLC0415

        read = reads(settings)
        run_id = str(uuid4())
        console = _console(listener, lambda: _assign_to_location(run_id, instance))
        job = build_defs(loggers={"console": console}).resolve_job_def(DAILY_JOB)
        listener.planned(len(job.nodes))
        result = job.execute_in_process(
            instance=instance,
            run_id=run_id,
            tags={REPOSITORY_LABEL_TAG: _ORIGIN.repository_origin.get_label(), COMMAND_LINE: "true"},
            run_config={
                "loggers": {"console": {}},
                "ops": {table.raw_asset: {"config": {"full_refresh": full_refresh}} for table in INPUT_TABLES},
            },
            raise_on_error=False,
        )
        outcome = _outcome(result)
        if not outcome.broke:
            instance.add_run_tags(run_id, {READ_INBOX_TAG: state})
        if outcome.succeeded:
            warnings = [[each.table, each.check, each.message] for each in outcome.warned]
            remember(settings, read, run_id, datetime.now(UTC), warnings)
        return outcome


def _assign_to_location(run_id: str, instance: dg.DagsterInstance) -> None:
    """Assign a run of the command line to the code location, like runs started by the UI or the daemon.

    The UI's timeline shows only such runs, and `execute_in_process` has no argument for it.
    """
    run = instance.get_run_by_id(run_id)
    if run:
        instance.run_storage.replace_job_origin(run, _ORIGIN)


def _console(listener: Listener, began: Callable[[], None]) -> dg.LoggerDefinition:
    class Console(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            event = getattr(record, "dagster_event", None)
            if event and event.event_type_value == dg.DagsterEventType.RUN_START.value:
                began()
            elif event and event.event_type_value == "STEP_START":
                listener.started(event.step_key)
            elif event and event.event_type_value in ("STEP_SUCCESS", "STEP_FAILURE", "STEP_SKIPPED"):
                listener.finished(event.step_key)
            listener.logged(record.getMessage())

    def console(_: dg.InitLoggerContext) -> logging.Logger:
        logger = logging.getLogger("reconcile")
        logger.setLevel(logging.DEBUG)
        logger.propagate = False
        logger.handlers = [Console()]
        return logger

    return dg.LoggerDefinition(console, description="Tells the command line what the run does.")


def _outcome(result: dg.ExecuteInProcessResult) -> RunOutcome:
    outcome = RunOutcome(result.run_id, result.success)
    stopped_steps = set()
    for event in result.all_events:
        if event.event_type_value == "ASSET_CHECK_EVALUATION":
            check = event.asset_check_evaluation_data
            if check.passed:
                continue
            failed = FailedCheck(check.asset_key.to_user_string(), check.check_name, check.description or "")
            stops = check.blocking and check.severity == dg.AssetCheckSeverity.ERROR
            (outcome.stopped_by if stops else outcome.warned).append(failed)
            if stops:
                stopped_steps.add(event.step_key)
    broke: dict[str, list[str]] = defaultdict(list)
    for event in result.all_events:
        if event.event_type_value == "STEP_FAILURE" and event.step_key not in stopped_steps:
            error = event.step_failure_data.error
            cause = error.cause if error and error.cause else error
            broke[_without_class_name(cause.message) if cause else "no message"].append(str(event.step_key))
    outcome.broke += [(some_of(steps), message) for message, steps in broke.items()]
    return outcome


def _without_class_name(message: str) -> str:
    """An error's message without the class name that Python puts before it."""
    return re.sub(r"^[A-Za-z_][\w.]*: ", "", message.strip(), count=1)
