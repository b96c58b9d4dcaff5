"""The soak: days of a small company run one after another, with breaks by plan, in a process that is killed by plan.

`python -m reconciliation_assets_tests.lab.soak HOME DAYS` goes on from where the last process was killed. The clock of the days is set; all
else is real: files in the inbox, the schedule's tick, the daily run, the sensors' ticks with their cursors in the run storage, and
delivery through Apprise.
"""

import os
import signal
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg

from reconciliation_assets.commands.run import Listener, run_daily
from reconciliation_assets.operations import sensors
from reconciliation_assets.operations.instance import prepare_home
from reconciliation_assets.settings import load_settings
from reconciliation_assets_tests.harness import Row, write_csv
from reconciliation_assets_tests.rows import AD, ADSET, CAMPAIGN, crm, insight, lead, order, payment

FIRST_MORNING = datetime.fromisoformat("2026-04-06T06:00:00+04:00")
HISTORY_DAYS = 45
CYCLE = 10
TICKS = tuple(timedelta(minutes=minutes) for minutes in (30, 31, 360, 361))

# What breaks on which mornings of every ten days.
KILLED_IN_RUN, KILLED_IN_TICK = 2, 4
FORM_LOST_ITS_CAMPAIGN = (2, 3)
ORDERS_STOPPED = range(3, 7)
PAYMENTS_GONE, RUN_BREAKS = 5, 6

RUN, COPY = "the daily run", "the published copy is out of date"
FALL, GONE, SILENT = (
    "match rate of record_ad fell",
    "check not_empty of raw_payments",
    "check newest_row_is_recent of raw_orders",
)
PLAN: dict[int, tuple[str, ...]] = {
    2: (f"Failing: {RUN}", f"Resolved: {RUN}", f"Failing: {FALL}"),
    3: (f"Still failing after 1 day: {FALL}",),
    4: (f"Resolved: {FALL}",),
    5: (f"Failing: {GONE}", f"Failing: {SILENT}", f"Failing: {COPY}"),
    6: (
        f"Resolved: {GONE}",
        f"Failing: {RUN}",
        f"Still failing after 1 day: {SILENT}",
        f"Still failing after 1 day: {COPY}",
    ),
    7: (f"Resolved: {RUN}", f"Resolved: {COPY}", f"Resolved: {SILENT}"),
}


def of_cycle(day: int) -> int:
    """The morning's place in its ten days, 1 to 10."""
    return (day - 1) % CYCLE + 1


def planned(days: int) -> list[tuple[str, str]]:
    """Every alert that must be told: the day and the title."""
    return sorted(
        (f"{morning_of(day):%Y-%m-%d}", title) for day in range(1, days + 1) for title in PLAN.get(of_cycle(day), ())
    )


def morning_of(day: int) -> datetime:
    """06:00 of the day."""
    return FIRST_MORNING + timedelta(days=day - 1)


def rows_of(day: int) -> dict[str, list[Row]]:
    """What came in on the day before a morning."""
    date = morning_of(day) - timedelta(days=1)
    at = [(date.replace(hour=9) + timedelta(minutes=20 * number)).isoformat() for number in range(24)]
    forms = ["dubai-ar-3", "riyadh-en-1"] * 12
    lost = of_cycle(day) in FORM_LOST_ITS_CAMPAIGN and day > 0
    known = {"campaign_id": CAMPAIGN, "adset_id": ADSET, "ad_id": AD}
    leads = [
        lead(
            f"L{day}-{number}",
            at[number],
            form_id=form,
            source="facebook",
            stated_value="500",
            currency="AED",
            **({} if lost and form == "dubai-ar-3" else known),
        )
        for number, form in enumerate(forms)
    ]
    stopped = day > 0 and of_cycle(day) in ORDERS_STOPPED
    return {
        "meta_insights": [insight(f"{date:%Y-%m-%d}", results="24", attributed_value="12000")],
        "leads": leads,
        "crm_records": [crm(f"C{row['lead_id']}", row["created_at"], lead_id=row["lead_id"]) for row in leads],
        "orders": [] if stopped else [order(f"SO{day}-{n}", at[n], lead_id=leads[n]["lead_id"]) for n in range(12)],
        "payments": [payment(f"P{day}-{n}", at[n], order_id=f"SO{1 - HISTORY_DAYS}-0", amount="1") for n in range(12)],
    }


class Soak:
    """One installation going through its days.

    Args:
        home: the data directory, empty or left by a process that was killed.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.now = FIRST_MORNING

    @cached_property
    def defs(self) -> dg.Definitions:
        """The graph of the installation that the environment names."""
        from reconciliation_assets.build import build_defs

        return build_defs()

    def go_on(self, days: int) -> None:
        """Run the days that are left."""
        prepare_home(load_settings())
        _set_clock(self)
        while self._done() < days:
            day = self._done() + 1
            self._morning(day)
            self._write("done", str(day))

    def _morning(self, day: int) -> None:
        self.now = morning_of(day)
        os.environ["RECON_AS_OF"] = self.now.isoformat()
        if self._read("ran") != str(day):
            self._drop(day)
            self._run(day)
            self._write("ran", str(day))
        told_by = [sensor for sensor in self.defs.sensors or () if sensor.name.endswith("_alerts")]
        with dg.DagsterInstance.get() as instance:
            for tick in TICKS:
                self.now = morning_of(day) + tick
                for sensor in told_by:
                    self._tick(instance, sensor, day)

    def _drop(self, day: int) -> None:
        inbox, away = self.home / "inbox", self.home / "away"
        for folder in (inbox, away):
            folder.mkdir(exist_ok=True)
        for path in away.iterdir():
            path.rename(inbox / path.name)
        if not any(inbox.iterdir()):
            self._write_rows(inbox, "history", [rows_of(each) for each in range(1 - HISTORY_DAYS, 1)])
        self._write_rows(inbox, f"{day:03d}", [rows_of(day)])
        if of_cycle(day) == PAYMENTS_GONE:
            for path in inbox.glob("payments-*.csv"):
                path.rename(away / path.name)
        in_the_way = self.home / "published" / ".reconciliation.duckdb.unfinished"
        if of_cycle(day) == RUN_BREAKS:
            in_the_way.mkdir(exist_ok=True)
        elif in_the_way.is_dir():
            in_the_way.rmdir()

    def _write_rows(self, inbox: Path, name: str, days: list[dict[str, list[Row]]]) -> None:
        for table in days[0]:
            rows = [row for each in days for row in each[table]]
            if rows:
                write_csv(inbox / f"{table}-{name}.csv", table, rows)

    def _run(self, day: int) -> None:
        (schedule,) = self.defs.schedules or ()
        assert isinstance(schedule, dg.ScheduleDefinition)
        context = dg.build_schedule_context(
            scheduled_execution_time=self.now, repository_def=self.defs.get_repository_def()
        )
        (asked,) = schedule.evaluate_tick(context).run_requests or ()
        assert asked.run_key == f"{self.now:%Y-%m-%d}"

        def started(step: str) -> None:
            if step == "match_links" and of_cycle(day) == KILLED_IN_RUN:
                self._die_once(f"run of day {day}")

        listener = Listener(planned=lambda _: None, started=started, finished=lambda _: None, logged=lambda _: None)
        run_daily(load_settings(), listener)

    def _tick(self, instance: dg.DagsterInstance, sensor: dg.SensorDefinition, day: int) -> None:
        """A tick as the daemon makes it: the cursor is saved once the sensor has answered."""
        key = f"soak/{sensor.name}"
        cursors = instance.daemon_cursor_storage
        context = dg.build_sensor_context(instance, cursor=cursors.get_cursor_values({key}).get(key))
        answer = sensor.evaluate_tick(context)
        if of_cycle(day) == KILLED_IN_TICK and "1 told" in (answer.skip_message or ""):
            self._die_once(f"tick of day {day}")
        if answer.cursor is not None:
            cursors.set_cursor_values({key: answer.cursor})

    def _die_once(self, where: str) -> None:
        if where not in self._read("deaths").splitlines():
            self._write("deaths", f"{self._read('deaths')}{where}\n")
            os.kill(os.getpid(), signal.SIGKILL)

    def _done(self) -> int:
        return int(self._read("done") or 0)

    def _read(self, name: str) -> str:
        path = self.home / f"soak-{name}"
        return path.read_text("utf-8") if path.is_file() else ""

    def _write(self, name: str, text: str) -> None:
        path = self.home / f"soak-{name}"
        unfinished = path.with_suffix(".unfinished")
        unfinished.write_text(text, "utf-8")
        unfinished.replace(path)


def _set_clock(soak: Soak) -> None:
    """Dagster's events and the sensors live in the soak's day; between its moments the clock goes on as it does."""
    began, real = time.monotonic(), time.time

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return soak.now.astimezone(tz)

    time.time = lambda: soak.now.timestamp() + (time.monotonic() - began) % 60 if soak else real()
    sensors.datetime = Clock


def deaths(days: int) -> Iterator[int]:
    """The days on which the process is killed."""
    yield from (day for day in range(1, days + 1) if of_cycle(day) in (KILLED_IN_RUN, KILLED_IN_TICK))


if __name__ == "__main__":
    Soak(Path(sys.argv[1])).go_on(int(sys.argv[2]))
    # Dagster holds references into DuckDB's module, which its binding would report as leaks.
    os._exit(0)
