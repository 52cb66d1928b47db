"""What code in hub.extraConfig has set, and the students' pods: the guards read them as they read values."""

import tempfile
from pathlib import Path
from typing import Any

import yaml

from deployer import chart
from deployer.errors import UserError
from deployer.hub_start import pods
from deployer.paths import CHART, CHART_VALUES
from deployer.values import read_values
from deployer.yaml_files import YamlMapping, find_value, read_mapping

SNIPPETS = ("jupyterhub", "hub", "extraConfig")


def list_snippets(found: YamlMapping) -> dict[str, str]:
    """Return the snippets of hub.extraConfig."""
    snippets = find_value(found, *SNIPPETS)
    return {name: str(text) for name, text in snippets.items()} if isinstance(snippets, dict) else {}


def list_messages(env: str, settings: dict[str, Any], made: list[dict[str, Any]]) -> list[str]:
    """Return what the guards say of the students' pods, and of the settings that code of the owner has left."""
    specs = pods.list_specs(made)
    values: YamlMapping = {"pods": specs}
    found = read_values(env)
    is_owners = not list_snippets(found).items() <= list_snippets(read_mapping(CHART_VALUES)).items()
    if is_owners or find_value(found, "jupyterhub", "hub", "extraFiles"):
        values |= make_values(settings, found)
    with tempfile.TemporaryDirectory() as name:
        layer = Path(name, "settings.yaml")
        layer.write_text(yaml.safe_dump(values), encoding="utf-8")
        try:
            chart.render_with_warnings(env, CHART, layer)
        except UserError as error:
            said = f"{'.'.join(SNIPPETS)}: its code sets what guards reject: " if is_owners else ""
            return [f"{env}: {said}{line}" for line in pods.drop_repeated(str(error).splitlines()[1:])]
    return []


def make_values(settings: dict[str, Any], found: YamlMapping) -> YamlMapping:
    """Return settings in use as values of the chart, which the guards read."""
    known = read_mapping(CHART / "files" / "authenticators.yaml")
    name = next((name for name in settings["classes"] if name in known), "")
    config: YamlMapping = {"KubeSpawner": settings["spawner"], "JupyterHub": settings["hub"]}
    if name:
        config["JupyterHub"]["authenticator_class"] = name
        people = settings["sign_in"]
        if "idps" in people and find_value(found, "jupyterhub", "hub", "config", known[name][0], "allowed_idps"):
            # Under the name that the values have; both together would be rejected.
            people = {"allowed_idps" if key == "idps" else key: value for key, value in people.items()}
        config[known[name][0]] = people
    # Code may add another role of the same name.
    roles = {f"{role['name']}{f'-{number}' * (number > 0)}": role for number, role in number_roles(settings["roles"])}
    services = {item["name"]: {"admin": True} for item in settings["services"] if item["admin"]}
    return {"jupyterhub": {"hub": {"config": config, "loadRoles": roles, "services": services}}}


def number_roles(roles: list[dict[str, Any]]) -> list[tuple[int, dict[str, Any]]]:
    """Return each role with the number of those before it that have its name."""
    names = [role["name"] for role in roles]
    return [(names[:position].count(role["name"]), role) for position, role in enumerate(roles)]
