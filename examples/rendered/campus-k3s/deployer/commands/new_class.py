"""Make a hub for another class from this one: what must differ is asked for, the rest is kept, the secrets are new."""

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from deployer import answers, copier, files, git, timetable
from deployer.commands import secrets
from deployer.commands.options import add_answers, may_ask, read_given
from deployer.errors import UserError
from deployer.marks import BLANK
from deployer.paths import CONFIG, ENVIRONMENTS, ROOT, list_files, secrets_file
from deployer.process import read_output
from deployer.secrets import forgetting, identity, rules
from deployer.yaml_files import find_conflicts, read_mapping, read_text

# Answers that another class does not take over. Without a terminal, each one that is not empty is required.
OWN = (
    "course_title",
    "hub_domain",
    "admin_users",
    "sign_in_allow",
    "image_name",
    "course_content",
    "class_times",
    "term_ends",
)
# Asked for as well; the old answers may do.
ASKED = ("cluster_name", "contact_email", "students", "peak_students")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", default="", help="the name of the new hub")
    parser.add_argument("--here", action="store_true", help="change this repository, which is a fork")
    add_answers(parser)


def run(arguments: argparse.Namespace) -> None:
    name = arguments.name
    old, given = copier.read_answers(), {**read_given(arguments), "hub_name": name}
    if "hub_name" not in old:
        file = copier.ANSWERS.name
        raise UserError(f"{file}: hub_name is missing. `git checkout -- {file}` brings the answers back")
    require_name(name, old)
    require_own(old, given, may_ask(arguments))
    git.require_clean_worktree()
    if arguments.here or is_fork():
        change_this_repository(old, given, may_ask(arguments))
        print_next_steps(name, ROOT)
    else:
        write_beside(ROOT.parent / name, arguments)


def require_name(name: str, old: dict[str, str]) -> None:
    """Raise UserError where the name cannot be that of another hub."""
    if not re.fullmatch(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?", name):
        raise UserError(
            f"NAME: '{name}' is not a name of lower-case letters, digits and hyphens, 40 at most, a letter first. "
            "Write one, such as `make new-class NAME=stat-102`"
        )
    if name == old["hub_name"]:
        raise UserError(f"NAME: '{name}' is this hub's, and two hubs of one name would be one. Choose another")


def require_own(old: dict[str, str], given: dict[str, str], ask: bool) -> None:
    """Raise UserError where an answer of this class would silently become that of the new one."""
    missing = [] if ask else [key for key in OWN if old.get(key) and key not in given]
    if missing:
        lines = "\n".join(f"  {key}: '{old[key]}'" for key in missing)
        raise UserError(
            f"These answers are this class's, and a new class needs its own (or '' for none):\n{lines}\n"
            "Put all of them into a YAML file, and run `make new-class NAME=... ANSWERS=FILE`"
        )
    require_other_domain(old, given)


def require_other_domain(old: dict[str, str], new: dict[str, str]) -> None:
    """Raise UserError where two hubs would have one address."""
    if new.get("hub_domain") and new["hub_domain"] == old.get("hub_domain"):
        raise UserError(f"hub_domain: '{old['hub_domain']}' is the address of {old['hub_name']}. Choose another")


def is_fork() -> bool:
    """Return whether the secrets here are those of another repository: this one was forked for the new class."""
    present = {env: secrets_file(env) for env in ENVIRONMENTS if secrets_file(env).is_file()}
    owners = {env: read_mapping(file).get("secretsFor") for env, file in present.items()}
    return any(identity.find_problem(env, owner) for env, owner in owners.items())


def write_beside(folder: Path, arguments: argparse.Namespace) -> None:
    """Write the new repository beside this one, from the commit here, without its history: no old secret is in it."""
    if folder.exists():
        raise UserError(f"{folder} is there already. Choose another NAME, or remove it")
    try:
        with git.check_out(git.find_head()) as root:
            shutil.copytree(root, folder, symlinks=True)
        (folder / ".git").unlink()
        shutil.rmtree(folder / "secrets", ignore_errors=True)
        read_output("git", "init", "--quiet", "--initial-branch=main", folder)
        git.commit_all("Copy", folder)
        command = [sys.executable, "-m", "deployer", "new-class", "--name", arguments.name, "--here"]
        if arguments.answers:
            command += ["--answers", str(Path(arguments.answers).absolute())]
        if subprocess.run(command, cwd=folder).returncode:
            raise UserError(f"{folder} was removed again; this repository is as it was")
        shutil.rmtree(folder / ".git")
        read_output("git", "init", "--quiet", "--initial-branch=main", folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def change_this_repository(old: dict[str, str], given: dict[str, str], ask: bool) -> None:
    """Make the repository that of the new class, in the working tree only. It is as it was where that fails."""
    if "cluster_name" not in old:
        # Answers from before this question: the cluster had the name of the hub.
        given = {"cluster_name": old["hub_name"], **given}
    with answers.change(given, (*OWN, *ASKED), ask):
        require_other_domain(old, copier.read_answers())
        forget_share()
        forgetting.forget_secrets()
    make_secrets()


def forget_share() -> None:
    """Make the path of the NFS share a blank: on the old one, students of one name would have one home in both hubs."""
    file = CONFIG / "hub.yaml"
    text = read_text(file)
    files.write_text(file, re.sub(r"(?m)^(nfs:\n(?:  .*\n)*?  path:) .*$", rf"\1 /{BLANK}nfs-path", text))


def make_secrets() -> None:
    """Make the new secrets, unless the key that encrypts them must be created first."""
    for env in ENVIRONMENTS:
        try:
            rules.require_recipients(env)
        except UserError as error:
            print(error)
            return
        secrets.make(env)


def print_next_steps(name: str, folder: Path) -> None:
    """Print what is left to people."""
    conflicts = [message for file in list_files() for message in find_conflicts(file)]
    where = os.path.relpath(folder, os.environ.get("PWD", "."))
    print(f"\nThis repository is {name} now. Next:" if where == "." else f"\n{name} is in {where}. Next, there:")
    if conflicts:
        print("\n".join(f"  {message}" for message in conflicts))
    for line in timetable.describe_dates():
        print(f"  {line}")
    print(
        "  make check, and read what has changed: it is not committed yet\n"
        "  'The first time' in README.md, from its second step: the repository, the blanks, `make secrets` once more,\n"
        "  which records the repository in the secrets, and new keys for the pipeline: the old ones open nothing here."
    )
