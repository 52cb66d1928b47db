"""Options that several commands have."""

import argparse
import sys
from pathlib import Path

from deployer import units
from deployer.errors import UserError
from deployer.paths import ENVIRONMENTS
from deployer.secrets import rejection
from deployer.yaml_files import read_mapping


def add_environment(parser: argparse.ArgumentParser, required: bool = True) -> None:
    """Add `--env`; where it is not required, a command does both."""
    meaning = "the environment" if required else "one environment instead of both"
    parser.add_argument("--env", type=parse_environment, choices=ENVIRONMENTS, required=required, help=meaning)


def parse_environment(text: str) -> str:
    """Return the name of an environment. Raises UserError for staging, where the hub has none."""
    if text == "staging" and text not in ENVIRONMENTS:
        raise UserError(rejection.find_lost_staging() or "ENV: this hub has no config/staging.yaml. Write ENV=prod")
    return text


def list_environments(arguments: argparse.Namespace) -> list[str]:
    """Return the environment that was named, or both."""
    return [arguments.env] if arguments.env else list(ENVIRONMENTS)


def parse_port(text: str) -> int:
    """Return a port to listen on. Raises UserError for a number that is none."""
    if not text.isdecimal() or not 0 < int(text) < 2**16:
        raise UserError(f"PORT: '{text}' is not a port. Write a number from 1024 to 65535, such as PORT=8000")
    return int(text)


def add_timeout(parser: argparse.ArgumentParser) -> None:
    """Add `--timeout`."""
    parser.add_argument("--timeout", default="10m", help="for the upgrade and for a rollback, as Helm reads it")
    parser.add_argument("--wait", default="", help="for another deploy that is at work; else twice the timeout")


def parse_wait(arguments: argparse.Namespace) -> int:
    """Return how many seconds to wait for another deploy. Raises UserError for a duration that Helm does not read."""
    limit = 2 * units.parse_duration(arguments.timeout, "TIMEOUT")
    return units.parse_duration(arguments.wait, "WAIT") if arguments.wait else limit


def add_student(parser: argparse.ArgumentParser) -> None:
    """Add `--env` and `--name`."""
    add_environment(parser)
    parser.add_argument(
        "--name", type=parse_student, required=True, help="the student's user name, as the hub knows it"
    )


def parse_student(text: str) -> str:
    """Return the name of a student. Raises UserError where there is none."""
    if not text:
        raise UserError("NAME: missing. Write the student's user name as the hub shows it, such as NAME=ada")
    return text


def add_answers(parser: argparse.ArgumentParser) -> None:
    """Add `--answers`."""
    parser.add_argument("--answers", default="", help="a YAML file with answers; without it, they are asked for")


def may_ask(arguments: argparse.Namespace) -> bool:
    """Return whether the answers that are not given can be asked for."""
    return sys.stdin.isatty() and not arguments.answers


def read_given(arguments: argparse.Namespace) -> dict[str, str]:
    """Return the answers of the file that was named, as texts. Raises UserError where it is not one of answers."""
    if not arguments.answers:
        return {}
    file = Path(arguments.answers).expanduser().absolute()
    if not file.is_file():
        problem = "is a folder" if file.is_dir() else "does not exist"
        raise UserError(
            f"ANSWERS: '{arguments.answers}' {problem}. Write the path of the YAML file that has the answers"
        )
    found = read_mapping(file)
    for key, value in found.items():
        if isinstance(value, dict | list) or value is None:
            raise UserError(f"{arguments.answers}: {key} must be one text in quotes, such as '' or 'mon 10:00-11:30'")
    return {str(key): str(value) for key, value in found.items()}


def require_typed_name(name: str) -> None:
    """Let a person type the name of what is deleted. Raises UserError for anything else."""
    print(f"Type {name} to delete it: ", end="", flush=True)
    typed = sys.stdin.readline().strip()
    if typed != name:
        raise UserError(f"nothing was deleted: '{typed}' is not {name}")
