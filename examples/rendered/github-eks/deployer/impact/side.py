"""One environment of one commit, as its own `render` command gives it."""

import base64
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from deployer.course import Course, parse_course
from deployer.errors import UserError
from deployer.paths import ROOT, find_environments
from deployer.yaml_files import find_value, join_keys, list_leaves, read_objects

# Commits from before deployer/ are rendered by their scripts/, which print both environments at once.
RENDER_BY_SCRIPTS = """
import json, sys, check, hub
hub.build_dependency()
rendered = {env: {"manifests": check.render(env, hub.CHART), "values": hub.values(env)} for env in hub.ENVIRONMENTS}
json.dump(rendered, sys.stdout, default=str)
"""


class Side:
    """The objects of an environment, its values, and those that its hub reads."""

    def __init__(self, objects: list[dict[str, Any]], values: Mapping[str, Any]) -> None:
        self.objects = {(item["kind"], item["metadata"]["name"]): item for item in objects}
        self.values = values
        data = self.objects["Secret", "hub"]["data"]
        self.hub = yaml.safe_load(base64.b64decode(data["values.yaml"]))
        self.leaves = {join_keys(path): value for path, value in list_leaves(self.hub)}

    def find(self, key: str) -> Any:
        """Return a value of the hub by its dotted key, mappings included."""
        return find_value(self.hub, *key.split("."))

    def describe(self, key: str) -> object:
        """Return a value of the hub for a sentence."""
        value = self.leaves.get(key)
        return "the default" if value is None else value

    def describe_image(self) -> str:
        """Return the image that students get."""
        image = self.find("singleuser.image") or {}
        return f"{image.get('name')}:{image.get('tag')}"

    def find_pod_template(self, name: str) -> object:
        """Return the pod template of a Deployment, as Kubernetes compares it: another one restarts the pods."""
        return find_value(self.objects.get(("Deployment", name)), "spec", "template")

    def parse_course(self) -> Course | None:
        """Return the course; None where this version of deployer/ cannot read that of the other commit."""
        if find_value(self.values, "course", "calendar", "classTimes"):
            return None
        try:
            return parse_course(dict(self.values))
        except (KeyError, TypeError, UserError):
            return None


def run_python(root: Path, folder: Path, *arguments: str) -> Any:
    """Return the JSON that Python prints in a folder of a checkout."""
    done = subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        which = "this working tree" if root == ROOT else "the commit to compare with"
        raise UserError(f"{which} does not render:\n{done.stderr.strip()}")
    return json.loads(done.stdout)


def render_sides(root: Path) -> dict[str, Side]:
    """Return the environments of a checkout, each rendered by the checkout's own command."""
    if (root / "deployer").is_dir() or not (root / "scripts").is_dir():
        render = ["-m", "deployer", "render", "--output", "json", "--env"]
        found = {env: run_python(root, root, *render, env) for env in find_environments(root)}
        return {env: Side(item["objects"], item["values"]) for env, item in found.items()}
    found = run_python(root, root / "scripts", "-c", RENDER_BY_SCRIPTS)
    return {env: Side(read_objects(item["manifests"]), item["values"]) for env, item in found.items()}
