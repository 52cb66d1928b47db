"""The calendar of the course, read by the program that runs in the cluster: chart/files/course_calendar.py."""

import functools
import runpy
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from deployer import values
from deployer.course import list_schema_errors
from deployer.errors import UserError
from deployer.paths import CHART, CONFIG
from deployer.yaml_files import YamlMapping, find_value, join_keys, read_mapping

# Events within so many days are worth a warning, and a line of `make calendar`.
DAYS_AHEAD = 14


@functools.cache
def load_program() -> SimpleNamespace:
    """Return what the chart's program defines. Importing it would leave compiled files in the chart."""
    return SimpleNamespace(**runpy.run_path(str(CHART / "files" / "course_calendar.py"), run_name="course_calendar"))


def read_calendar(found: YamlMapping) -> YamlMapping:
    """Return the calendar of values. Raises UserError where it has another form, or a time that is not one."""
    for path, problem in list_schema_errors(found):
        if path[:2] == ("course", "calendar"):
            raise UserError(f"{join_keys(path)} {problem}. `make check` says what else is wrong")
    given = find_value(found, "course", "calendar") or {}
    if "classTimes" in given:
        raise UserError(
            "course.calendar.classTimes: the key was replaced by classes. `make check` prints what to write"
        )
    calendar = {
        "timezone": given.get("timezone") or "UTC",
        "classes": given.get("classes") or [],
        "exams": given.get("exams") or [],
        "termEnds": given.get("termEnds") or "",
        "before": given.get("before") or 0,
    }
    try:
        list_periods(calendar, datetime.now(timezone.utc))
    except (KeyError, ValueError) as error:
        raise UserError(f"course.calendar: {str(error).strip(chr(34))}. `make check` says what to write") from error
    return calendar


def list_periods(calendar: YamlMapping, now: datetime) -> list[Any]:
    """Return the classes and exams that end after a moment and start in the two weeks after it, in their order."""
    program, last = load_program(), now + timedelta(days=DAYS_AHEAD)
    days = [moment.astimezone(ZoneInfo(calendar["timezone"])).date() for moment in (now, last)]
    periods = [*program.list_classes(calendar, *days), *program.list_exams(calendar)]
    return sorted((one for one in periods if one.end > now and one.start < last), key=lambda one: one.opens)


def describe_exam(exam: Any, calendar: YamlMapping) -> str:
    """Return an exam in words."""
    name = f"the exam '{exam.title}'" if exam.title else "an exam"
    times = f"{exam.opens:%Y-%m-%d %H:%M} to {exam.closes:%Y-%m-%d %H:%M} ({calendar['timezone']})"
    return f"{name} is from {times}; from {calendar['before']} minutes before it until it ends, prod rejects deploys"


def require_no_exam(env: str) -> None:
    """Raise UserError where prod has an exam now."""
    calendar = read_calendar(values.read_values(env))
    for exam in load_program().find_exams(calendar, datetime.now(timezone.utc)) if env == "prod" else ():
        raise UserError(
            f"{env}: {describe_exam(exam, calendar)}. Nothing was changed. Deploy after it, or on purpose now: "
            f"`make deploy ENV={env} IN_EXAM=y`"
        )


def describe_ahead(found: YamlMapping, now: datetime) -> Iterator[str]:
    """Yield what the next two weeks bring that changes a decision: exams, and the end of the term."""
    calendar = read_calendar(found)
    for period in list_periods(calendar, now):
        if period.kind == "exam":
            sentence = describe_exam(period, calendar)
            yield f"{sentence[0].upper()}{sentence[1:]}."
    if calendar["termEnds"]:
        left = count_days_left(calendar, now)
        if 0 <= left <= DAYS_AHEAD:
            yield (
                f"The term ends on {calendar['termEnds']} (days left: {left}). Classes after that have no nodes ready. "
                "`make new-term` begins the next term."
            )
        elif left < 0:
            yield f"The term ended on {calendar['termEnds']}. `make new-term` begins the next term."


def describe_dates() -> Iterator[str]:
    """Yield what has a date in the calendar, and so is not meant for another class or term."""
    calendar = find_value(read_mapping(CONFIG / "hub.yaml"), "course", "calendar") or {}
    dated = [one for one in calendar.get("classes") or () if isinstance(one, dict) and "dates" in one]
    for key, found in ("exams", calendar.get("exams")), ("classes", dated):
        if found:
            yield f"course.calendar.{key} in config/hub.yaml: replace those with a date (there are {len(found)})"


def count_days_left(calendar: YamlMapping, now: datetime) -> int:
    """Return the days until the last day of the term."""
    last = datetime.fromisoformat(calendar["termEnds"]).date()
    return (last - now.astimezone(ZoneInfo(calendar["timezone"])).date()).days


def list_clock_changes(calendar: YamlMapping, now: datetime) -> list[tuple[datetime, timedelta]]:
    """Return when the clocks change in the next two weeks, by the clocks before the change, and by how much."""
    zone, found = ZoneInfo(calendar["timezone"]), []
    for hour in range(24 * DAYS_AHEAD):
        before = (now + timedelta(hours=hour)).replace(minute=0, second=0, microsecond=0).astimezone(zone)
        after = (before.astimezone(timezone.utc) + timedelta(hours=1)).astimezone(zone)
        change = (after.utcoffset() or timedelta()) - (before.utcoffset() or timedelta())
        if change:
            found.append((before.replace(tzinfo=None) + timedelta(hours=1), change))
    return found
