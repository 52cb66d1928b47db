"""Deploys while a class meets or has an exam: its placeholders, Running or Pending, are neither waited for nor reset.

One placeholder fits on the node of the cluster, the others stay Pending. The tests go on from each other.
"""

import json
import time
from datetime import date, timedelta

import pytest

from students import CRASH, TIMEOUT, Student

TODAY = date.today()
# Over midnight too, whichever time zone the cluster's nodes are in.
CALENDAR = {
    "timezone": "UTC",
    "classes": [
        {"dates": [str(TODAY + timedelta(days=days)) for days in (-1, 0, 1)], "start": "00:00", "end": "23:59"}
    ],
    "termEnds": "",
}


@pytest.fixture(scope="module")
def env() -> str:
    """Only prod has a calendar."""
    return "prod"


def count_placeholders(repository) -> dict[str, int]:
    """The placeholders that are asked for, and those that run and wait."""
    deployment = json.loads(repository.kubectl("prod", "get", "deployment", "class-placeholder", "--output=json"))
    selector = "--selector=app.kubernetes.io/name=class-placeholder"
    pods = json.loads(repository.kubectl("prod", "get", "pods", selector, "--output=json"))["items"]
    phases = [pod["status"]["phase"] for pod in pods if "deletionTimestamp" not in pod["metadata"]]
    return {"replicas": deployment["spec"]["replicas"], **{one: phases.count(one) for one in ("Running", "Pending")}}


@pytest.fixture(scope="module")
def in_class(repository, address: str) -> Student:
    """A student in a class that meets now: its CronJob has run."""
    student = Student(address, "ada", repository.secret("prod"))
    student.tick(3600)
    job = repository.kubectl("prod", "get", "cronjobs", "--output=name").split()[0]
    repository.kubectl("prod", "create", "job", f"--from={job}", "now")
    repository.kubectl("prod", "wait", "job/now", "--for=condition=Complete", "--timeout=120s")
    end = time.monotonic() + 120
    while not all((found := count_placeholders(repository)).values()):
        assert time.monotonic() < end, found
        time.sleep(1)
    print(found)
    return student


def check_untouched(repository, student: Student, start: float, before: dict[str, int]) -> None:
    """The student and the number of placeholders are as before."""
    print(f"{time.monotonic() - start:.0f} s; before {before}, after {count_placeholders(repository)}")
    assert count_placeholders(repository) == before
    assert student.closed is None and student.gap(start) < 1


def test_a_first_deploy_in_class_hours(repository) -> None:
    repository.change({"course": {"calendar": CALENDAR}}, "The class meets now")
    assert "robot student: all checks passed" in repository.deploy("prod")


def test_a_deploy_does_not_wait_for_placeholders(repository, in_class) -> None:
    start, before = time.monotonic(), count_placeholders(repository)
    repository.change({"jupyterhub": {"cull": {"timeout": 1800, "every": 10}}}, "Stop idle servers after half an hour")
    assert "robot student: all checks passed" in repository.deploy("prod")
    check_untouched(repository, in_class, start, before)


def test_a_failed_deploy_is_rolled_back(repository, in_class) -> None:
    start, before = time.monotonic(), count_placeholders(repository)
    repository.change({"jupyterhub": {"hub": {"extraConfig": {"zz-broken": CRASH}}}}, "A broken authenticator")
    said = repository.deploy("prod", check=False)
    assert "is back at what revision" in said and "the robot student passes" in said
    repository.undo()
    check_untouched(repository, in_class, start, before)


def test_a_failed_deploy_leaves_the_class_times(repository, in_class) -> None:
    """It would have removed a CronJob, and failed before."""
    start, before = time.monotonic(), count_placeholders(repository)
    times = repository.kubectl("prod", "get", "cronjobs", "--output=name")
    moved = {**CALENDAR, "classes": [{**CALENDAR["classes"][0], "start": "00:01"}]}
    image = {"name": "registry.invalid/no/such-image", "tag": "1"}
    changes = {"course": {"calendar": moved}, "jupyterhub": {"singleuser": {"image": image}}}
    repository.change(changes, "Another time, and an image that does not exist")
    said = repository.deploy("prod", check=False)
    assert "is back at what revision" in said and "the robot student passes" in said
    assert repository.kubectl("prod", "get", "cronjobs", "--output=name") == times
    repository.undo()
    check_untouched(repository, in_class, start, before)


def test_a_rollback_by_hand(repository, in_class) -> None:
    start, before = time.monotonic(), count_placeholders(repository)
    done = repository.run_deployer("rollback", "--env=prod", f"--timeout={TIMEOUT}")
    assert "robot student: all checks passed" in done.stdout
    check_untouched(repository, in_class, start, before)


def test_another_node_reaches_the_placeholders_when_the_next_class_begins(repository, in_class) -> None:
    start, before = time.monotonic(), count_placeholders(repository)
    repository.change({"course": {"node": {"memory": "16G"}}}, "Larger nodes")
    assert "robot student: all checks passed" in repository.deploy("prod")
    check_untouched(repository, in_class, start, before)


def test_helm_by_hand(repository, in_class) -> None:
    start, before = time.monotonic(), count_placeholders(repository)
    name = f"{repository.name}-prod"
    repository.run(repository.environ["HELM"], "rollback", name, "--namespace", name, "--wait", f"--timeout={TIMEOUT}")
    check_untouched(repository, in_class, start, before)
    # The next test compares with what is committed.
    repository.deploy("prod")


def test_an_exam_rejects_deploys_and_stops_no_server_without_a_restart(repository, in_class) -> None:
    start, before = time.monotonic(), count_placeholders(repository)
    hub = repository.kubectl("prod", "get", "pods", "--selector=component=hub", "--output=name")
    exam = {"title": "Final", "start": f"{TODAY} 00:00", "end": f"{TODAY + timedelta(days=1)} 23:59"}
    repository.change({"course": {"calendar": {"exams": [exam]}}}, "An exam is on")
    said = repository.deploy("prod", check=False)
    assert "prod: the exam 'Final' is from" in said and "IN_EXAM=y" in said
    done = repository.run_deployer("deploy", "--env=prod", f"--timeout={TIMEOUT}", "--in-exam")
    assert "robot student: all checks passed" in done.stdout
    end = time.monotonic() + 180
    while "No idle server is stopped before" not in repository.kubectl("prod", "logs", "deployment/hub", "--since=30s"):
        assert time.monotonic() < end, "the culler does not see the exam"
        time.sleep(2)
    assert repository.kubectl("prod", "get", "pods", "--selector=component=hub", "--output=name") == hub
    assert "The exam 'Final' is from" in repository.run_deployer("status", "--env=prod").stdout
    check_untouched(repository, in_class, start, before)


def test_a_calendar_that_is_emptied_takes_the_placeholders_along(repository, in_class) -> None:
    repository.change({"course": {"calendar": {"classes": [], "exams": []}}}, "The term is over")
    repository.deploy("prod")
    end = time.monotonic() + 60
    while repository.kubectl("prod", "get", "deployment", "class-placeholder", "--ignore-not-found"):
        assert time.monotonic() < end, "the placeholders are still there"
        time.sleep(1)
    assert in_class.closed is None
