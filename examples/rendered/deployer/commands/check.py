"""Lint the repository, render both environments and validate every object. Needs no cluster and no keys."""

import argparse
import functools
import subprocess
import sys
import tempfile
from pathlib import Path

import kubernetes_validate  # type: ignore[import-untyped]
import yaml

from deployer import chart
from deployer.commands.secrets import print_secrets_check
from deployer.errors import UserError
from deployer.paths import CHART, ENVIRONMENTS, ROOT, list_files
from deployer.yaml_files import YAML_HINT, find_conflicts, read_text

# The chart requires 1.28; Kubernetes supports its newest three; clouds are a year or so behind.
KUBERNETES = ("1.30", "1.31", "1.32", "1.33", "1.34", "1.35", "1.36", "1.37")
# The package would read its 1.5 MB of schemas again for each object.
kubernetes_validate.utils.schema_contents = functools.cache(kubernetes_validate.utils.schema_contents)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--offline", action="store_true", help="leave out what needs the jupyterhub chart")


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    lint()
    print_secrets_check()
    if arguments.offline:
        with tempfile.TemporaryDirectory() as folder:
            check_environments(chart.write_stand_in(Path(folder)))
        print("OFFLINE=1 left out: rendering the jupyterhub chart, its objects, and its own schema of the values.")
    else:
        chart.build_dependency()
        check_environments(CHART)


def lint() -> None:
    """Look for conflict markers, and lint YAML files and the configuration of pre-commit."""
    files = list(list_files())
    if conflicts := [message for file in files for message in find_conflicts(file)]:
        raise UserError("\n".join(conflicts))
    for file in files:
        if file.suffix in (".yaml", ".yml"):
            read_text(file)
    programs = Path(sys.executable).parent
    for name, *arguments in (["yamllint", "--strict", "."], ["pre-commit", "validate-config"]):
        if subprocess.run([programs / name, *arguments], cwd=ROOT).returncode:
            hint = f". Where it is a syntax error: {YAML_HINT}" if name == "yamllint" else ""
            raise UserError(f"{name} has found mistakes; it says above which{hint}")


def check_environments(folder: Path) -> None:
    """Render a chart for both environments, and validate the objects."""
    for env in ENVIRONMENTS:
        number, unknown = validate(chart.render(env, folder))
        if number:
            print(f"{env}: {number} objects are valid for Kubernetes {KUBERNETES[0]} to {KUBERNETES[-1]}")
        else:
            print(f"{env}: it renders; nothing to validate without the jupyterhub chart")
        if unknown:
            print(f"{env}: not validated, no schema for it: {', '.join(sorted(unknown))}")


def validate(manifests: str) -> tuple[int, set[str]]:
    """Check each object against each Kubernetes version. Returns their number and the kinds without a schema."""
    unknown: set[str] = set()
    objects = [item for item in yaml.safe_load_all(manifests) if item]
    for item in objects:
        for version in KUBERNETES:
            try:
                kubernetes_validate.validate(item, version, strict=True)
            except kubernetes_validate.SchemaNotFoundError:
                unknown.add(f"{item['kind']} ({item['apiVersion']})")
            except kubernetes_validate.ValidationError as error:
                key = ".".join(str(part) for part in error.path)
                name = f"{item['kind']} {item['metadata']['name']}"
                raise UserError(f"{name}: {key} is not valid for Kubernetes {version}: {error.message}") from error
    return len(objects), unknown
