"""One run of the daily job from the command line: everything, in this process, told step by step."""

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
from reconciliation_assets.contracts.inputs import INPUT_TABLES
from reconciliation_assets.errors import PlainError
from reconciliation_assets.operations.instance import COMMAND_LINE, close_dead_runs, only_run, prepare_home
from reconciliation_assets.operations.jobs import DAILY_JOB, READ_INBOX_TAG
from reconciliation_assets.operations.unchanged import forget, reads, remember, same_as_last_run
from reconciliation_assets.policy.load import load_policy
from reconciliation_assets.settings import Settings
from reconciliation_assets.sources.files import discover, inbox_state
from reconciliation_assets.sources.presets.load import load_presets

CODE_LOCATION = "reconciliation"
"""The code location's name, as workspace.yaml has it."""

_ORIGIN = RemoteJobOrigin(
    RemoteRepositoryOrigin(RegisteredCodeLocationOrigin(CODE_LOCATION), SINGLETON_REPOSITORY_NAME), DAILY_JOB
)


@dataclass(frozen=True)
class FailedCheck:
    """A check that did not hold: its table, its name and what it said."""

    table: str
    check: str
    message: str


@dataclass
class RunOutcome:
    """What became of a run.

    Attributes:
        stopped_by: blocking checks that did not hold.
        warned: checks that did not hold and stopped nothing.
        broke: steps that ended in an error that no check foresaw, with its message; steps with the same one together.
        same_as: when the run ended whose results this one found as they were, with nothing new to read.
    """

    run_id: str
    succeeded: bool
    stopped_by: list[FailedCheck] = field(default_factory=list)
    warned: list[FailedCheck] = field(default_factory=list)
    broke: list[tuple[str, str]] = field(default_factory=list)
    same_as: datetime | None = None


@dataclass(frozen=True)
class Listener:
    """Who is told while a run goes on.

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
    """The instant a run is to speak for lies on a day that has not begun."""


def require_begun(settings: Settings, zone: tzinfo) -> None:
    """Hold the instant of a run against the clock, by the policy's days.

    Raises:
        UnknownDayError: its day has not begun.
    """
    day = settings.as_of.astimezone(zone).date()
    if day > datetime.now(zone).date():
        raise UnknownDayError(
            f"A run cannot speak for {day}, which has not begun. Set RECON_AS_OF, or --as-of, to an instant up to now, or neither."
        )


def run_daily(settings: Settings, listener: Listener, *, full_refresh: bool = False) -> RunOutcome:
    """Reconcile once, for the day of the instant that the settings speak for.

    Args:
        settings: the installation.
        listener: who is told while it goes on.
        full_refresh: forget what files landed and read the whole inbox anew.

    Raises:
        PolicyError: the policy file cannot be used.
        PresetError: a preset of the company's own cannot be used.
        AlreadyRunningError: another run holds the data directory.
        WarehouseBusyError: a run started from the Dagster UI has the warehouse open.
        DamagedWarehouseError: the warehouse's file cannot be opened.
        UnusableHomeError: the data directory cannot be written.
        UnknownDayError: the instant the run speaks for lies in the future.
    """
    require_begun(settings, load_policy(settings.policy_path).policy.timezone)
    files, _ = discover(settings.inbox, load_presets(settings.presets_dir))
    state = inbox_state(files)
    prepare_home(settings)
    with only_run(settings):
        last = None if full_refresh else same_as_last_run(settings)
        if last:
            warned = [FailedCheck(*told) for told in last.warned]
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
        console = _console(listener, lambda: _let_belong_to_location(run_id, instance))
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
            told = [[each.table, each.check, each.message] for each in outcome.warned]
            remember(settings, read, run_id, datetime.now(UTC), told)
        return outcome


def _let_belong_to_location(run_id: str, instance: dg.DagsterInstance) -> None:
    """Let a run of the command line belong to the code location, as those do that the UI or the daemon starts.

    The UI's timeline shows only such runs, and running a job in process has no argument for it.
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
            told = FailedCheck(check.asset_key.to_user_string(), check.check_name, check.description or "")
            stops = check.blocking and check.severity == dg.AssetCheckSeverity.ERROR
            (outcome.stopped_by if stops else outcome.warned).append(told)
            if stops:
                stopped_steps.add(event.step_key)
    broke: dict[str, list[str]] = defaultdict(list)
    for event in result.all_events:
        if event.event_type_value == "STEP_FAILURE" and event.step_key not in stopped_steps:
            error = event.step_failure_data.error
            cause = error.cause if error and error.cause else error
            broke[_without_its_class(cause.message) if cause else "no message"].append(str(event.step_key))
    outcome.broke += [(some_of(steps), message) for message, steps in broke.items()]
    return outcome


def _without_its_class(message: str) -> str:
    """An error's message as people read it, without the name of the class that Python puts before it."""
    return re.sub(r"^[A-Za-z_][\w.]*: ", "", message.strip(), count=1)
