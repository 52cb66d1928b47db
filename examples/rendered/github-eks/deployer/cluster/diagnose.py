"""What is wrong in the cluster: pods that are not well, with their logs, and warnings. Without secrets."""

import base64
import itertools
import re
from typing import Any

import yaml

from deployer import redact, units
from deployer.cluster import kubectl
from deployer.paths import FAKE_SECRETS
from deployer.yaml_files import list_leaves, read_mapping

# Events and lines of a log that are shown.
EVENTS = 15
LINES = "--tail=25"


def list_secret_values(env: str) -> list[str]:
    """Return what must not be printed: what the chart's Secrets hold in the cluster. Needs no key."""
    known: list[str] = []
    paths = [path for path, _ in list_leaves(read_mapping(FAKE_SECRETS).get("jupyterhub", {}))]
    for name in ("hub", "proxy", "image-pull-secret"):
        for key, encoded in (kubectl.read_object(env, "secret", name).get("data") or {}).items():
            text = base64.b64decode(encoded).decode(errors="replace")
            if key == "values.yaml":
                # All values of the hub; the secret ones are where chart/ci/fake-secrets.yaml has them.
                values = dict(list_leaves(yaml.safe_load(text)))
                known += [str(values[path]) for path in paths if path in values]
            else:
                known.append(text)
    return known


def describe_pods(env: str) -> list[str]:
    """Return the pods that are not well, with the reason and the end of their logs."""
    lines = []
    # The log of the robot student is printed already.
    for pod in kubectl.list_objects(env, "pods", "--selector=app.kubernetes.io/name!=robot-student"):
        states = list_states(pod)
        failing = [state for state in states if not state.get("ready") and not is_completed(state)]
        if failing or (pod["status"]["phase"] == "Pending" and not states):
            lines += describe_pod(env, pod, failing)
    return lines


def list_states(pod: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the states of a pod's containers."""
    status = pod["status"]
    return [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]


def describe_pod(env: str, pod: dict[str, Any], states: list[dict[str, Any]]) -> list[str]:
    """Return the state of a pod, and for each of these states of containers the reason and the end of the log."""
    name = pod["metadata"]["name"]
    lines = [f"--- pod {name}: {pod['status']['phase']}"]
    for state in states:
        lines += [f"{state['name']}: {describe_state(state)}", *list_distinct_lines(read_log(env, name, state))]
    return lines


def list_distinct_lines(log: str) -> list[str]:
    """Return the lines of a log. One that differs from the last only in its numbers, such as the time, is left out."""
    return [next(alike) for _, alike in itertools.groupby(log.splitlines(), lambda line: re.sub(r"\d+", "", line))]


def describe_state(state: dict[str, Any]) -> str:
    """Return a container's state in words, with how it ended before."""
    current, last = state["state"], state.get("lastState", {})
    if ended := current.get("terminated"):
        words = f"{ended.get('reason', 'ended')}, exit code {ended['exitCode']} {ended.get('message', '')}".rstrip()
    elif waiting := current.get("waiting"):
        words = f"{waiting.get('reason', 'waiting')} {waiting.get('message', '')}".rstrip()
    else:
        words = "running" if state.get("ready") else "running, not ready"
    if (before := last.get("terminated")) and not ended:
        words += f"; ended before: {before.get('reason', 'ended')}, exit code {before['exitCode']}"
    return words + (f"; {units.format_count(state['restartCount'], 'restart')}" if state["restartCount"] else "")


def read_log(env: str, pod: str, state: dict[str, Any]) -> str:
    """Return the end of a container's log: of the run before, if it was restarted."""
    command = ["logs", pod, "--container", state["name"], LINES]
    again = state["restartCount"] and "running" in state["state"]
    for options in [["--previous"], []] if again else [[]]:
        done = kubectl.run_kubectl(env, *command, *options)
        # The container may be gone: kubectl prints that where the log would be, and exits with 0.
        if done.returncode == 0 and done.stdout and not done.stdout.startswith("unable to retrieve container logs"):
            return done.stdout
    return ""


def is_completed(state: dict[str, Any]) -> bool:
    """Return whether a container has done its work."""
    return (state["state"].get("terminated") or {}).get("reason") == "Completed"


def find_time(event: dict[str, Any]) -> str:
    """Return when an event came the last time."""
    return str(event.get("lastTimestamp") or event.get("eventTime") or "")


def describe_events(env: str, since: str, selector: str, title: str) -> list[str]:
    """Return the events since a moment that a field selector finds. Of the same event, its last time is enough."""
    events = kubectl.list_objects(env, "events", f"--field-selector={selector}")
    latest: dict[tuple[str, str], dict[str, Any]] = {}
    for event in sorted(events, key=find_time):
        if find_time(event) >= since:
            key = (str(event["involvedObject"].get("name")), str(event.get("message")))
            latest.pop(key, None)
            latest[key] = event
    lines = [
        f"{event['involvedObject']['kind']} {name}: {event.get('reason')}: {message}"
        for (name, message), event in list(latest.items())[-EVENTS:]
    ]
    return [f"--- {title}", *lines] if lines else []


def describe(env: str, since: str) -> str:
    """Return what is wrong since a moment, as Kubernetes writes moments. No secrets are in it."""
    hidden = list_secret_values(env)
    lines = [line for line in [*describe_pods(env), *describe_events(env, since, "type=Warning", "warnings")] if line]
    return redact.mask("\n".join(lines), hidden) or "All pods are well, and there is no warning."
