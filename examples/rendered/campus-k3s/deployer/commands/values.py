"""Print the values of an environment without the secrets, and the command to run Helm by hand."""

import argparse

import yaml

from deployer import chart, values
from deployer.commands.options import add_environment

add_arguments = add_environment


def run(arguments: argparse.Namespace) -> None:
    env = arguments.env
    name = chart.name_release(env)
    layers = " ".join(values.list_helm_arguments(env))
    print("# All values but the secrets. By hand, from the repository's root, in bash with `set -o pipefail`:")
    print(f"#   sops decrypt secrets/{env}.yaml | helm upgrade --install {name} chart --namespace {name} \\")
    print(f"#     {layers} --values -")
    print(yaml.safe_dump(values.read_values(env), allow_unicode=True, sort_keys=False), end="")
