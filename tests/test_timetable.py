"""What the commands say of the calendar: exams reject deploys to prod, and the next two weeks are printed."""

import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from repositories import change_values, commit, run_deployer, run_python

PRINT = """
from datetime import datetime, timezone
from deployer import timetable, values
from deployer.commands import calendar
found, now = values.read_values("prod"), datetime(2027, 3, 19, 12, 0, tzinfo=timezone.utc)
print(*calendar.describe(found, now), *timetable.describe_ahead(found, now), sep="\\n")
"""
PRINTED = """\
Fri 2027-03-19 13:00 in Europe/Berlin. The next 14 days:
Mon 2027-03-22 10:00 to 11:30  class: room on 4 nodes from 09:30 to 11:30
Sat 2027-03-27 22:00 to Sun 2027-03-28 05:00  exam Night: room on 4 nodes from 21:30 to Sun 2027-03-28 05:00, \
no deploy to prod, no idle server is stopped
Sun 2027-03-28 02:00  the clocks go forward by 60 minutes
Mon 2027-03-29 00:15 to 01:00  exam: room on 4 nodes from Sun 2027-03-28 23:45 to 01:00, \
no deploy to prod, no idle server is stopped
Mon 2027-03-29 10:00 to 11:30  class: room on 4 nodes from 09:30 to 11:30
Tue 2027-03-30  the last day of the term
The exam 'Night' is from 2027-03-27 22:00 to 2027-03-28 05:00 (Europe/Berlin); from 30 minutes before it until it \
ends, prod rejects deploys.
An exam is from 2027-03-29 00:15 to 2027-03-29 01:00 (Europe/Berlin); from 30 minutes before it until it ends, prod \
rejects deploys.
The term ends on 2027-03-30 (days left: 11). Classes after that have no nodes ready. `make new-term` begins the \
next term.
"""


@pytest.fixture
def repository(edited: Callable[..., Path]) -> Path:
    """A repository with a class each Monday, committed."""
    made = edited(class_times="mon 10:00-11:30", timezone="Europe/Berlin")
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main"], cwd=made, check=True)
    commit(made)
    return made


def change_calendar(repository: Path, **calendar: object) -> None:
    """Change course.calendar in config/hub.yaml."""
    change_values(repository / "config/hub.yaml", {"course": {"calendar": calendar}})


def write_exam(distance: int) -> dict[str, str]:
    """Return an exam of two hours that starts in so many hours."""
    now = datetime.now(timezone.utc)
    start, end = (f"{now + timedelta(hours=hours):%Y-%m-%d %H:%M}" for hours in (distance, distance + 2))
    return {"title": "Final", "start": start, "end": end}


def test_the_next_two_weeks(repository: Path) -> None:
    night = {"title": "Night", "start": "2027-03-27 22:00", "end": "2027-03-28 05:00"}
    exams = [{"start": "2027-03-29 00:15", "end": "2027-03-29 01:00"}, night]
    change_calendar(repository, exams=exams, termEnds="2027-03-30")
    done = run_python(repository, PRINT)
    assert done.stdout == PRINTED, done.stdout + done.stderr
    assert run_deployer(repository, "calendar").stdout.count("  class: room on 4 nodes") == 2


def test_prod_rejects_deploys_during_an_exam(repository: Path) -> None:
    change_calendar(repository, timezone="UTC", exams=[write_exam(-4), write_exam(0), write_exam(24)])
    said = run_deployer(repository, "deploy", "--env=prod").stderr
    assert "prod: the exam 'Final' is from 20" in said and "`make deploy ENV=prod IN_EXAM=y`" in said
    # The next that stops both is the change above, which is not committed.
    for options in ("--env=prod", "--in-exam"), ("--env=staging",):
        assert "Commit or stash" in run_deployer(repository, "deploy", *options).stderr


def test_a_calendar_that_cannot_be_read(repository: Path) -> None:
    change_calendar(repository, exams=[{"start": "2027-02-30 09:00", "end": "2027-03-01 09:00"}])
    done = run_deployer(repository, "calendar")
    assert (done.returncode, done.stdout) == (1, "") and "Traceback" not in done.stderr
    assert done.stderr.startswith("course.calendar.exams: start: '2027-02-30 09:00' is not a date with a time of day. ")


def test_the_form_of_an_earlier_template(repository: Path) -> None:
    change_calendar(repository, classTimes=["mon 10:00-11:30"])
    said = run_deployer(repository, "calendar").stderr
    assert said == "course.calendar.classTimes: the key was replaced by classes. `make check` prints what to write\n"


def test_a_request_warns_of_exams_and_of_the_end_of_the_term(repository: Path, chart: Path) -> None:
    assert "### The next two weeks" not in run_deployer(repository, "impact", "--base=main").stdout
    end = datetime.now(timezone.utc) + timedelta(days=5)
    change_calendar(repository, timezone="UTC", exams=[write_exam(48)], termEnds=f"{end:%Y-%m-%d}")
    said = run_deployer(repository, "impact", "--base=main").stdout
    _, _, ahead = said.partition("### The next two weeks")
    assert "- The exam 'Final' is from 20" in ahead and "(days left: 5)" in ahead
    # What the hub's pod reads is a volume: an exam restarts nothing.
    assert "restarts" not in said and "exam-20" in said
