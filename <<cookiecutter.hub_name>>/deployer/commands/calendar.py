"""Print the next two weeks: classes, exams, when prod has room for them, changes of the clocks, the end of the term."""

import argparse
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from deployer import timetable, units, values
from deployer.course import parse_course, read_course
from deployer.seats import count_course_seats, count_nodes
from deployer.yaml_files import YamlMapping


def run(_: argparse.Namespace) -> None:
    read_course("prod")
    print("\n".join(describe(values.read_values("prod"), datetime.now(timezone.utc))))


def describe(found: YamlMapping, now: datetime) -> Iterator[str]:
    """Yield the lines about the two weeks after a moment."""
    calendar = timetable.read_calendar(found)
    zone = ZoneInfo(calendar["timezone"])
    course = parse_course(found)
    nodes = count_nodes(course.peak, count_course_seats(course).each)
    periods = timetable.list_periods(calendar, now)
    yield f"{now.astimezone(zone):%a %Y-%m-%d %H:%M} in {calendar['timezone']}. The next {timetable.DAYS_AHEAD} days:"
    lines = [(one.opens, describe_period(one, zone, nodes)) for one in periods]
    lines += [(at, describe_clock_change(at, change)) for at, change in timetable.list_clock_changes(calendar, now)]
    if calendar["termEnds"] and 0 <= timetable.count_days_left(calendar, now) <= timetable.DAYS_AHEAD:
        last = datetime.fromisoformat(calendar["termEnds"])
        lines.append((last + timedelta(days=1), f"{last:%a %Y-%m-%d}  the last day of the term"))
    yield from (line for _, line in sorted(lines))
    if not periods:
        yield "No class and no exam. course.calendar in config/hub.yaml has them."
    if calendar["termEnds"] and timetable.count_days_left(calendar, now) < 0:
        yield f"The term ended on {calendar['termEnds']}. `make new-term` begins the next one."


def describe_period(period: Any, zone: ZoneInfo, nodes: int) -> str:
    """Return a line about a class or an exam."""
    day = period.opens.date()
    start, end = (moment.astimezone(zone) for moment in (period.start, period.end))
    closes, ready, until = (write_time(moment, day) for moment in (period.closes, start, end))
    what = f"{period.kind} {period.title}".strip()
    room = units.format_count(nodes, "node")
    line = f"{period.opens:%a %Y-%m-%d %H:%M} to {closes}  {what}: room on {room} from {ready} to {until}"
    return line if period.kind == "class" else f"{line}, no deploy to prod, no idle server is stopped"


def write_time(moment: datetime, day: date) -> str:
    """Return a time of day, with its day where that is another one."""
    return f"{moment:%H:%M}" if moment.date() == day else f"{moment:%a %Y-%m-%d %H:%M}"


def describe_clock_change(at: datetime, change: timedelta) -> str:
    """Return a line about a change of the clocks."""
    minutes = round(change.total_seconds() / 60)
    return f"{at:%a %Y-%m-%d %H:%M}  the clocks go {'forward' if minutes > 0 else 'back'} by {abs(minutes)} minutes"
