"""The periods in which a class or an exam needs its nodes, as course.calendar gives them.

The CronJobs, the culler and the commands all use this file. A calendar is what `hub.calendar` of the chart writes. Its
times of day are those of its time zone. Where the clocks change, a time of day comes twice or not at all. A period then
starts at the earlier of the two moments that it could mean, and ends at the later one.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True)
class Period:
    """A class or an exam: its times as written, and the moments, in UTC, from and to which its nodes are ready."""

    kind: str
    title: str
    opens: datetime
    closes: datetime
    start: datetime
    end: datetime


def list_moments(written: datetime, zone: ZoneInfo) -> list[datetime]:
    """Return the moments, in UTC, that a time of day can mean: two equal ones, but where the clocks change."""
    return [written.replace(tzinfo=zone, fold=fold).astimezone(timezone.utc) for fold in (0, 1)]


def make_period(calendar: dict, kind: str, title: str, opens: str, closes: str) -> Period:
    """Return the period from `before` minutes ahead of a class or an exam to its end."""
    zone = ZoneInfo(calendar["timezone"])
    first, last = datetime.fromisoformat(opens), datetime.fromisoformat(closes)
    ready = first - timedelta(minutes=calendar["before"])
    return Period(kind, title, first, last, min(list_moments(ready, zone)), max(list_moments(last, zone)))


def meets(lecture: dict, day: date) -> bool:
    """Return whether a class meets on a day: every week on its `days`, or once on its `dates`."""
    return DAYS[day.weekday()] in lecture.get("days", ()) or day.isoformat() in lecture.get("dates", ())


def list_classes(calendar: dict, first: date, last: date) -> list[Period]:
    """Return the classes from one day to another, none of them after the term."""
    if calendar["termEnds"]:
        last = min(last, date.fromisoformat(calendar["termEnds"]))
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return [
        make_period(calendar, "class", "", f"{day} {lecture['start']}", f"{day} {lecture['end']}")
        for day in days
        for lecture in calendar["classes"]
        if meets(lecture, day)
    ]


def list_exams(calendar: dict) -> list[Period]:
    """Return all exams."""
    return [
        make_period(calendar, "exam", exam.get("title", ""), exam["start"], exam["end"]) for exam in calendar["exams"]
    ]


def find_exams(calendar: dict, now: datetime) -> list[Period]:
    """Return the exams whose period a moment is in."""
    return [exam for exam in list_exams(calendar) if exam.start <= now < exam.end]


def needs_nodes(calendar: dict, now: datetime) -> bool:
    """Return whether a class or an exam needs its nodes at a moment."""
    today = now.astimezone(ZoneInfo(calendar["timezone"])).date()
    # `before` is a day at most, and a class after midnight needs its nodes the day before.
    classes = list_classes(calendar, today - timedelta(days=1), today + timedelta(days=2))
    return any(period.start <= now < period.end for period in classes) or bool(find_exams(calendar, now))
