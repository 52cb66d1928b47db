"""Look at the cluster before a deploy, and leave it as it is."""

import argparse

from deployer import units
from deployer.commands.options import add_environment
from deployer.errors import UserError
from deployer.preflight import checks
from deployer.preflight.findings import PROBLEM

add_arguments = add_environment


def print_findings(env: str, try_network: bool) -> str:
    """Print what the checks find, as it comes. Returns the number of problems in words; an empty text if none."""
    problems = 0
    for level, sentence in checks.look(env, try_network):
        print(f"{level:8} {sentence}", flush=True)
        problems += level == PROBLEM
    return units.format_count(problems, "problem") if problems else ""


def run(arguments: argparse.Namespace) -> None:
    if problems := print_findings(arguments.env, try_network=True):
        raise UserError(f"{problems}: fix what stands above before `make deploy ENV={arguments.env}`")
