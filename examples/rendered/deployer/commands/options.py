"""Options that several commands have."""

import argparse

from deployer import units
from deployer.paths import ENVIRONMENTS


def add_environment(parser: argparse.ArgumentParser, required: bool = True) -> None:
    """Add `--env`; where it is not required, a command does both."""
    meaning = "the environment" if required else "one environment instead of both"
    parser.add_argument("--env", choices=ENVIRONMENTS, required=required, help=meaning)


def list_environments(arguments: argparse.Namespace) -> list[str]:
    """Return the environment that was named, or both."""
    return [arguments.env] if arguments.env else list(ENVIRONMENTS)


def add_timeout(parser: argparse.ArgumentParser) -> None:
    """Add `--timeout`."""
    parser.add_argument("--timeout", default="10m", help="for the upgrade and for a rollback, as Helm reads it")
    parser.add_argument("--wait", default="", help="for another deploy that is at work; else twice the timeout")


def parse_wait(arguments: argparse.Namespace) -> int:
    """Return how many seconds to wait for another deploy. Raises UserError for a duration that Helm does not read."""
    limit = 2 * units.parse_duration(arguments.timeout, "TIMEOUT")
    return units.parse_duration(arguments.wait, "WAIT") if arguments.wait else limit
