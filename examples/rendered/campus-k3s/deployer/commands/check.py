"""Lint the repository, render both environments and validate every object. Needs no cluster and no keys."""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from deployer import answers, chart, course, schemas, seats, values
from deployer.commands.secrets import print_secrets_check
from deployer.errors import UserError
from deployer.hub_start import check as hub_start
from deployer.hub_start import configuration
from deployer.paths import CHART, ENVIRONMENTS, ROOT, list_files
from deployer.schemas import KUBERNETES
from deployer.trial import packages
from deployer.yaml_files import YAML_HINT, YamlMapping, find_conflicts, read_objects, read_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--offline", action="store_true", help="leave out what needs the jupyterhub chart")


def run(arguments: argparse.Namespace) -> None:
    lint()
    print_secrets_check()
    print_answers_check()
    if arguments.offline:
        with tempfile.TemporaryDirectory() as folder:
            check_environments(chart.write_stand_in(Path(folder)))
        print(
            "OFFLINE=1 left out: rendering the jupyterhub chart, its objects, its own schema of the values, and "
            "whether the hub starts."
        )
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


def print_answers_check() -> None:
    """Say which answers config/ contradicts, and that config/ counts."""
    if differences := answers.list_differences():
        for item in differences:
            print(f".copier-answers.yml: {item.key} is '{item.answer}', and config/ has '{item.found}', which counts")
        print("answers: run `make answers`; else the next `copier update` can end in conflicts on these lines")


def print_size_check() -> None:
    """Say where there may be many more nodes than the class needs. Guards reject too few."""
    found = {env: seats.find_excess(course.read_course(env)) for env in ENVIRONMENTS}
    for message in {text for text in found.values() if text}:
        print(f"{' and '.join(env for env in found if found[env] == message)}: {message}")


def check_environments(folder: Path) -> None:
    """Render a chart for both environments, validate the objects, and load the configurations of the hubs."""
    read: dict[str, YamlMapping] = {}
    rendered: dict[str, list[YamlMapping]] = {}
    for env in ENVIRONMENTS:
        found = read[env] = values.read_values(env)
        if messages := hub_start.compile_snippets(env, found):
            raise UserError("\n".join(messages))
        manifests, warnings = chart.render_with_warnings(env, folder)
        rendered[env] = read_objects(manifests)
        unknown = validate(rendered[env])
        if rendered[env]:
            print(f"{env}: {len(rendered[env])} objects are valid for Kubernetes {KUBERNETES[0]} to {KUBERNETES[-1]}")
        else:
            print(f"{env}: it renders; nothing to validate without the jupyterhub chart")
        if unknown:
            print(f"{env}: not validated, no schema for it: {', '.join(sorted(unknown))}")
        for warning in [*warnings, *hub_start.list_unknown_settings(found)]:
            print(f"{env}: warning: {warning}")
    require_own_hosts(read)
    print_size_check()
    if all(map(configuration.find_hub, rendered.values())):
        print_hub_start(rendered)


def require_own_hosts(read: dict[str, YamlMapping]) -> None:
    """Raise UserError where two environments have one host name: requests would reach either hub."""
    seen: dict[str, str] = {}
    for env, found in read.items():
        for host in set(values.list_hosts(found, used=True)):
            if host in seen:
                raise UserError(
                    f"config/{env}.yaml: '{host}' is a host name of {seen[host]}, too, so students would reach either "
                    f"hub. Write a host name of its own, and its sign-in's address, in config/{env}.yaml"
                )
            seen[host] = env


def print_hub_start(rendered: dict[str, list[YamlMapping]]) -> None:
    """Load the configurations of the hubs with the packages of the hub image, and print whether they would start."""
    try:
        python = packages.install_hub() / "bin" / "python"
    except UserError as error:
        print(f"{hub_start.UNKNOWN}{str(error).splitlines()[0]}")
        return
    for env, lines in hub_start.load_configurations(rendered, python).items():
        print("\n".join(f"{env}: {line}" for line in lines))


def validate(objects: list[YamlMapping]) -> set[str]:
    """Check each object against each Kubernetes version. Returns the kinds without a schema."""
    unknown: set[str] = set()
    for item in objects:
        for version in KUBERNETES:
            try:
                if mistake := schemas.find_mistake(item, version):
                    raise UserError(f"{item['kind']} {item['metadata']['name']}: {mistake}")
            except schemas.NoSchemaError:
                unknown.add(f"{item['kind']} ({item['apiVersion']})")
    return unknown
