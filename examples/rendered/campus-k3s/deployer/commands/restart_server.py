"""Stop the server of a student and start it again. Files in the home are kept, variables in notebooks are lost."""

import argparse
import time
from collections.abc import Callable
from typing import Any

from deployer.cluster import hub_api, reasons, servers
from deployer.cluster.hub_api import Hub
from deployer.commands.options import add_student
from deployer.commands.progress import print_step
from deployer.errors import UserError

# Seconds for a server to stop, and to start: a new node and the pull of a large image take minutes.
STOP, START, POLL = 120, 660, 2


add_arguments = add_student


def run(arguments: argparse.Namespace) -> None:
    name = arguments.name
    with hub_api.connect(arguments.env) as hub:
        if find_server(hub, name):
            print_step(f"stopping the server of {name}")
            hub.stop_server(name)
            wait_for_stop(hub, name)
        print_step(f"starting the server of {name}")
        hub.start_server(name)
        wait_for_start(hub, name, lambda: find_reason(arguments.env, name))
    print_step(f"the server of {name} is ready")


def find_server(hub: Hub, name: str) -> dict[str, Any]:
    """Return what the hub says of a user's server; an empty mapping where there is none."""
    found: dict[str, Any] = (hub.read_user(name).get("servers") or {}).get("") or {}
    return found


def wait_for_stop(hub: Hub, name: str) -> None:
    """Wait until a server is gone."""
    end = time.monotonic() + STOP
    while find_server(hub, name):
        if time.monotonic() > end:
            raise UserError(f"the server of {name} does not stop within {STOP} seconds. Try again later")
        time.sleep(POLL)


def find_reason(env: str, name: str) -> str:
    """Return why a server has not started yet; an empty text where nothing is wrong, or its pod is not there."""
    pod = servers.find_pod(env, name)
    return reasons.explain_pod(pod, *servers.look_at(env, pod)) if pod else ""


def wait_for_start(hub: Hub, name: str, find_reason: Callable[[], str]) -> None:
    """Wait until a server is ready, and print what keeps it from that. Once the start has failed, the pod is gone."""
    end, seen = time.monotonic() + START, [""]
    while not (server := find_server(hub, name)).get("ready"):
        if not server or time.monotonic() > end:
            raise UserError(f"the server of {name} did not start. {seen[-1] or 'The log of the hub says why'}")
        if (reason := find_reason()) not in seen:
            print_step(reason)
            seen.append(reason)
        time.sleep(POLL)
