"""Who can open the secrets: age keys, and the recipients in .sops.yaml."""

import argparse
import shlex
import sys

from deployer.commands.options import add_environment, list_environments
from deployer.errors import UserError
from deployer.paths import ENVIRONMENTS
from deployer.secrets import generation, keys, rules, sops
from deployer.yaml_files import join_keys


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=["mine", "share", "unshare", "renew", "pipeline"])
    add_environment(parser, required=False)
    parser.add_argument("--with", dest="recipient", default="", help="a recipient, age1...")
    parser.add_argument("--name", default="", help="whose it is")


def run(arguments: argparse.Namespace) -> None:
    envs = list_environments(arguments)
    if arguments.action == "mine":
        create_own_key()
    elif arguments.action == "share":
        share(envs, arguments.recipient, arguments.name)
    elif arguments.action == "unshare":
        unshare(envs, arguments.recipient)
    elif arguments.action == "renew":
        renew(envs)
    elif arguments.env:
        print_pipeline_key(arguments.env)
    else:
        raise UserError("ENV: missing. Run `make secrets-pipeline-key ENV=prod`")


def add_own_key() -> str:
    """Add a key to one's key file, and say where it is. Returns its recipient."""
    recipient = keys.add_own_key()
    print(
        f"Your key is in {sops.find_key_file()}. Keep a copy where you keep your passwords: without a key the "
        "secrets are lost."
    )
    return recipient


def create_own_key() -> None:
    """Create a key of one's own, where there is none; the first person's becomes the recipient of both environments."""
    own = keys.list_own_recipients()
    shared = {recipient for env in ENVIRONMENTS for recipient in rules.list_recipients(env)}
    if shared & set(own):
        return
    recipient = own[0] if own else add_own_key()
    if shared:
        raise UserError(
            "The secrets are here, and encrypted for others. Ask one of them to share them with you:\n"
            f"  make secrets-share WITH={recipient} NAME={shlex.quote(keys.describe_person())}"
        )
    for env in ENVIRONMENTS:
        keys.write_recipients(env, {recipient: keys.describe_person()})


def share(envs: list[str], recipient: str, name: str) -> None:
    """Let somebody open the secrets."""
    if not keys.RECIPIENT.fullmatch(recipient):
        raise UserError(
            f"WITH: {recipient!r} is not a recipient. Write one, which starts with age1: `age-keygen -y` prints it"
        )
    if not keys.is_name(name):
        raise UserError(
            f"NAME: {name!r} cannot be beside the recipient in .sops.yaml. Write a name on one line without #, such as "
            "NAME='Ada Lovelace'"
        )
    for env in envs:
        keys.share(env, recipient, name)
    print(f"Commit .sops.yaml and secrets/; after that they open the secrets of {' and '.join(envs)}")


def unshare(envs: list[str], recipient: str) -> None:
    """Remove a person. They still know the secrets that they have seen."""
    remaining = {env: keys.list_remaining(env, recipient) for env in envs}
    for env in envs:
        keys.write_recipients(env, remaining[env])
    print(
        f"{recipient} opens no new version of the secrets of {' and '.join(envs)}, but the old ones in git's history. "
        "To make those worthless: `make secrets-rotate ENV=… NEW=values`"
    )
    if asked := [join_keys(path) for path, recipe in generation.list_recipes().items() if not recipe["how"]]:
        print(f"and `make secrets-set ENV=… KEY=…`, with new values from the provider, for {', '.join(asked)}")


def renew(envs: list[str]) -> None:
    """Put a new key in the place of one's own."""
    old = keys.list_own_recipients()
    recipient = add_own_key()
    for env in envs:
        keys.replace_own_key(env, old, recipient)
    print("Commit .sops.yaml and secrets/. The old key stays in the file: it opens the history, and other hubs.")


def print_pipeline_key(env: str) -> None:
    """Print a new key for the pipeline of an environment, for another command to read."""
    if sys.stdout.isatty():
        raise UserError(f"this prints a key for another command to read: docs/secrets.md has the whole line for {env}")
    print(keys.create_pipeline_key(env), end="")
    print("Commit .sops.yaml and secrets/. Run again, this creates another key and removes this one.", file=sys.stderr)
