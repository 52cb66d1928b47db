"""Run a program of cluster/ with what the repository says of the cluster: create, autoscale, fixed and so on."""

import argparse
import os
import re
import subprocess

from deployer import chart, units
from deployer.cluster import kubectl
from deployer.cluster.location import FOLDER, find_other_cluster, read_location
from deployer.commands.options import require_typed_name
from deployer.course import SHARED_POOL, read_pool
from deployer.errors import UserError
from deployer.paths import CONFIG, ROOT, label
from deployer.process import find_tool, parse_json
from deployer.process import run as run_program
from deployer.yaml_files import find_value, read_mapping

ACTIONS = ("create", "autoscale", "fixed", "pause", "resume", "delete")
# The shortest of what the clouds allow: AKS has 12 letters and digits.
POOL = re.compile(r"[a-z][a-z0-9]{0,11}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", nargs="?", default="")


def read_settings() -> dict[str, str]:
    """Return what the programs read: the cluster, the pool of the students, its machines, and how many."""
    location = read_location()
    values = read_mapping(CONFIG / "hub.yaml")
    node, pool = find_value(values, "course", "node") or {}, read_pool(values)
    for key in ("machine", "max"):
        if not node.get(key):
            raise UserError(f"config/hub.yaml: course.node.{key} is missing, and the node pool is made from it")
    if not POOL.fullmatch(pool):
        raise UserError(
            f"config/hub.yaml: jupyterhub.singleuser.nodeSelector: the pool '{pool}' is not a name that every cloud "
            "takes. Write at most 12 lower-case letters and digits, a letter first"
        )
    # The value of the taint. The chart tolerates `user`; config/hub.yaml says what a hub with a pool of its own does.
    dedicated = "user" if pool == SHARED_POOL else pool
    sizes = {"MACHINE": str(node["machine"]), "MAX": str(node["max"])}
    return {**location, "POOL": pool, "DEDICATED": dedicated, **sizes}


def run(arguments: argparse.Namespace) -> None:
    if arguments.action not in ACTIONS:
        listed = ", ".join(f"DO={action}" for action in ACTIONS)
        raise UserError(f"DO: '{arguments.action}' is not an action. Write {listed}; see docs/cluster.md")
    program = FOLDER / f"{arguments.action}.sh"
    settings = read_settings()
    cluster = settings["CLUSTER"]
    if arguments.action == "pause":
        require_context(cluster)
        require_all_paused()
    if arguments.action == "delete":
        require_own_cluster()
        require_context(cluster)
        require_empty(cluster)
        require_typed_name(cluster)
    print(f"{label(program)} with {' '.join(f'{name}={value}' for name, value in settings.items())}", flush=True)
    if subprocess.run([program], cwd=ROOT, env={**os.environ, **settings}).returncode:
        raise UserError(f"{label(program)} stopped in the middle; it says above why")


def require_own_cluster() -> None:
    """Raise UserError where the cluster has another name than the hub: it is not this hub's to delete."""
    if other := find_other_cluster():
        raise UserError(
            f"nothing was deleted: the cluster {other} is not this hub's alone ({chart.read_name()}), by CLUSTER in "
            "cluster/where.sh. When no hub needs it, run the command that cluster/delete.sh has"
        )


def require_context(cluster: str) -> None:
    """Raise UserError where kubectl asks another cluster: its hubs and volumes would say nothing about this one."""
    view = ("config", "view", "--minify", "--output=jsonpath={.contexts[0].context.cluster}")
    done = run_program(find_tool("kubectl"), *view)
    # gcloud, az, aws and eksctl have the name of the cluster in that of its entry, between other words.
    if not re.search(rf"(?<![a-z0-9-]){re.escape(cluster)}(?![a-z0-9-])", done.stdout):
        raise UserError(
            f"nothing was changed: kubectl asks '{done.stdout.strip()}', and the cluster of this hub is {cluster}. "
            "Choose its context: `kubectl config get-contexts`, `kubectl config use-context NAME`"
        )


def list_everywhere(*arguments: str) -> dict[str, bool]:
    """Return the objects in the whole cluster, NAMESPACE/NAME, and whether each has pods.

    Raises UserError where the cluster does not answer.
    """
    done = run_program(find_tool("kubectl"), "get", "--all-namespaces", "--output=json", *arguments)
    if done.returncode:
        raise kubectl.explain_unreachable(done)
    return {
        f"{item['metadata']['namespace']}/{item['metadata']['name']}": item["spec"].get("replicas") != 0
        for item in parse_json(done)["items"]
    }


def list_hubs() -> dict[str, bool]:
    """Return the hubs in the cluster, and whether each runs."""
    return list_everywhere("deployments", "--selector=component=hub")


def require_all_paused() -> None:
    """Raise UserError where a hub runs in the cluster."""
    if awake := [name for name, runs in list_hubs().items() if runs]:
        raise UserError(
            f"nothing was changed: hubs run in this cluster ({', '.join(awake)}). `make pause ENV=…` each first"
        )


def require_empty(cluster: str) -> None:
    """Raise UserError where hubs or volumes are in the cluster: disks would stay in the cloud, and cost money."""
    if hubs := list_hubs():
        raise UserError(
            f"nothing was deleted: hubs are in the cluster {cluster} ({', '.join(hubs)}), paused or not. "
            "`make destroy ENV=…` each first"
        )
    if volumes := list(list_everywhere("persistentvolumeclaims")):
        raise UserError(
            f"nothing was deleted: the cluster {cluster} has {units.format_count(len(volumes), 'volume')} "
            f"({', '.join(volumes[:5])}). Delete "
            "what they belong to first: `make destroy ENV=…` for a hub"
        )
