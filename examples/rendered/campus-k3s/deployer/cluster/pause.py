"""A hub that is paused: its pods are at zero, and what is needed to bring them back is in a ConfigMap.

Helm's release stays as it is, and so do the volumes and the Services with the address of a load balancer.
"""

import json
from typing import Any

from deployer import chart
from deployer.cluster import kubectl
from deployer.cluster.lease import describe_self
from deployer.errors import UserError

NAME = "paused"
# The calendar's CronJobs say how many there are.
PLACEHOLDER = "deployment/class-placeholder"
# The kinds that have pods, stopped by a number of pods, by a label that no node has, and by a switch of their own.
SCALED, ON_NODES, TIMED = ("Deployment", "StatefulSet"), "DaemonSet", "CronJob"
NOWHERE = "z2jh.paused"
# What answers meanwhile (paused_page.py), and what terminates TLS in front of it where the chart does.
PAGE = "paused-page"
ENTRANCE = "deployment/autohttps"


def read_pause(env: str) -> dict[str, str]:
    """Return who paused the hub, since when, and what it had; an empty mapping where it is not paused."""
    return dict(kubectl.read_object(env, "configmap", NAME).get("data") or {})


def describe_pause(env: str) -> str:
    """Return the sentence that says since when the hub is paused; an empty text where it is not."""
    found = read_pause(env)
    return f"{chart.name_release(env)} has been paused since {found['since']}, by {found['by']}" if found else ""


def require_awake(env: str) -> None:
    """Raise UserError where the hub is paused."""
    if said := describe_pause(env):
        raise UserError(f"nothing was changed: {said}. Wake it first: `make resume ENV={env}`")


def run_checked(env: str, *arguments: str, text: str | None = None) -> None:
    """Run kubectl. Raises UserError where it fails."""
    done = kubectl.run_kubectl(env, *arguments, text=text)
    if done.returncode:
        raise UserError(f"kubectl {' '.join(arguments[:3])}: {done.stderr.strip()}. Run the same command again")


def list_replicas(env: str) -> dict[str, int]:
    """Return the numbers of pods of the workloads that have any."""
    items = kubectl.list_objects(env, ",".join(SCALED))
    found = {f"{item['kind'].lower()}/{item['metadata']['name']}": item["spec"]["replicas"] for item in items}
    return {name: number for name, number in found.items() if number}


def record_pause(env: str) -> None:
    """Write down what runs, unless an interrupted pause has done so."""
    if read_pause(env):
        return
    replicas = {name: number for name, number in list_replicas(env).items() if name != PLACEHOLDER}
    jobs = [item["metadata"]["name"] for item in kubectl.list_objects(env, TIMED) if not item["spec"]["suspend"]]
    data = {"since": kubectl.now(), "by": describe_self()}
    data |= {"replicas": json.dumps(replicas), "jobs": json.dumps(jobs)}
    config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": NAME}, "data": data}
    run_checked(env, "create", "--filename=-", text=json.dumps(config_map))


def suspend_jobs(env: str, names: list[str], suspended: bool) -> None:
    """Suspend CronJobs, or let them run. One that a deploy has removed meanwhile is left out."""
    present = {item["metadata"]["name"] for item in kubectl.list_objects(env, TIMED)}
    patch = json.dumps({"spec": {"suspend": suspended}})
    for name in names:
        if name in present:
            run_checked(env, "patch", "cronjob", name, f"--patch={patch}")


def move_daemons(env: str, label: str | None) -> None:
    """Let the pods that each node has, as the image puller does, run on nodes with a label only; with None, on all."""
    patch = json.dumps({"spec": {"template": {"spec": {"nodeSelector": {NOWHERE: label}}}}})
    for item in kubectl.list_objects(env, ON_NODES):
        run_checked(env, "patch", ON_NODES, item["metadata"]["name"], "--type=merge", f"--patch={patch}")


def stop_hub(env: str, with_page: bool) -> None:
    """Stop the calendar, the hub, the students' servers, and everything else of the release, in this order.

    With a page for visitors, what terminates TLS goes on.
    """
    suspend_jobs(env, json.loads(read_pause(env)["jobs"]), suspended=True)
    kept = {f"deployment/{PAGE}", ENTRANCE} if with_page else set()
    for name in sorted(list_replicas(env).keys() - kept, key=lambda name: name != "deployment/hub"):
        run_checked(env, "scale", name, "--replicas=0")
    move_daemons(env, "true")
    run_checked(env, "delete", "pods", "--selector=component=singleuser-server", "--wait=true")


def start_hub(env: str) -> None:
    """Bring back what ran before the pause, and forget the pause."""
    found = read_pause(env)
    run_checked(env, "delete", "deployment", PAGE, "--ignore-not-found")
    for name, number in json.loads(found["replicas"]).items():
        run_checked(env, "scale", name, f"--replicas={number}")
        disown_replicas(env, name)
    move_daemons(env, None)
    suspend_jobs(env, json.loads(found["jobs"]), suspended=False)
    run_checked(env, "delete", "configmap", NAME)


def disown_replicas(env: str, name: str) -> None:
    """Forget that `kubectl scale` set the number of pods: Helm 4 does not change a field that another manager owns."""
    fields: list[dict[str, Any]] = kubectl.read_object(env, name, "--show-managed-fields")["metadata"]["managedFields"]
    kept = [entry for entry in fields if entry.get("subresource") != "scale"]
    patch = [{"op": "replace", "path": "/metadata/managedFields", "value": kept}]
    run_checked(env, "patch", name, "--type=json", f"--patch={json.dumps(patch)}")


def list_awaited(env: str) -> list[str]:
    """Return what must be ready before the hub works. Placeholders stay Pending where no node is there for them."""
    return [name for name in list_replicas(env) if name.startswith("deployment/") and name != PLACEHOLDER]
