"""Run a program of cluster/ with what config/hub.yaml says of the nodes: create, autoscale, fixed and so on."""

import argparse
import os
import re
import subprocess

from deployer import chart
from deployer.cluster import kubectl
from deployer.commands.options import require_typed_name
from deployer.errors import UserError
from deployer.marks import BLANK
from deployer.paths import CONFIG, ROOT, label
from deployer.process import find_tool, parse_json
from deployer.process import run as run_program
from deployer.yaml_files import find_value, read_mapping, read_text

FOLDER = ROOT / "cluster"
ACTIONS = ("create", "autoscale", "fixed", "pause", "resume", "delete")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("action", nargs="?", default="")


def read_settings() -> dict[str, str]:
    """Return what the programs read: where the cluster is, its name, the machines of the students, and how many."""
    places = dict(re.findall(r"^([A-Z_]+)=(.*)$", read_text(FOLDER / "where.sh"), flags=re.MULTILINE))
    for name, value in places.items():
        if BLANK in value:
            raise UserError(f"cluster/where.sh: {name} is still {value}: say where the cluster shall be")
    node = find_value(read_mapping(CONFIG / "hub.yaml"), "course", "node") or {}
    for key in ("machine", "max"):
        if not node.get(key):
            raise UserError(f"config/hub.yaml: course.node.{key} is missing, and the node pool is made from it")
    return {**places, "NAME": chart.read_name(), "MACHINE": str(node["machine"]), "MAX": str(node["max"])}


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    if arguments.action not in ACTIONS:
        listed = ", ".join(f"DO={action}" for action in ACTIONS)
        raise UserError(f"say what to do: {listed}; docs/cluster.md says what each does")
    program = FOLDER / f"{arguments.action}.sh"
    settings = read_settings()
    if arguments.action == "pause":
        require_all_paused()
    if arguments.action == "delete":
        require_no_volumes(settings["NAME"])
        require_typed_name(settings["NAME"])
    print(f"{label(program)} with {' '.join(f'{name}={value}' for name, value in settings.items())}", flush=True)
    if subprocess.run([program], cwd=ROOT, env={**os.environ, **settings}).returncode:
        raise UserError(f"{label(program)} stopped in the middle; it says above why")


def list_everywhere(*arguments: str) -> list[str]:
    """Return the namespaces and names of objects in the whole cluster. Raises UserError where it cannot be asked."""
    done = run_program(find_tool("kubectl"), "get", "--all-namespaces", "--output=json", *arguments)
    if done.returncode:
        raise kubectl.explain_unreachable(done)
    items = parse_json(done)["items"]
    return [
        f"{item['metadata']['namespace']}/{item['metadata']['name']}"
        for item in items
        if item["spec"].get("replicas") != 0
    ]


def require_all_paused() -> None:
    """Raise UserError where a hub runs in the cluster."""
    if awake := list_everywhere("deployments", "--selector=component=hub"):
        raise UserError(f"nothing was changed: hubs run in this cluster ({', '.join(awake)}). `make pause` each first")


def require_no_volumes(name: str) -> None:
    """Raise UserError where volumes are in the cluster: their disks would stay in the cloud, and cost money."""
    if volumes := list_everywhere("persistentvolumeclaims"):
        raise UserError(
            f"nothing was deleted: the cluster {name} has {len(volumes)} volumes ({', '.join(volumes[:5])}). Delete "
            "what they belong to first: `make destroy` for a hub"
        )
