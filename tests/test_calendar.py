"""The calendar: room for the whole class before it comes, in prod only, and none after the term."""

import importlib.util
import json
from datetime import datetime
from types import ModuleType
from zoneinfo import ZoneInfo

import kubernetes_validate
import pytest
import yaml

from repositories import objects, render

BERLIN = ZoneInfo("Europe/Berlin")
CALENDAR = {
    "timezone": "Europe/Berlin",
    "classes": [
        {"days": ["mon", "thu"], "start": "10:00", "end": "11:30"},
        {"days": ["mon"], "start": "11:30", "end": "13:00"},
        {"days": ["wed"], "start": "00:10", "end": "01:30"},
        {"dates": ["2098-12-19"], "start": "09:00", "end": "12:00"},
    ],
    "termEnds": "2098-12-19",
    "nodes": 4,
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
def placeholders(bake) -> ModuleType:
    """The program of the CronJobs."""
    file = bake() / "chart" / "files" / "class_placeholders.py"
    spec = importlib.util.spec_from_file_location("class_placeholders", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("now", "nodes"),
    [
        ("2098-12-15 09:29", 0),
        ("2098-12-15 09:30", 4),
        ("2098-12-15 11:30", 4),  # the next class begins
        ("2098-12-15 13:00", 0),
        ("2098-12-16 23:39", 0),
        ("2098-12-16 23:40", 4),  # for the class just after midnight
        ("2098-12-17 01:30", 0),
        ("2098-12-19 08:30", 4),  # an exam, on the last day
        ("2098-12-22 10:00", 0),  # the term is over
    ],
)
def test_nodes_at_a_time(placeholders, now, nodes):
    local = datetime.fromisoformat(now).replace(tzinfo=BERLIN)
    assert placeholders.wanted(CALENDAR, local.astimezone(ZoneInfo("UTC"))) == nodes


def test_classes_without_an_end(placeholders):
    now = datetime(2098, 12, 22, 10, 0, tzinfo=BERLIN)
    assert placeholders.wanted(CALENDAR | {"termEnds": ""}, now) == 4


def test_cron_jobs_of_prod(edited):
    repository = edited(class_times="mon 10:00-11:30", timezone="Europe/Berlin", platform="gke")
    write_calendar(repository, **{key: CALENDAR[key] for key in ("timezone", "classes", "termEnds")})
    found = objects(render(repository, "prod"))
    jobs = by_name(found, "CronJob")
    assert {name: job["spec"]["schedule"] for name, job in jobs.items()} == {
        "class-mon-thu-1000-1130-start": "30 9 * * 1,4",
        "class-mon-thu-1000-1130-end": "30 11 * * 1,4",
        "class-mon-1130-1300-start": "0 11 * * 1",
        "class-mon-1130-1300-end": "0 13 * * 1",
        "class-wed-0010-0130-start": "40 23 * * 2",
        "class-wed-0010-0130-end": "30 1 * * 3",
        "class-2098-12-19-0900-1200-start": "30 8 19 12 *",
        "class-2098-12-19-0900-1200-end": "0 12 19 12 *",
    }
    for job in jobs.values():
        assert job["spec"]["timeZone"] == "Europe/Berlin"
        pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
        (calendar,) = [item["value"] for item in pod["containers"][0]["env"] if item["name"] == "CALENDAR"]
        assert json.loads(calendar)["classes"] == CALENDAR["classes"]
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
    write_calendar(
        repository, timezone="UTC", classes=[{"dates": ["2098-03-01"], "start": "00:00", "end": "01:00"}], termEnds=""
    )
    jobs = by_name(objects(render(repository, "prod")), "CronJob")
    assert jobs["class-2098-03-01-0000-0100-start"]["spec"]["schedule"] == "30 23 28 2 *"


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
