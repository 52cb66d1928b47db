"""Check that the hub would start: snippets of code that compile, settings that exist, a configuration that loads."""

import contextlib
import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from deployer.errors import UserError
from deployer.hub_start import code, configuration, pods
from deployer.hub_start.code import SNIPPETS, list_snippets
from deployer.paths import ROOT
from deployer.values import find_source, read_schema
from deployer.yaml_files import YamlMapping, find_value

CHART_IMAGE = "quay.io/jupyterhub/k8s-hub:"
# What the chart prints before it runs a snippet.
LOADING = "Loading extra config: "
UNKNOWN = "not checked whether the hub starts: "
# More than a loaded machine needs. A configuration may wait for what only a cluster has.
SECONDS = 300


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
    known = read_schema()["$defs"]["hubConfig"]["properties"]
    text = "\n".join(list_snippets(found).values())
    messages = []
    for section, settings in (find_value(found, "jupyterhub", "hub", "config") or {}).items():
        key = f"jupyterhub.hub.config.{section}"
        if section not in known:
            if section not in text:
                messages.append(f"{key}: the chart's hub image has no class of this name. Check that your hub has it.")
            continue
        for trait in settings if isinstance(settings, dict) else ():
            if trait not in known[section]["properties"] and trait not in text:
                messages.append(
                    f"{key}.{trait}: the chart's hub image has no such setting. Check that your hub has it."
                )
    return messages


def load_configurations(rendered: dict[str, list[YamlMapping]], python: Path) -> dict[str, list[str]]:
    """Load the configuration of the hub in each environment with the packages of the hub image.

    Returns for each environment what to print: a line that says that it would start, or why that is not known, and
    warnings. Raises UserError with a line for each hub that would not start.
    """
    with tempfile.TemporaryDirectory() as name:
        folders: dict[str, Path] = {}
        lines: dict[str, list[str]] = {}
        for env, objects in rendered.items():
            image = str(configuration.find_hub(objects).get("image"))
            if image.startswith(CHART_IMAGE):
                folders[env] = Path(name, env)
                configuration.write_configuration(objects, folders[env])
            else:
                lines[env] = [f"{UNKNOWN}the hub has an image of its own ({image}), whose packages are not here"]
        run_loader(python, Path(name), list(folders.values()))
        errors = []
        for env, folder in folders.items():
            report = read_report(folder)
            problem = describe_error(env, report, folder) if report["error"] else ""
            if not problem:
                errors += pods.list_messages(env, report["pods"])
                errors += code.list_messages(env, report["settings"], report["pods"])
            if problem.startswith(UNKNOWN) or not problem:
                lines[env] = [problem or "the hub would start", *(f"warning: {text}" for text in report["warnings"])]
            else:
                errors.append(problem)
    if errors:
        raise UserError("\n".join(errors))
    return lines


def run_loader(python: Path, home: Path, folders: list[Path]) -> None:
    """Run load.py, which writes a report into each folder.

    Code of the configuration sees nothing of the environment of this process, where a pipeline may have tokens.
    """
    configuration.write_cluster(home)
    command = [python, Path(__file__).with_name("load.py"), *folders]
    environ = {"PATH": os.environ.get("PATH", ""), "HOME": str(home), "PYTHONPATH": str(ROOT)}
    with contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run(command, env=environ, capture_output=True, timeout=SECONDS)


def read_report(folder: Path) -> dict[str, Any]:
    """Return the report of load.py on a folder. There is none where the process was ended, or did not end."""
    path = folder / "report.json"
    if not path.is_file():
        return {"loaded": "", "error": {"kind": "no report", "text": "", "line": 0}, "warnings": [], "pods": []}
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def describe_error(env: str, report: dict[str, Any], folder: Path) -> str:
    """Return the message for an error, with the place of the mistake. It begins with UNKNOWN if this machine is why."""
    error, loaded = report["error"], str(report["loaded"])
    text = str(error["text"]).replace(str(folder), configuration.MOUNT)[:400]
    if error["kind"] == "no report":
        return f"{UNKNOWN}its configuration did not load within {SECONDS} seconds, or ended the process"
    if error["kind"] in ("FileNotFoundError", "PermissionError"):
        return f"{UNKNOWN}its configuration reads what is not on this machine ({text})"
    if error["line"] and loaded.startswith(LOADING):
        path = (*SNIPPETS, loaded.removeprefix(LOADING))
        return (
            f"{find_source(env, path)}{'.'.join(path)}: line {error['line']} fails, so the hub would not start "
            f"({error['kind']}: {text}). Correct it."
        )
    return (
        f"{env}: the hub would not start ({error['kind']}: {text}). Correct it in jupyterhub.hub.config, or where "
        "config/ sets what the message names."
    )
