"""The robot student: the Helm test that uses the hub as a student does."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from deployer import chart, redact, values
from deployer.cluster import diagnose, kubectl, release
from deployer.yaml_files import find_value

# Longer than the robot's own deadline.
TIMEOUT = "--timeout=35m"
# Seconds between two looks at the pod of its server.
INTERVAL = 2.0


def send(env: str) -> tuple[bool, str]:
    """Send the robot student. Return whether it passed, and its log; with its server's pod, if the server failed."""
    since = kubectl.now()
    with watch_server(env) as seen:
        done = release.run_helm(env, "test", chart.name_release(env), TIMEOUT)
    said = kubectl.run_kubectl(env, "logs", "robot-student").stdout or done.stderr
    if done.returncode and seen and re.search(r"^FAILED .* s  (spawn|cell|restart):", said, re.M):
        said += describe_server(env, list(seen.values())[-1], since)
    return done.returncode == 0, said


@dataclass(frozen=True)
class Snapshot:
    """A pod as it was seen the last time: its name, the states of its containers, and the ends of their logs."""

    name: str
    lines: list[str]
    has_log: bool


@contextmanager
def watch_server(env: str) -> Iterator[dict[str, Snapshot]]:
    """Keep what is seen of the test user's pods, by uid: the hub deletes a pod whose server does not come up."""
    user = find_value(values.read_values(env), "robotStudent", "user")
    selector = f"--selector=component=singleuser-server,hub.jupyter.org/username={user}"
    seen: dict[str, Snapshot] = {}
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(INTERVAL):
            for pod in kubectl.list_objects(env, "pods", selector):
                # A pod on its way out shows only how the hub stopped it.
                if not pod["metadata"].get("deletionTimestamp"):
                    keep_snapshot(env, pod, seen)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield seen
    finally:
        stop.set()
        watcher.join(30)


def keep_snapshot(env: str, pod: dict[str, Any], seen: dict[str, Snapshot]) -> None:
    """Keep the state and the log of a pod, unless the log went away since the last time: the hub deletes the pod."""
    states = diagnose.list_states(pod)
    lines = [line for line in diagnose.describe_pod(env, pod, states) if line]
    snapshot = Snapshot(pod["metadata"]["name"], lines, has_log=len(lines) > 1 + len(states))
    uid = pod["metadata"]["uid"]
    if snapshot.has_log or uid not in seen or not seen[uid].has_log:
        seen[uid] = snapshot


def describe_server(env: str, snapshot: Snapshot, since: str) -> str:
    """Return what was seen of a pod, and its events, which outlive it. No secrets are in it."""
    selector = f"involvedObject.name={snapshot.name}"
    lines = snapshot.lines + diagnose.describe_events(env, since, selector, f"events of {snapshot.name}")
    return redact.mask("\n".join(line.rstrip() for line in lines), diagnose.list_secret_values(env)) + "\n"
