"""Check that the hub would start: snippets of code that compile, settings that exist, a configuration that loads."""

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from deployer.errors import UserError
from deployer.hub_start import configuration
from deployer.paths import CHART
from deployer.values import find_source
from deployer.yaml_files import YamlMapping, find_value, read_mapping

CHART_IMAGE = "quay.io/jupyterhub/k8s-hub:"
SNIPPETS = ("jupyterhub", "hub", "extraConfig")
# A configuration that waits for something that only a cluster has.
SECONDS = 300


def list_snippets(found: YamlMapping) -> dict[str, str]:
    """Return the snippets of hub.extraConfig."""
    snippets = find_value(found, *SNIPPETS)
    return {name: str(text) for name, text in snippets.items()} if isinstance(snippets, dict) else {}


def compile_snippets(env: str, found: YamlMapping) -> list[str]:
    """Return a message for each snippet of hub.extraConfig that is not Python. Helm takes it for text."""
    messages = []
    for name, text in list_snippets(found).items():
        try:
            compile(text, name, "exec", dont_inherit=True)
        except (SyntaxError, ValueError) as error:
            line = f"line {error.lineno} " if isinstance(error, SyntaxError) else ""
            source = find_source(env, (*SNIPPETS, name))
            messages.append(f"{source}{'.'.join(SNIPPETS)}.{name}: {line}is not Python ({error.args[0]}). Correct it.")
    return messages


def list_unknown_settings(found: YamlMapping) -> list[str]:
    """Return a warning for each class and trait in hub.config that neither the chart's hub image nor a snippet has.

    The schema rejects them, unless the hub has an image or a snippet of its own.
    """
    known = read_mapping(CHART / "values.schema.json")["$defs"]["hubConfig"]["properties"]
    code = "\n".join(list_snippets(found).values())
    messages = []
    for section, settings in (find_value(found, "jupyterhub", "hub", "config") or {}).items():
        key = f"jupyterhub.hub.config.{section}"
        if section not in known:
            if section not in code:
                messages.append(f"{key}: the chart's hub image has no class of this name. Check that your hub has it.")
            continue
        for trait in settings if isinstance(settings, dict) else ():
            if trait not in known[section]["properties"] and trait not in code:
                messages.append(
                    f"{key}.{trait}: the chart's hub image has no such setting. Check that your hub has it."
                )
    return messages


def load_configuration(env: str, objects: list[YamlMapping], python: Path) -> tuple[str, list[str]]:
    """Load the rendered configuration with the packages of the hub image. Returns why it was not, and warnings.

    Raises UserError where the hub would not start.
    """
    container = configuration.find_hub(objects)
    image = str(container.get("image"))
    if not image.startswith(CHART_IMAGE):
        return f"the hub has an image of its own ({image}), whose packages are not here", []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        configuration.write_configuration(objects, folder)
        # Code of the configuration sees nothing of this environment, where a pipeline may have tokens.
        environ = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": name,
            **configuration.list_environment(container, folder),
        }
        command = [python, Path(__file__).with_name("load.py"), folder]
        try:
            done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            return f"loading its configuration takes more than {SECONDS} seconds here", []
        report = parse_report(done)
        text = str(report["error"].get("text", "")).replace(name, configuration.MOUNT)[:400]
    if report["error"]:
        reason = describe_error(env, report, text)
        if reason:
            return reason, []
    return "", report["warnings"]


def parse_report(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """Return what load.py printed. A process that was ended has printed nothing: that is the error, then."""
    try:
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        last = (done.stderr.strip().splitlines() or ["it printed nothing"])[-1]
        return {
            "loaded": "",
            "error": {"kind": f"exit status {done.returncode}", "text": last, "line": 0},
            "warnings": [],
        }
    return found


def describe_error(env: str, report: dict[str, Any], text: str) -> str:
    """Raise UserError with the place of the mistake. Returns a reason if the error is one of this machine."""
    error, loaded = report["error"], str(report["loaded"])
    if error["kind"] in ("FileNotFoundError", "PermissionError"):
        return f"its configuration reads what is not on this machine ({text})"
    snippet = loaded.removeprefix("Loading extra config: ") if loaded.startswith("Loading extra config: ") else ""
    if error["line"] and snippet:
        key = f"jupyterhub.hub.extraConfig.{snippet}"
        source = find_source(env, (*SNIPPETS, snippet))
        raise UserError(
            f"{source}{key}: line {error['line']} fails, so the hub would not start ({error['kind']}: {text}). "
            "Correct it."
        )
    raise UserError(
        f"{env}: the hub would not start ({error['kind']}: {text}). Correct it in jupyterhub.hub.config, or where "
        "config/ sets what the message names."
    )
