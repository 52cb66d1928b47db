"""Run a program of cluster/ with what config/hub.yaml says of the nodes: create, autoscale or fixed."""

import argparse
import os
import re
import subprocess

from deployer import chart
from deployer.errors import UserError
from deployer.marks import BLANK
from deployer.paths import CONFIG, ROOT, label
from deployer.yaml_files import find_value, read_mapping, read_text

FOLDER = ROOT / "cluster"
ACTIONS = ("create", "autoscale", "fixed")


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
        raise UserError("say DO=create, DO=autoscale or DO=fixed; docs/cluster.md says what each does")
    program = FOLDER / f"{arguments.action}.sh"
    settings = read_settings()
    print(f"{label(program)} with {' '.join(f'{name}={value}' for name, value in settings.items())}", flush=True)
    if subprocess.run([program], cwd=ROOT, env={**os.environ, **settings}).returncode:
        raise UserError(f"{label(program)} stopped in the middle; it says above why")
