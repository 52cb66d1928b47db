"""The age keys of people and pipelines, and the recipients of an environment in .sops.yaml."""

import getpass
import os
import re

from deployer import files
from deployer.errors import UserError
from deployer.paths import ROOT, SOPS_RULES, secrets_file
from deployer.process import find_tool, read_output, run
from deployer.secrets import rules, sops
from deployer.yaml_files import read_text

RECIPIENT = re.compile(r"age1[a-z0-9]{20,}")
KEY = re.compile(r"^AGE-SECRET-KEY-\S+", re.M)
PIPELINE = "pipeline"


def list_own_recipients() -> list[str]:
    """Return the recipients whose keys are on this machine."""
    sops.require_private_key_file()
    file = sops.find_key_file()
    text = os.environ.get("SOPS_AGE_KEY", "") + "\n" + (read_text(file) if file.is_file() else "")
    return [read_output(find_tool("age-keygen"), "-y", text=key + "\n").strip() for key in KEY.findall(text)]


def generate_key() -> tuple[str, str]:
    """Return a new key as age-keygen writes it, in memory, and its recipient."""
    text = read_output(find_tool("age-keygen"))
    found = RECIPIENT.search(text)
    if not found or not KEY.search(text):
        raise UserError("age-keygen has not printed a key: run `mise install`, which installs the pinned version")
    return text, found[0]


def add_own_key() -> str:
    """Add a new key at the end of the key file, which nobody else can read. Returns its recipient."""
    file = sops.find_key_file()
    if file.resolve().is_relative_to(ROOT):
        raise UserError(
            f"SOPS_AGE_KEY_FILE: {file} is inside the repository, where no key belongs. Unset it, or move the file"
        )
    sops.require_private_key_file()
    text, recipient = generate_key()
    before = read_text(file) if file.is_file() else ""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    files.write_text(file, before + ("" if not before or before.endswith("\n") else "\n") + text, mode=0o600)
    return recipient


def find_recipient_block(text: str, env: str) -> re.Match[str]:
    """Return the recipients of an environment in the text of .sops.yaml."""
    start = re.escape(rf"  - path_regex: ^secrets/{env}\.yaml$")
    found = re.search(rf"(?<={start}\n)((?:    .*\n)*?)    age:(?: \[\]\n|\n(?:      - .*\n)+)", text)
    if not found:
        raise UserError(
            f".sops.yaml: the rule of secrets/{env}.yaml has no list `age:` with one recipient on each line"
        )
    return found


def read_names(env: str) -> dict[str, str]:
    """Return the recipients of an environment with the names beside them."""
    block = find_recipient_block(read_text(SOPS_RULES), env)[0]
    names = dict(re.findall(r"^ +- (age1\S+)(?: +# (.*))?$", block, re.M))
    return {recipient: names.get(recipient, "") for recipient in rules.list_recipients(env)}


def write_recipients(env: str, recipients: dict[str, str]) -> None:
    """Put the recipients into .sops.yaml, and encrypt the file of an environment for them. All of it, or nothing."""
    before = read_text(SOPS_RULES)
    block = find_recipient_block(before, env)
    lines = [f"      - {recipient}{f'  # {name}' if name else ''}\n" for recipient, name in recipients.items()]
    after = f"{before[: block.start()]}{block[1]}    age:\n{''.join(lines)}{before[block.end() :]}"
    text = sops.decrypt(env) if secrets_file(env).exists() else ""
    files.write_text(SOPS_RULES, after)
    if text:
        try:
            sops.encrypt(env, text)
        except BaseException:
            files.write_text(SOPS_RULES, before)
            raise


def describe_person() -> str:
    """Return the name beside one's own recipient."""
    name = run("git", "config", "user.name").stdout.strip()
    return name if is_name(name) else getpass.getuser()


def is_name(name: str) -> bool:
    """Return whether a name can be a comment behind a recipient: printable, on one line, not the pipeline's."""
    return name.isprintable() and bool(name.strip()) and "#" not in name and name != PIPELINE


def share(env: str, recipient: str, name: str) -> None:
    """Let somebody open the secrets of an environment."""
    write_recipients(env, {**read_names(env), recipient: name})


def list_remaining(env: str, recipient: str) -> dict[str, str]:
    """Return the recipients without one. Raises UserError where that is not one, or nobody here could open the rest."""
    names = read_names(env)
    if recipient not in names:
        raise UserError(f"WITH: '{recipient}' is not a recipient of {env}. Write one that .sops.yaml names")
    remaining = {key: name for key, name in names.items() if key != recipient}
    if not set(remaining) & set(list_own_recipients()):
        raise UserError(f"WITH: only '{recipient}' opens secrets/{env}.yaml here. Ask somebody else to remove you")
    return remaining


def replace_own_key(env: str, old: list[str], recipient: str) -> None:
    """Put a recipient in the place of one's own."""
    kept = {key: name for key, name in read_names(env).items() if key not in old}
    write_recipients(env, {**kept, recipient: describe_person()})


def create_pipeline_key(env: str) -> str:
    """Return a new key for the pipeline of an environment, in the place of the one before. It is on no disk."""
    text, recipient = generate_key()
    kept = {key: name for key, name in read_names(env).items() if name != PIPELINE}
    write_recipients(env, {**kept, recipient: PIPELINE})
    # GitLab masks no value with a line break in it.
    return KEY.findall(text)[0]  # type: ignore[no-any-return]
