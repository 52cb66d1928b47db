"""Options that several commands have."""

import argparse

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
