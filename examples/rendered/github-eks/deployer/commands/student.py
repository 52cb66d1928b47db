"""Print how the server of a student is: where it runs, what it uses, why it does not start, its last events and log."""

import argparse
import re
from datetime import datetime, timezone
from typing import Any

from deployer import redact, units
from deployer.cluster import diagnose, hub_api, reasons, servers
from deployer.commands.options import add_student

# How many are shown.
EVENTS = 10
# A log could steer the terminal. Tabs and ends of lines are kept.
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f-\x9f]")


add_arguments = add_student


def run(arguments: argparse.Namespace) -> None:
    env, name = arguments.env, arguments.name
    with hub_api.connect(env) as hub:
        user = hub.read_user(name)
    pod = servers.find_pod(env, name)
    lines = [describe_server(user), *(describe_pod(env, pod) if pod else describe_past(env, name))]
    text = redact.mask("\n".join(lines), diagnose.list_secret_values(env))
    print(CONTROL.sub("", text))


def describe_age(moment: str | None) -> str:
    """Return how long ago a moment was; 'never' where there was none."""
    return f"{units.format_age(moment, datetime.now(timezone.utc))} ago" if moment else "never"


def describe_server(user: dict[str, Any]) -> str:
    """Return what the hub says of a user's server."""
    server = (user.get("servers") or {}).get("")
    state = "no server"
    if server:
        state = "server ready" if server["ready"] else f"server not ready ({server.get('pending') or 'stopped'})"
    return f"{user['name']}: {state}, last active {describe_age(user.get('last_activity'))}"


def describe_past(env: str, name: str) -> list[str]:
    """Return the lines about a server that is not there: why its last start failed, and its events."""
    events = servers.list_events(env, servers.guess_pod_name(env, name))
    reason = reasons.explain_events(events)
    hint = f"It starts when the student signs in, or by `make restart-server ENV={env} NAME={name}`."
    return [f"PROBLEM  {reason}" if reason else hint, *list_event_lines(events)]


def describe_pod(env: str, pod: servers.Pod) -> list[str]:
    """Return the lines about the pod of a server."""
    name, status, state = pod["metadata"]["name"], pod["status"], servers.find_state(pod)
    start = status.get("startTime")
    usage, events, log = servers.look_at(env, pod)
    reason = reasons.explain_pod(pod, usage, events, log)
    return [
        *([f"PROBLEM  {reason}"] if reason else []),
        f"pod      {name}, {status['phase']}, {f'started {describe_age(start)}' if start else 'not started'}, "
        f"{units.format_count(state.get('restartCount', 0), 'restart')}",
        f"node     {pod['spec'].get('nodeName', 'none yet')}",
        *list_usage_lines(pod, usage, servers.read_all_memory(env).get(name, 0) if not usage else usage.memory),
        *list_event_lines(events),
        f"--- last {servers.LINES} lines of the log",
        log.rstrip() or "none",
    ]


def list_usage_lines(pod: servers.Pod, usage: servers.Usage | None, memory: int) -> list[str]:
    """Return the lines about memory and home. `memory` is 0 where it is not known."""
    home = "measured in a running server only, with the right to run `df` there (pods/exec)"
    if not servers.find_home(pod):
        home = "not kept when the server stops"
    elif usage:
        home = describe_home(usage)
    return [f"memory   {servers.describe_memory(memory, pod)}", f"home     {home}"]


def describe_home(usage: servers.Usage) -> str:
    """Return what a home uses, against its limit if it has one."""
    disk = f"{units.format_size(usage.home)} of {units.format_size(usage.home_size)} ({usage.home_percent} %)"
    if usage.has_limit:
        return disk
    files = "not known how much: counting its files takes too long"
    if usage.files is not None:
        files = units.format_bytes(usage.files)
    return f"{files}; its volume has no limit of its own, and of the disk that it shares {disk} are in use"


def list_event_lines(events: list[dict[str, Any]]) -> list[str]:
    """Return the last events."""
    lines = [
        f"{describe_age(diagnose.find_time(event) or None)}  {event.get('reason')}: {event.get('message')}"
        for event in events[-EVENTS:]
    ]
    return ["--- last events", *(lines or ["none: Kubernetes keeps them for an hour"])]
