"""What the owner's code in hub.extraConfig has set of what the guards read in the values: they read it once more."""

import tempfile
from pathlib import Path
from typing import Any

import yaml

from deployer import chart
from deployer.errors import UserError
from deployer.paths import CHART, CHART_VALUES
from deployer.values import read_values
from deployer.yaml_files import YamlMapping, find_value, read_mapping

SNIPPETS = ("jupyterhub", "hub", "extraConfig")


def list_snippets(found: YamlMapping) -> dict[str, str]:
    """Return the snippets of hub.extraConfig."""
    snippets = find_value(found, *SNIPPETS)
    return {name: str(text) for name, text in snippets.items()} if isinstance(snippets, dict) else {}


def list_messages(env: str, settings: dict[str, Any]) -> list[str]:
    """Return what the guards say of the settings in use. Without code of the owner they are those of the values."""
    if list_snippets(read_values(env)).items() <= list_snippets(read_mapping(CHART_VALUES)).items():
        return []
    with tempfile.TemporaryDirectory() as name:
        layer = Path(name, "settings.yaml")
        layer.write_text(yaml.safe_dump(make_values(settings)), encoding="utf-8")
        try:
            chart.render_with_warnings(env, CHART, layer)
        except UserError as error:
            key = ".".join(SNIPPETS)
            return [f"{env}: {key}: its code sets what guards reject: {line}" for line in str(error).splitlines()[1:]]
    return []


def make_values(settings: dict[str, Any]) -> YamlMapping:
    """Return settings in use as values of the chart, which the guards read."""
    known = read_mapping(CHART / "files" / "authenticators.yaml")
    name = next((name for name in settings["classes"] if name in known), "")
    config: YamlMapping = {"KubeSpawner": settings["spawner"]}
    if name:
        config |= {"JupyterHub": {"authenticator_class": name}, known[name][0]: settings["sign_in"]}
    # Code may add another role of the same name.
    roles = {f"{role['name']}{f'-{number}' * (number > 0)}": role for number, role in number_roles(settings["roles"])}
    services = {item["name"]: {"admin": True} for item in settings["services"] if item["admin"]}
    return {"jupyterhub": {"hub": {"config": config, "loadRoles": roles, "services": services}}}


def number_roles(roles: list[dict[str, Any]]) -> list[tuple[int, dict[str, Any]]]:
    """Return each role with the number of those before it that have its name."""
    names = [role["name"] for role in roles]
    return [(names[:position].count(role["name"]), role) for position, role in enumerate(roles)]
