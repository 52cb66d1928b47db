"""What is wrong in the cluster: pods that are not well, with their logs, and warnings. Without secrets."""

import base64
import re
from typing import Any

import yaml

from deployer import redact
from deployer.cluster import kubectl
from deployer.paths import FAKE_SECRETS
from deployer.yaml_files import list_leaves, read_mapping

# Warnings and lines of a log that are shown.
WARNINGS = 15
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
    for pod in kubectl.list_objects(env, "pods"):
        name, status = pod["metadata"]["name"], pod["status"]
        states = status.get("initContainerStatuses", []) + status.get("containerStatuses", [])
        failing = [state for state in states if not state.get("ready") and not is_completed(state)]
        if not failing and not (status["phase"] == "Pending" and not states):
            continue
        lines.append(f"--- pod {name}: {status['phase']}")
        for state in failing:
            why = state["state"].get("waiting") or state["state"].get("terminated") or {}
            lines.append(f"{state['name']}: {why.get('reason', 'not ready')} {why.get('message', '')}".rstrip())
            previous = ["--previous"] if state["restartCount"] else []
            log = kubectl.run_kubectl(env, "logs", name, "--container", state["name"], LINES, *previous)
            lines += list_distinct_lines(log.stdout)
    return lines


def list_distinct_lines(log: str) -> list[str]:
    """Return the lines of a log. One that differs from the last only in its numbers, such as the time, is left out."""
    lines: list[str] = []
    for line in log.splitlines():
        if not lines or re.sub(r"\d+", "", line) != re.sub(r"\d+", "", lines[-1]):
            lines.append(line)
    return lines


def is_completed(state: dict[str, Any]) -> bool:
    """Return whether a container has done its work."""
    return (state["state"].get("terminated") or {}).get("reason") == "Completed"


def find_time(event: dict[str, Any]) -> str:
    """Return when an event came the last time."""
    return str(event.get("lastTimestamp") or event.get("eventTime") or "")


def describe_warnings(env: str, since: str) -> list[str]:
    """Return the warnings since a moment. Of the same warning, its last time is enough."""
    events = kubectl.list_objects(env, "events", "--field-selector=type=Warning")
    latest: dict[tuple[str, str], dict[str, Any]] = {}
    for event in sorted(events, key=find_time):
        if find_time(event) >= since:
            key = (str(event["involvedObject"].get("name")), str(event.get("message")))
            latest.pop(key, None)
            latest[key] = event
    lines = [
        f"{event['involvedObject']['kind']} {name}: {event.get('reason')}: {message}"
        for (name, message), event in list(latest.items())[-WARNINGS:]
    ]
    return ["--- warnings", *lines] if lines else []


def describe(env: str, since: str) -> str:
    """Return what is wrong since a moment, as Kubernetes writes moments. No secrets are in it."""
    hidden = list_secret_values(env)
    lines = [line for line in [*describe_pods(env), *describe_warnings(env, since)] if line]
    return redact.mask("\n".join(lines), hidden) or "All pods are well, and there is no warning."
