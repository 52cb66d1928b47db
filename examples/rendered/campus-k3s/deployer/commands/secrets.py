"""Create, check, change, show and rotate the encrypted secrets. Plaintext stays in memory."""

import argparse
import getpass
import os
import sys
import tempfile

import yaml

from deployer import marks, units
from deployer.commands.options import add_environment, list_environments
from deployer.errors import UserError
from deployer.paths import ENVIRONMENTS, label, secrets_file
from deployer.secrets import forgetting, generation, identity, rejection, requirements, rules, sops
from deployer.yaml_files import KeyPath, join_keys, list_leaves, read_mapping

# A file system in memory, for the editor's file.
MEMORY = "/dev/shm"  # noqa: S108
# What the next deploy of a new value does.
EFFECTS = {
    "secretToken": "cuts every student's connection for some seconds",
    "cookieSecret": "signs everybody out",
    "RESTIC_PASSWORD": "cannot open the backups, unless `restic key passwd` gives them this password",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=["make", "check", "edit", "set", "show", "rotate", "forget"])
    add_environment(parser, required=False)
    parser.add_argument("--key", help="a secret, by the keys that lead to it")
    parser.add_argument("--moved", action="store_true", help="the repository has another address than before")
    parser.add_argument(
        "--new", default="", help="secrets to generate again, separated by spaces; values: every random one"
    )


def run(arguments: argparse.Namespace) -> None:
    action, env, key = arguments.action, arguments.env, arguments.key
    if action == "check":
        print_secrets_check()
    elif action in ("make", "rotate"):
        for each in list_environments(arguments):
            make(each, arguments.moved) if action == "make" else rotate(each, arguments.new.split())
    elif action == "forget":
        forgetting.require_committed()
        forgetting.forget_secrets()
        print("Removed: the secrets, and everyone who could open them. `make secrets` creates new ones")
    elif not env or (action == "set" and not key):
        which = " KEY=..." if action == "set" else ""
        raise UserError(f"{'KEY' if env else 'ENV'}: missing. Run `make secrets-{action} ENV={env or 'prod'}{which}`")
    elif action == "set":
        set_secret(env, key)
    elif action == "show":
        show(env, key)
    else:
        edit(env)


def print_secrets_check() -> None:
    """Raise UserError for what must not be committed. Print which blanks are left, and whether there are secrets."""
    if problems := rejection.list_problems():
        raise UserError("\n".join(problems))
    if blanks := marks.list_blanks():
        print(f"blanks: rejected by deploys until they are filled in: {', '.join(blanks)}")
    for file in (secrets_file(env) for env in ENVIRONMENTS):
        if file.is_file() and not identity.is_complete(file.stem, read_mapping(file).get("secretsFor")):
            print(f"{label(file)}: it does not say which repository it belongs to (secretsFor): run `make secrets`")
    if rejection.list_secret_files():
        print("secrets: every one that the hub needs is there, encrypted; `make secrets` asks for those that are blank")
    else:
        print("secrets: there are none yet; `make secrets` makes them before the first deploy")


def ask_or_generate(env: str, path: KeyPath) -> str:
    """Return a new value: random, or from the person at the terminal, or a blank."""
    recipe = generation.list_recipes()[path]
    value = generation.generate(recipe)
    if not value and sys.stdin.isatty():
        prompt = f"{env}: {recipe['what']} ({join_keys(path)}; not shown; Enter leaves it blank): "
        value = getpass.getpass(prompt).strip()
    return value or marks.BLANK + recipe["what"]


def make(env: str, moved: bool = False) -> None:
    """Generate what is missing in the secrets of an environment, and ask for what is blank; nothing else changes."""
    file = secrets_file(env)
    present: dict[KeyPath, object] = {}
    if file.exists():
        present = dict(list_leaves(yaml.safe_load(sops.decrypt(env, moved))))
    else:
        rules.require_recipients(env)
    wanted = generation.list_recipes()
    missing = [path for path in wanted if marks.BLANK in str(present.get(path, marks.BLANK))]
    values = {path: ask_or_generate(env, path) for path in missing}
    made = {path: value for path, value in values.items() if present.get(path) != value}
    owner = present.get(generation.OWNER)
    if present and (moved or not identity.is_complete(env, owner)):
        made[generation.OWNER] = identity.describe_owner(env)
    if not present:
        plain = generation.fill_in({**made, generation.OWNER: identity.describe_owner(env)})
        sops.encrypt(env, yaml.safe_dump(plain, sort_keys=False))
    elif made:
        sops.set_values(env, made)
    print(f"{label(file)}: {f'{len(made)} generated' if made else 'nothing is missing'}")
    if blank := [join_keys(path) for path, value in values.items() if marks.BLANK in value]:
        names = ", ".join(blank)
        print(f"{label(file)}: left blank, and rejected by deploys until `make secrets` has asked for it: {names}")


def find_secret(env: str, name: str) -> KeyPath:
    """Return the path that a dotted name means, of those that the hub needs and those that are there."""
    present = (path for path, _ in list_leaves(read_mapping(secrets_file(env))) if path[0] != "sops")
    for path in [*generation.list_recipes(), *present]:
        if join_keys(path) == name and path != generation.OWNER:
            return path
    names = "\n  ".join(join_keys(path) for path in generation.list_recipes())
    raise UserError(f"KEY: '{name}' is not a secret of {env}. Write one of these:\n  {names}")


def set_secret(env: str, name: str) -> None:
    """Set one value, from the terminal without showing it, or from a pipe."""
    present = read_named(env)
    path = find_secret(env, name)
    value = getpass.getpass(f"{env}: new {name} (not shown): ") if sys.stdin.isatty() else sys.stdin.read()
    if not (value := value.strip()):
        raise UserError(f"{name} was not changed: the new value is empty")
    if gap := requirements.find_gap(name, {**present, name: value}):
        raise UserError(f"{gap}. Nothing was changed: enter another with the same command")
    sops.set_values(env, {path: value})
    print(f"secrets/{env}.yaml: {name} is changed; commit the file and deploy")


def read_named(env: str) -> dict[str, str]:
    """Return the secrets of an environment by their keys, in memory only."""
    return {join_keys(path): str(value) for path, value in list_leaves(yaml.safe_load(sops.decrypt(env)))}


def edit(env: str) -> None:
    """Open the decrypted file in an editor."""
    reject_pipeline()
    sops.decrypt(env)
    if not os.access(MEMORY, os.W_OK):
        raise UserError(
            f"an editor needs a file, and this machine has no {MEMORY} to keep one in memory: change values with "
            f"`make secrets-set ENV={env} KEY=...`; `make secrets-show ENV={env}` lists them"
        )
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        if not sops.edit(env, folder):
            print(f"secrets/{env}.yaml: nothing is changed")
    present = read_named(env)
    gaps = [
        f"{gap}. Change it with the same command" for key in present if (gap := requirements.find_gap(key, present))
    ]
    if problems := rejection.list_file_problems(env) + gaps:
        raise UserError("\n".join(problems))


def reject_pipeline() -> None:
    """Raise UserError in a pipeline."""
    if os.environ.get("CI"):
        raise UserError("a pipeline keeps what it prints: secrets are shown to people only")


def show(env: str, name: str | None) -> None:
    """Print one value, or all."""
    reject_pipeline()
    present = list_leaves(yaml.safe_load(sops.decrypt(env)))
    wanted = find_secret(env, name) if name else None
    for path, value in present:
        if path == wanted:
            print(value)
        elif not name and path != generation.OWNER:
            print(f"{join_keys(path)}: {value}")


def rotate(env: str, new: list[str]) -> None:
    """Encrypt again with a new data key, and new values where they are wanted: 'values' means every random one."""
    plain = sops.decrypt(env)
    wanted = generation.list_recipes()
    paths = [find_secret(env, name) for name in new if name != "values"]
    # A repository of restic opens with the password with which it was made.
    paths += [path for path, recipe in wanted.items() if recipe["how"] and "values" in new and path[0] != "backup"]
    values = {path: ask_or_generate(env, path) for path in paths}
    for path, value in values.items():
        if marks.BLANK in value:
            raise UserError(
                f"{join_keys(path)} can only be renewed by its provider; then `make secrets-set ENV={env} KEY=...`"
            )
    rules.require_recipients(env)
    sops.encrypt(env, plain, values)
    count = units.format_count(len(values), "new value")
    print(f"secrets/{env}.yaml: a new data key, {count}; commit the file and deploy")
    if "values" in new:
        kept = [join_keys(path) for path, recipe in wanted.items() if recipe["how"] and path not in values]
        print("".join(f"{key} is kept: the backups open with it (docs/homes.md)\n" for key in kept), end="")
    for key in {str(path[-1]) for path in values} & EFFECTS.keys():
        print(f"{env}: the next deploy {EFFECTS[key]}")
