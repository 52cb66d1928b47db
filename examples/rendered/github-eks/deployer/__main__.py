"""Run one command: `python -m deployer COMMAND`. This is the only place where errors are printed."""

import argparse
import importlib
import os
import re
import signal
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import NoReturn

from deployer.errors import UserError

# In the order of `make help`. A command is the module of its name in commands/, and only that module is imported:
# a hook of pre-commit or a job that runs one command needs the packages of that command only.
COMMANDS = {
    "check": "lint, render both environments and validate every object; no cluster and no keys needed",
    "try-hub": "run the hub on this machine: JupyterHub and students' servers as local processes, with no cluster",
    "try-on": "deploy the hub to a cluster of this machine, or to one that is named, and let the robot student try it",
    "try-down": "remove what try-on has made, and nothing else",
    "render": "print the objects of an environment as Helm would send them, with fake secrets",
    "find-chart": "print the path of the packaged jupyterhub chart, and pull it where it is not here",
    "impact": "say what a merge would do: in words, then as a diff without secrets",
    "seats": "say how many students the nodes seat, what a term costs, and what another guarantee would change",
    "calendar": "print the next two weeks: classes, exams, when prod has room for them, and the end of the term",
    "scan": "look for secrets in the whole history of git",
    "secrets": "create, check, edit, show or rotate the encrypted secrets",
    "keys": "say who can open the secrets: age keys, and the recipients in .sops.yaml",
    "preflight": "look at the cluster: what would fail there, or work differently than the values say",
    "deploy": "deploy the commit that is checked out, and roll back if it fails",
    "rollback": "roll back to the last good revision, or to the one that is named",
    "status": "say what runs, which commit it is, what ran before, and which students are there",
    "students": "say who has a server, since when, and how much memory it uses",
    "student": "say how the server of a student is, and why it does not start",
    "restart-server": "stop the server of a student and start it again",
    "announce": "show a text on every page of the hub, without a restart",
    "test-hub": "send the robot student",
    "values": "print the values without the secrets, and the command to run Helm by hand",
    "image": "build, test or push the image of image/, print its tag, write or check its lock",
    "cluster": "create or delete the cluster, or change its nodes",
    "update": "update from the template, and print what that brings, for a request for review",
    "answers": "let .copier-answers.yml follow what people have edited in config/",
    "archive": "archive the homes of the students: one file for each, read back and compared",
    "restore": "restore homes, or a file of one, from the archives; nothing is overwritten",
    "backup-drill": "restore one home into a scratch volume, and compare it with its archive",
    "pause": "stop everything of a hub but its homes, its accounts and its address",
    "resume": "wake a hub that was paused, and send the robot student",
    "destroy": "delete a hub with its homes, once these are archived",
    "new-class": "make a hub for another class from this one, with secrets of its own",
    "new-term": "set the calendar and the numbers of a new term, renew the secrets, and tag the old term",
}


WRONG_VALUE = re.compile(
    r"argument --([\w-]+): invalid (?:choice|int value): (.*?)(?: \(choose from (.*)\))?", re.DOTALL
)


class Parser(argparse.ArgumentParser):
    """Says of a wrong value what to write, in the words of the Makefile: people type `make status ENV=prod`."""

    def error(self, message: str) -> NoReturn:
        """Raise UserError for a wrong value; leave a wrong command line to argparse."""
        if not (found := WRONG_VALUE.fullmatch(message)):
            super().error(message)
        name = found[1].replace("-", "_").upper()
        if choices := re.findall(r"[\w-]+", found[3] or ""):
            listed = " or ".join(f"{name}={choice}" for choice in choices)
            raise UserError(f"{name}: {found[2]} is not one of {', '.join(choices)}. Write {listed}")
        raise UserError(f"{name}: {found[2]} is not a whole number. Write digits only, such as {name}=7")


def load_command(name: str) -> ModuleType:
    """Return the module of a command."""
    return importlib.import_module(f"deployer.commands.{name.replace('-', '_')}")


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the parsed command line. Raises UserError for a wrong value, and exits where the command line is wrong."""
    parser = Parser(prog="python -m deployer", description="The commands of this repository.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, summary in COMMANDS.items():
        subparser = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        if arguments and arguments[0] == name:
            add_arguments = getattr(load_command(name), "add_arguments", None)
            if add_arguments:
                add_arguments(subparser)
    return parser.parse_args(arguments)


def main() -> int:
    """Run a command. Returns its exit status."""
    # A pipeline sends SIGTERM: it is treated like Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        parsed = parse_arguments(sys.argv[1:])
        load_command(parsed.command).run(parsed)
        sys.stdout.flush()
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader has stopped, such as `head`. Python would complain once more when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"{where}{error.strerror or error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
