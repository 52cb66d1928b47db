"""Lint the repository, render both environments and validate every object. Needs no cluster and no keys."""

import argparse
import functools
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
    """yamllint on every YAML file, and pre-commit's own check of its configuration."""
    scripts = Path(sys.executable).parent
    for command in ([scripts / "yamllint", "--strict", "."], [scripts / "pre-commit", "validate-config"]):
        if subprocess.run(command, cwd=hub.ROOT).returncode:
            hub.stop(f"{command[0].name} is not content; it says above with what")


def stand_in(folder: Path) -> Path:
    """A copy of the chart in which an empty chart stands in for jupyterhub."""
    chart = folder / "chart"
    shutil.copytree(hub.CHART, chart, ignore=shutil.ignore_patterns("charts"))
    empty = chart / "charts" / "jupyterhub"
    empty.mkdir(parents=True)
    metadata = {"apiVersion": "v2", "name": "jupyterhub", "version": hub.dependency()["version"]}
    (empty / "Chart.yaml").write_text(yaml.safe_dump(metadata), encoding="utf-8")
    return chart


def render(env: str, chart: Path) -> str:
    """Every object of an environment as Helm would send it, with fake secrets."""
    files = [*hub.layer_arguments(env), "--values", hub.FAKE_SECRETS]
    release = hub.release(env)
    try:
        return hub.output(hub.tool("helm"), "template", release, chart, "--namespace", release, *files)
    except subprocess.CalledProcessError as error:
        hub.stop(f"config/{env}.yaml with config/hub.yaml does not render:\n{error.stderr.strip()}")


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
            print(f"{env}: {number} objects are valid for Kubernetes {KUBERNETES[0]} to {KUBERNETES[-1]}")
            if unknown:
                print(f"{env}: not validated, no schema for it: {', '.join(sorted(unknown))}")
    if offline:
        print("OFFLINE=1 left out: rendering the jupyterhub chart, its objects, and its own schema of the values.")


if __name__ == "__main__":
    main()
