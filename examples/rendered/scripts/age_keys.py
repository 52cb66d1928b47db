"""Who can open the secrets: age keys, and the recipients in .sops.yaml."""

import argparse
import getpass
import os
import re
import subprocess
import sys
from pathlib import Path

import hub
import manage_secrets

RULES = hub.ROOT / ".sops.yaml"
RECIPIENT = re.compile(r"age1[a-z0-9]{20,}")
PIPELINE = "pipeline"


def key_file() -> Path:
    """Where sops looks for the keys of a person."""
    if given := os.environ.get("SOPS_AGE_KEY_FILE"):
        return Path(given).expanduser().absolute()
    home = Path.home() / ("Library/Application Support" if sys.platform == "darwin" else ".config")
    return Path(os.environ.get("XDG_CONFIG_HOME") or home) / "sops" / "age" / "keys.txt"


def own() -> list[str]:
    """The recipients whose keys are on this machine."""
    file = key_file()
    text = os.environ.get("SOPS_AGE_KEY", "") + "\n" + (file.read_text(encoding="utf-8") if file.is_file() else "")
    keys = re.findall(r"^AGE-SECRET-KEY-\S+", text, re.M)
    return [hub.output(hub.tool("age-keygen"), "-y", text=key + "\n").strip() for key in keys]


def pair() -> tuple[str, str]:
    """A new key as age-keygen writes it, in memory, and its recipient."""
    text = hub.output(hub.tool("age-keygen"))
    return text, RECIPIENT.search(text)[0]


def new_own() -> str:
    """A new key at the end of the key file, which nobody else can read. Returns its recipient."""
    file = key_file()
    if file.resolve().is_relative_to(hub.ROOT):
        hub.stop(
            f"SOPS_AGE_KEY_FILE is {file}, inside the repository, where no key belongs: unset it, or move the file"
        )
    text, recipient = pair()
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open(os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600), "r+", encoding="utf-8") as keys:
        before = keys.read()
        keys.write(("" if not before or before.endswith("\n") else "\n") + text)
    print(f"Your key is in {file}. Keep a copy where you keep your passwords: without a key the secrets are lost.")
    return recipient


def named(env: str) -> dict[str, str]:
    """The recipients of an environment with the names that stand beside them."""
    lines = dict(re.findall(r"^ +- (age1\S+)(?: +# (.*))?$", block(RULES.read_text(encoding="utf-8"), env)[0], re.M))
    return {recipient: lines.get(recipient, "") for recipient in manage_secrets.ruled_recipients(env)}


def block(text: str, env: str) -> re.Match[str]:
    """The recipients of an environment in the text of .sops.yaml."""
    start = re.escape(rf"  - path_regex: ^secrets/{env}\.yaml$")
    rule = rf"(?<={start}\n)((?:    .*\n)*?)    age:(?: \[\]\n|\n(?:      - .*\n)+)"
    return re.search(rule, text) or hub.stop(
        f".sops.yaml: the rule of secrets/{env}.yaml has no list `age:` with one recipient on each line"
    )


def write(env: str, recipients: dict[str, str]) -> None:
    """Put the recipients into .sops.yaml, and encrypt the environment's file for them. All of it, or nothing."""
    text = RULES.read_text(encoding="utf-8")
    lines = [f"      - {recipient}{f'  # {name}' if name else ''}\n" for recipient, name in recipients.items()]
    found = block(text, env)
    RULES.write_text(
        text[: found.start()] + found[1] + "    age:\n" + "".join(lines) + text[found.end() :], encoding="utf-8"
    )
    try:
        manage_secrets.reseal(env)
    except BaseException:
        RULES.write_text(text, encoding="utf-8")
        raise


def who() -> str:
    """What stands beside one's own recipient."""
    git = subprocess.run(["git", "config", "user.name"], capture_output=True, text=True, cwd=hub.ROOT).stdout.strip()
    return git or getpass.getuser()


def mine() -> None:
    """A key of one's own; the first person's becomes the recipient of both environments."""
    keys = own()
    ruled = {env: manage_secrets.ruled_recipients(env) for env in hub.ENVIRONMENTS}
    if any(ruled.values()) and set(keys) & set().union(*ruled.values()):
        return
    recipient = keys[0] if keys else new_own()
    if any(ruled.values()):
        hub.stop(
            "The secrets are here, and encrypted for others. Ask one of them to let you in:\n"
            f"  make secrets-share WITH={recipient} NAME='{who()}'"
        )
    for env in hub.ENVIRONMENTS:
        write(env, {recipient: who()})


def share(envs: list[str], recipient: str, name: str) -> None:
    """Let somebody open the secrets."""
    if not RECIPIENT.fullmatch(recipient):
        hub.stop(f"WITH is '{recipient}', which is no recipient: it starts with age1, and `age-keygen -y` prints it")
    if not re.fullmatch(r"[^\n#]+", name) or name == PIPELINE:
        hub.stop("NAME is what stands beside the recipient in .sops.yaml: NAME='Ada Lovelace'")
    for env in envs:
        write(env, {**named(env), recipient: name})
    print("Commit .sops.yaml and secrets/; after that they open the secrets of " + " and ".join(envs))


def unshare(envs: list[str], recipient: str) -> None:
    """Take somebody out. What they have seen they still know."""
    for env in envs:
        left = {key: name for key, name in named(env).items() if key != recipient}
        if len(left) == len(named(env)):
            hub.stop(f"WITH is '{recipient}', which .sops.yaml does not name for {env}")
        if not set(left) & set(own()):
            hub.stop(f"without {recipient} nobody here could open secrets/{env}.yaml: somebody else takes you out")
    for env in envs:
        write(env, {key: name for key, name in named(env).items() if key != recipient})
    print(
        f"{recipient} opens no new version of the secrets of {' and '.join(envs)}, but the old ones in git's history."
        " To make those worthless: `make secrets-rotate NEW=values`"
    )
    asked = [hub.dotted(path) for path, recipe in manage_secrets.wanted().items() if not recipe["how"]]
    if asked:
        print(f"and `make secrets-set`, with new values from the provider, for {', '.join(asked)}")


def renew(envs: list[str]) -> None:
    """A new key in the place of one's own."""
    old = own()
    recipient = new_own()
    for env in envs:
        kept = {key: name for key, name in named(env).items() if key not in old}
        write(env, {**kept, recipient: who()})
    print("Commit .sops.yaml and secrets/. The old key stays in the file: it opens the history, and other hubs.")


def pipeline(env: str) -> None:
    """A new key for the pipeline of an environment, to the standard output: it is on no disk."""
    if sys.stdout.isatty():
        hub.stop(f"this prints a key, for the next command to read: docs/secrets.md has the whole line for {env}")
    text, recipient = pair()
    write(env, {**{key: name for key, name in named(env).items() if name != PIPELINE}, recipient: PIPELINE})
    # GitLab masks no value with a line break in it.
    print(re.search(r"^AGE-SECRET-KEY-\S+", text, re.M)[0], end="")
    print("Commit .sops.yaml and secrets/. Run again, this makes another key and takes this one out.", file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", choices=["mine", "share", "unshare", "renew", "pipeline"])
    parser.add_argument("--env", choices=hub.ENVIRONMENTS, help="only this environment")
    parser.add_argument("--with", dest="recipient", default="", help="a recipient, age1...")
    parser.add_argument("--name", default="", help="whose it is")
    given = parser.parse_args()
    envs = [given.env] if given.env else list(hub.ENVIRONMENTS)
    if given.action == "mine":
        mine()
    elif given.action == "share":
        share(envs, given.recipient, given.name)
    elif given.action == "unshare":
        unshare(envs, given.recipient)
    elif given.action == "renew":
        renew(envs)
    elif given.env:
        pipeline(given.env)
    else:
        hub.stop("say which: `make secrets-pipeline-key ENV=prod`")


if __name__ == "__main__":
    main()
