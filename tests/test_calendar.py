"""The calendar: room for the whole class before it comes, in prod only, and none after the term."""

import json
import runpy
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import kubernetes_validate
import pytest
import yaml

from repositories import TEMPLATE, objects, render

UTC = timezone.utc
BERLIN = ZoneInfo("Europe/Berlin")
CALENDAR = {
    "timezone": "Europe/Berlin",
    "classes": [
        {"days": ["mon", "thu"], "start": "10:00", "end": "11:30"},
        {"days": ["mon"], "start": "11:30", "end": "13:00"},
        {"days": ["wed"], "start": "00:10", "end": "01:30"},
        {"dates": ["2098-12-12"], "start": "09:00", "end": "12:00"},
    ],
    "exams": [{"title": "Final", "start": "2098-12-19 09:00", "end": "2098-12-20 12:00"}],
    "termEnds": "2098-12-20",
    "before": 30,
}


def write_calendar(repository, **calendar: object) -> None:
    """Set course.calendar in config/hub.yaml."""
    file = repository / "config" / "hub.yaml"
    values = yaml.safe_load(file.read_text(encoding="utf-8"))
    values["course"]["calendar"] = calendar
    file.write_text(yaml.safe_dump(values), encoding="utf-8")


def by_name(found: list[dict], kind: str) -> dict[str, dict]:
    return {item["metadata"]["name"]: item for item in found if item["kind"] == kind}


def described(found: list[dict]) -> dict:
    """The Deployment of placeholders that the CronJobs apply."""
    return json.loads(by_name(found, "ConfigMap")["class-calendar"]["data"]["placeholder.json"])


@pytest.fixture(scope="module")
def program(bake) -> SimpleNamespace:
    """What the CronJobs, the culler and the commands use."""
    return SimpleNamespace(**runpy.run_path(str(bake() / "chart/files/course_calendar.py"), run_name="course_calendar"))


@pytest.mark.parametrize(
    ("now", "needed"),
    [
        ("2098-12-15 09:29", False),
        ("2098-12-15 09:30", True),
        ("2098-12-15 11:30", True),  # the next class begins
        ("2098-12-15 13:00", False),
        ("2098-12-16 23:39", False),
        ("2098-12-16 23:40", True),  # for the class just after midnight
        ("2098-12-17 01:30", False),
        ("2098-12-12 11:59", True),
        ("2098-12-19 08:30", True),  # an exam of two days
        ("2098-12-20 11:59", True),
        ("2098-12-20 12:00", False),
        ("2098-12-22 10:00", False),  # the term is over
    ],
)
def test_nodes_at_a_time(program, now, needed):
    local = datetime.fromisoformat(now).replace(tzinfo=BERLIN)
    assert program.needs_nodes(CALENDAR, local.astimezone(UTC)) is needed
    assert bool(program.find_exams(CALENDAR, local.astimezone(UTC))) is (needed and now > "2098-12-19")


def test_classes_without_an_end(program):
    now = datetime(2098, 12, 22, 10, 0, tzinfo=BERLIN)
    assert program.needs_nodes(CALENDAR | {"termEnds": ""}, now)


HOURS = [{"days": ["sun"], "start": f"{hour:02}:15", "end": f"{hour:02}:45"} for hour in range(24)]
HALF_HOUR = timedelta(minutes=30)


def read_firings() -> dict[tuple[str, str], dict[str, list[datetime]]]:
    """Return when Kubernetes runs each schedule, by time zone and day; see data/cron/main.go."""
    found: dict[tuple[str, str], dict[str, list[datetime]]] = {}
    for line in (TEMPLATE / "tests/data/cron/firings.txt").read_text("utf-8").splitlines():
        schedule, zone, day, times = line.split("|")
        moments = [datetime.fromisoformat(time).replace(tzinfo=UTC) for time in times.split()]
        found.setdefault((zone, day), {})[schedule] = moments
    return found


FIRINGS = read_firings()


@pytest.fixture(scope="module")
def schedules(bake) -> list[tuple[str, str]]:
    """The schedules of the start and the end of a class in each hour of a Sunday."""
    times = ", ".join(f"sun {one['start']}-{one['end']}" for one in HOURS)
    jobs = by_name(objects(render(bake(class_times=times), "prod")), "CronJob")
    found = {name: job["spec"]["schedule"] for name, job in jobs.items()}
    names = [f"class-sun-{one['start']}-{one['end']}".replace(":", "") for one in HOURS]
    return [(found[f"{name}-start"], found[f"{name}-end"]) for name in names]


@pytest.mark.parametrize(("zone", "day"), FIRINGS, ids=lambda text: text)
def test_the_placeholders_follow_the_calendar_when_the_clocks_change(program, schedules, zone, day):
    """What the last run of a CronJob has left is at any time what the calendar says, for a class in any hour."""
    quarter_past = datetime.fromisoformat(f"{day} 00:15").replace(tzinfo=UTC)
    for lecture, pair in zip(HOURS, schedules, strict=True):
        calendar = {"timezone": zone, "classes": [lecture], "exams": [], "termEnds": "", "before": 30}
        runs = {run: program.needs_nodes(calendar, run) for schedule in pair for run in FIRINGS[zone, day][schedule]}
        ready, left = timedelta(), False
        for step in range(-30, 62):
            now = quarter_past + step * HALF_HOUR
            left = runs.get(now, left)
            assert left is program.needs_nodes(calendar, now), (lecture, now)
            ready += left * HALF_HOUR
        # A class in an hour that comes twice has its nodes in both.
        assert timedelta(hours=1) <= ready <= timedelta(hours=2), lecture


def test_cron_jobs_of_prod(edited):
    repository = edited(class_times="mon 10:00-11:30", timezone="Europe/Berlin", platform="gke")
    write_calendar(repository, **{key: CALENDAR[key] for key in ("timezone", "classes", "exams", "termEnds")})
    found = objects(render(repository, "prod"))
    jobs = by_name(found, "CronJob")
    assert {name: job["spec"]["schedule"] for name, job in jobs.items()} == {
        "class-mon-thu-1000-1130-start": "30 9 * * 1,4",
        "class-mon-thu-1000-1130-end": "30 11 * * 1,4",
        "class-mon-1130-1300-start": "0 11 * * 1",
        "class-mon-1130-1300-end": "0 13 * * 1",
        "class-wed-0010-0130-start": "40 23 * * 2",
        "class-wed-0010-0130-end": "30 0-2 * * 3",
        "class-2098-12-12-0900-1200-start": "30 8 12 12 *",
        "class-2098-12-12-0900-1200-end": "0 12 12 12 *",
        "exam-2098-12-19-0900-start": "30 8 19 12 *",
        "exam-2098-12-20-1200-end": "0 12 20 12 *",
    }
    for job in jobs.values():
        assert job["spec"]["timeZone"] == "Europe/Berlin"
        pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
        environment = {item["name"]: item["value"] for item in pod["containers"][0]["env"]}
        assert json.loads(environment["CALENDAR"]) == CALENDAR
        assert environment["NODES"] == "2"
        kubernetes_validate.validate(job, "1.34", strict=True)
    (role,) = [item for item in found if item["kind"] == "Role" and item["metadata"]["name"] == "class-calendar"]
    assert role["rules"] == [
        {
            "apiGroups": ["apps"],
            "resources": ["deployments"],
            "resourceNames": ["class-placeholder"],
            "verbs": ["create", "patch"],
        },
        {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["class-calendar"], "verbs": ["get"]},
    ]


def test_class_after_midnight_on_a_day(edited):
    repository = edited(class_times="mon 10:00-11:30")
    late = [{"dates": ["2098-03-01"], "start": time, "end": "02:00"} for time in ("00:00", "00:30")]
    write_calendar(repository, timezone="UTC", classes=late, termEnds="")
    jobs = by_name(objects(render(repository, "prod")), "CronJob")
    assert jobs["class-2098-03-01-0000-0200-start"]["spec"]["schedule"] == "30 23 28 2 *"
    assert jobs["class-2098-03-01-0030-0200-start"]["spec"]["schedule"] == "0 23,0-1 1,28 3,2 *"


def test_placeholder_fills_a_node(bake):
    found = objects(render(bake(class_times="mon 10:00-11:30", platform="gke"), "prod"))
    placeholder = described(found)
    kubernetes_validate.validate(placeholder, "1.34", strict=True)
    # Helm neither waits for it nor resets it: the CronJobs own the object and its number.
    assert "class-placeholder" not in {item["metadata"]["name"] for item in found}
    assert "replicas" not in placeholder["spec"]
    pod = placeholder["spec"]["template"]["spec"]
    node = yaml.safe_load((bake(class_times="mon 10:00-11:30", platform="gke") / "config/hub.yaml").read_text())[
        "course"
    ]["node"]
    room = (int(node["memory"][:-1]) - int(node["reserved"][:-1])) * 2**30
    assert pod["containers"][0]["resources"]["requests"] == {"memory": str(room)}


def test_placeholder_makes_room(bake, chart):
    found = objects(render(bake(class_times="mon 10:00-11:30", platform="gke"), "prod"))
    pod = described(found)["spec"]["template"]["spec"]
    priority = by_name(found, "PriorityClass")[pod["priorityClassName"]]
    assert priority["value"] < 0


@pytest.mark.parametrize(("env", "answers"), [("staging", {"class_times": "mon 10:00-11:30"}), ("prod", {})])
def test_no_calendar_in_staging_or_without_classes(bake, env, answers):
    found = objects(render(bake(**answers), env))
    assert by_name(found, "CronJob") == {}
    assert "class-calendar" not in by_name(found, "ConfigMap")


@pytest.mark.parametrize("platform", ["any", "gke", "k3s"])
def test_one_edit_brings_a_calendar_to_a_hub_without_class_times(edited, chart, platform):
    repository = edited(platform=platform)
    write_calendar(
        repository, timezone="UTC", classes=[{"days": ["mon"], "start": "10:00", "end": "11:30"}], termEnds=""
    )
    found = objects(render(repository, "prod"))
    assert described(found)["spec"]["template"]["spec"]["priorityClassName"] in by_name(found, "PriorityClass")
