"""Lint the repository, render both environments and validate every object. Needs no cluster and no keys."""

import argparse
import difflib
import functools
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import kubernetes_validate
import yaml

import hub
import manage_secrets

# The chart wants 1.28; Kubernetes supports its newest three; clouds lag behind for a year or so.
KUBERNETES = ("1.30", "1.31", "1.32", "1.33", "1.34", "1.35", "1.36", "1.37")
# The package would read its 1.5 MB of schemas again for each object.
kubernetes_validate.utils.schema_contents = functools.cache(kubernetes_validate.utils.schema_contents)


def lint() -> None:
    """Conflict markers in any file, yamllint on every YAML file, and pre-commit's own check of its configuration."""
    if marked := [sentence for file in hub.files() for sentence in hub.conflicts(file)]:
        hub.stop("\n".join(marked))
    scripts = Path(sys.executable).parent
    for command in ([scripts / "yamllint", "--strict", "."], [scripts / "pre-commit", "validate-config"]):
        if subprocess.run(command, cwd=hub.ROOT).returncode:
            hint = f". Where it is a syntax error: {hub.YAML_HINT}" if command[0].name == "yamllint" else ""
            hub.stop(f"{command[0].name} is not content; it says above with what{hint}")


def stand_in(folder: Path) -> Path:
    """Copy the chart, with chart/ci/jupyterhub in place of the jupyterhub chart. Return the copy's path."""
    chart = folder / "chart"
    shutil.copytree(hub.CHART, chart, ignore=shutil.ignore_patterns("charts"))
    jupyterhub = Path(shutil.copytree(hub.CHART / "ci" / "jupyterhub", chart / "charts" / "jupyterhub"))
    metadata = {"apiVersion": "v2", "name": "jupyterhub", "version": hub.dependency()["version"]}
    (jupyterhub / "Chart.yaml").write_text(yaml.safe_dump(metadata), encoding="utf-8")
    return chart


def where(env: str, path: list[str]) -> str:
    """The file that sets a value, of those of an environment, and a colon; nothing if none does."""
    for file in reversed([hub.CHART / "values.yaml", *hub.layers(env)]):
        node: object = hub.read(file)
        for key in path:
            if isinstance(node, list) and key.isdecimal() and int(key) < len(node):
                node = node[int(key)]
            elif isinstance(node, dict) and key in node:
                node = node[key]
            else:
                break
        else:
            return f"{file.relative_to(hub.ROOT)}: "
    return ""


def neighbours(env: str, path: list[str]) -> set[str]:
    """Keys that there are at a place: those of our schema, and those that the values have."""
    schema = hub.read(hub.CHART / "values.schema.json")
    node, found = schema, hub.values(env)
    for key in path:
        node = node.get("properties", {}).get(key, {})
        node = schema["$defs"].get(node.get("$ref", "").removeprefix("#/$defs/"), node)
        found = found.get(key) if isinstance(found, dict) else None
    return {*node.get("properties", {}), *(found if isinstance(found, dict) else ())}


def in_words(env: str, text: str) -> str:
    """What Helm says, without its noise, and with the file and the whole key of what a schema refuses.

    A line that is not understood stays as Helm has written it.
    """
    text = re.sub(r"^Error: execution error at \(.*?\): *\n?", "", text.strip(), flags=re.MULTILINE)
    text = text.replace("Use --debug flag to render out invalid YAML", "").strip()
    lines, chart = [], []
    for line in text.splitlines():
        if line == f"{hub.name()}:":
            chart = []
        elif line == "jupyterhub:":
            chart = ["jupyterhub"]
        elif found := re.fullmatch(r"- at '(.*?)': (.*)", line):
            path = [*chart, *(key.replace("~1", "/").replace("~0", "~") for key in found[1].split("/")[1:])]
            unknown = re.fullmatch(r"additional properties (.*) not allowed", found[2])
            if not unknown:
                lines.append(f"{where(env, path)}{hub.dotted(tuple(path)) or 'the values'}: {found[2]}")
                continue
            keys = re.findall(r"'(.*?)'(?:, |$)", unknown[1])
            for key in keys:
                close = difflib.get_close_matches(key, neighbours(env, path) - set(keys), 1)
                meant = f" (did you mean {close[0]}?)" if close else ""
                lines.append(f"{where(env, [*path, key])}{hub.dotted((*path, key))}: there is no such key{meant}")
        elif line and not line.startswith("Error: values don't meet the specifications of the schema"):
            lines.append(line)
    return "\n".join(dict.fromkeys(lines))


def render(env: str, chart: Path) -> str:
    """Every object of an environment as Helm would send it, with fake secrets."""
    files = [*hub.layer_arguments(env), "--values", hub.FAKE_SECRETS]
    release = hub.release(env)
    try:
        return hub.output(hub.tool("helm"), "template", release, chart, "--namespace", release, *files)
    except subprocess.CalledProcessError as error:
        hub.stop(f"config/{env}.yaml with config/hub.yaml does not render:\n{in_words(env, error.stderr)}")


def validate(manifests: str) -> tuple[int, set[str]]:
    """Check each object against each Kubernetes version. Returns their number and the kinds with no schema."""
    unknown: set[str] = set()
    objects = [item for item in yaml.safe_load_all(manifests) if item]
    for item in objects:
        label = f"{item['kind']} {item['metadata']['name']}"
        for version in KUBERNETES:
            try:
                kubernetes_validate.validate(item, version, strict=True)
            except kubernetes_validate.SchemaNotFoundError:
                unknown.add(f"{item['kind']} ({item['apiVersion']})")
            except kubernetes_validate.ValidationError as error:
                where = ".".join(str(part) for part in error.path)
                hub.stop(f"{label} is not valid for Kubernetes {version}: {where}: {error.message}")
    return len(objects), unknown


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--offline", action="store_true", help="leave out what needs the jupyterhub chart")
    offline = parser.parse_args().offline
    lint()
    manage_secrets.check()
    with tempfile.TemporaryDirectory() as folder:
        if offline:
            chart = stand_in(Path(folder))
        else:
            hub.build_dependency()
            chart = hub.CHART
        for env in hub.ENVIRONMENTS:
            number, unknown = validate(render(env, chart))
            if number:
                print(f"{env}: {number} objects are valid for Kubernetes {KUBERNETES[0]} to {KUBERNETES[-1]}")
            else:
                print(f"{env}: it renders; nothing to validate without the jupyterhub chart")
            if unknown:
                print(f"{env}: not validated, no schema for it: {', '.join(sorted(unknown))}")
    if offline:
        print("OFFLINE=1 left out: rendering the jupyterhub chart, its objects, and its own schema of the values.")


if __name__ == "__main__":
    main()
