"""Begin a new term of the same class: new calendar, numbers and secrets, and a tag in git for the old one."""

import argparse
import re

from deployer import answers, git, timetable
from deployer.commands import secrets, term_homes
from deployer.commands.options import add_answers, may_ask, read_given
from deployer.errors import UserError
from deployer.paths import ENVIRONMENTS, secrets_file
from deployer.process import read_output
from deployer.process import run as run_program
from deployer.secrets import generation, sops
from deployer.yaml_files import join_keys

# What a term has of its own. Without a terminal, the first two must be given.
ASKED = ("class_times", "term_ends", "students", "peak_students")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--old", default="", help="the name of the old term, for its tag in git")
    parser.add_argument("--homes", default="keep", help="keep them, archive them, or empty them once archived")
    add_answers(parser)


def run(arguments: argparse.Namespace) -> None:
    given = read_given(arguments)
    ask = may_ask(arguments)
    require_given(given, arguments.answers, ask)
    tag = name_tag(arguments.old)
    term_homes.require_choice(arguments.homes)
    head = git.require_clean_worktree()
    envs = [env for env in ENVIRONMENTS if secrets_file(env).is_file()]
    for env in envs:
        sops.decrypt(env)
    with answers.change(given, ASKED, ask):
        for env in envs:
            secrets.rotate(env, ["values"])
    read_output("git", "tag", "--annotate", "--message", f"The end of {tag}", tag, head)
    print_next_steps(tag, arguments.homes)
    # Last, for it may take hours: where it stops, `make archive` with the same folder goes on.
    term_homes.treat(arguments.homes, tag)


def require_given(given: dict[str, str], file: str, ask: bool) -> None:
    """Raise UserError where the calendar of the new term is missing, or an answer is not one of a term."""
    if missing := [key for key in ASKED[:2] if not ask and key not in given]:
        raise UserError(
            f"{' and '.join(missing)}: missing, and the old term's do not hold. Write them into a YAML file ('' for "
            "none), and run `make new-term OLD=... ANSWERS=FILE`"
        )
    if others := sorted(given.keys() - set(ASKED)):
        raise UserError(f"{', '.join(others)}: a term has {', '.join(ASKED)} only. Remove it from {file}")


def name_tag(term: str) -> str:
    """Return the tag of the old term. Raises UserError where it cannot be one."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.-]*", term):
        raise UserError(f"OLD: '{term}' cannot be a tag in git. Name the old term: `make new-term OLD=2026-autumn`")
    tag = f"term-{term}"
    if run_program("git", "rev-parse", "--verify", "--quiet", f"refs/tags/{tag}").returncode == 0:
        raise UserError(f"OLD: git has the tag {tag} already ('{term}'). Name the term that ends now")
    return tag


def print_next_steps(tag: str, homes: str) -> None:
    """Print what is left to people."""
    print(f"\nThe tag {tag} is the old term: `git push origin {tag}`. Nothing is committed yet. Next:")
    for line in timetable.describe_dates():
        print(f"  {line}")
    print("  make check, make seats, and commit: the merge deploys the new term")
    if asked := [join_keys(path) for path, recipe in generation.list_recipes().items() if not recipe["how"]]:
        print(f"  make secrets-set, with new values of the provider, for {', '.join(asked)}")
    if homes == "keep":
        archive = f"make archive ENV=prod TO={term_homes.find_folder(tag)}"
        print(f"  the students' homes are as they were; `{archive}` archives them")
        print(f"  to empty them, take this back (`git checkout . && git tag --delete {tag}`), and add HOMES=empty")
    else:
        print(f"  keep the archives of the homes: {term_homes.find_folder(tag)}")
