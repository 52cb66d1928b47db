"""Print what runs in an environment, which commit it is, what ran before, and which students are there."""

import argparse
from datetime import datetime, timezone
from typing import Any

from deployer import chart, git, timetable, units, values
from deployer.cluster import backup, kubectl, pause, release
from deployer.cluster.release import Revision
from deployer.cluster.servers import read_owner
from deployer.commands.options import add_environment
from deployer.errors import UserError

ROBOT_RESULTS = {"Succeeded": "robot passed", "Failed": "robot failed", "": "robot not run"}


add_arguments = add_environment


def run(arguments: argparse.Namespace) -> None:
    env = arguments.env
    kubectl.require_access(env)
    kept = release.list_revisions(env)
    if not kept:
        print(f"{chart.name_release(env)}: nothing is deployed; `make deploy ENV={env}` does it")
        return
    newest = kept[-1]
    print(
        f"{chart.name_release(env)}: revision {newest.number} is {newest.state}, {git.describe_commit(newest.commit)}, "
        f"chart {release.read_running_chart_version(env)}"
    )
    if said := pause.describe_pause(env):
        print(f"PAUSED: {said}. `make resume ENV={env}` wakes it.")
    if newest.commit and (head := git.find_head()) != newest.commit:
        print(f"This checkout is at another commit: {git.describe_commit(head)}")
    for pod in kubectl.list_objects(env, "pods", "--selector=component!=singleuser-server"):
        print(describe_pod(pod))
    servers = kubectl.list_servers(env)
    print(f"Servers of {units.format_count(len(servers), 'student')}:" if servers else "No student has a server.")
    for pod in servers:
        print(describe_server(pod))
    for line in backup.describe_backup(env, datetime.now(timezone.utc)):
        print(line)
    if env == "prod":
        print_ahead(env)
    print("Revisions, oldest first:")
    for revision in kept:
        print(describe_revision(revision, revision is newest, release.read_robot_result(env, revision.number)))


def print_ahead(env: str) -> None:
    """Print exams and the end of the term in the next two weeks. A mistake in the calendar does not hide what runs."""
    try:
        for line in timetable.describe_ahead(values.read_values(env), datetime.now(timezone.utc)):
            print(line)
    except UserError as error:
        print(error)


def describe_pod(pod: dict[str, Any]) -> str:
    """Return a line about a pod of the hub."""
    states = pod["status"].get("containerStatuses", [])
    restarts = sum(state["restartCount"] for state in states)
    health = "ready" if states and all(state.get("ready") for state in states) else pod["status"]["phase"]
    return f"  {pod['metadata']['name']:40} {health:10} restarts {restarts}"


def describe_server(pod: dict[str, Any]) -> str:
    """Return a line about a student's server."""
    metadata = pod["metadata"]
    return f"  {read_owner(pod)[0]:40} {pod['status']['phase']:10} since {metadata['creationTimestamp']}"


def describe_revision(revision: Revision, is_newest: bool, robot_result: str) -> str:
    """Return a line about a revision. One that is pending, and not the newest, was interrupted."""
    state = "interrupted" if revision.is_pending and not is_newest else revision.state
    made = revision.made.astimezone().strftime("%Y-%m-%d %H:%M")
    # Helm hands the result of the revision before on to one that was interrupted.
    said = ROBOT_RESULTS.get("" if revision.is_pending else robot_result, ROBOT_RESULTS[""])
    return f"  {revision.number:4}  {made}  {state:16} {said:14} {git.describe_commit(revision.commit)}"
