"""Make, change, show and renew the encrypted secrets. Plaintext stays in memory: sops gets it through its input."""

import argparse
import functools
import getpass
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from secrets import choice, token_hex

import yaml

import hub

# Without 0, O, 1, I and l, which people confuse when they copy a password from a slide.
LETTERS = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
RECIPE = re.compile(hub.FAKE + r"(?:(?P<how>hex|password)-(?P<length>[0-9]+)|ask)--(?P<what>[a-z0-9-]+)")
# What is a secret by its name, whether the template knows it or not.
CALLED_SECRET = re.compile(r"(?i)^jupyterhub\.hub\.(config|services)\..*(secret|password|token)$")
ENCRYPTED = re.compile(r"ENC\[AES256_GCM,data:[^,]*,iv:[^,]+,tag:[^,]+,type:[a-z]+\]")

Key = tuple[str | int, ...]


@functools.cache
def wanted() -> dict[Key, re.Match[str]]:
    """Every secret that the hub needs, with how it is made: the list is chart/ci/fake-secrets.yaml."""
    found = {}
    for path, fake in hub.leaves(hub.read(hub.FAKE_SECRETS)):
        if path == ("secretsFor",):
            continue
        recipe = RECIPE.fullmatch(str(fake))
        if not recipe:
            hub.stop(
                f"chart/ci/fake-secrets.yaml: {hub.dotted(path)} is '{fake}', which does not say how the real value is"
                f" made; the head of the file shows how, for example `{hub.FAKE}ask--api-key`"
            )
        found[path] = recipe
    return found


def new_value(env: str, path: Key) -> str:
    """A new value: random, or from whoever sits at the terminal, or a blank."""
    recipe = wanted()[path]
    if recipe["how"] == "hex":
        return token_hex(int(recipe["length"]) // 2)
    if recipe["how"] == "password":
        return "".join(choice(LETTERS) for _ in range(int(recipe["length"])))
    prompt = f"{env}: {recipe['what']} ({hub.dotted(path)}; not shown; Enter leaves it blank): "
    return (sys.stdin.isatty() and getpass.getpass(prompt).strip()) or hub.BLANK + recipe["what"]


def sops(*arguments: str | Path, text: str | None = None) -> str:
    """Run sops where it finds .sops.yaml. Stops with what it says."""
    try:
        return hub.output(hub.tool("sops"), *arguments, text=text)
    except subprocess.CalledProcessError as error:
        hub.stop(f"sops {arguments[0]}: {error.stderr.strip()}")


def rule(env: str) -> dict:
    """The rule in .sops.yaml by which an environment's file is encrypted."""
    for found in hub.read(hub.ROOT / ".sops.yaml").get("creation_rules") or []:
        if re.search(found.get("path_regex", ""), f"secrets/{env}.yaml"):
            return found
    hub.stop(f".sops.yaml has no rule for secrets/{env}.yaml: each environment has its own")


def ruled_recipients(env: str) -> list[str]:
    """Which keys shall open an environment's file, as .sops.yaml says."""
    found = rule(env)
    keys = []
    for kind in ("age", "kms", "gcp_kms", "azure_keyvault"):
        named = found.get(kind) or []
        keys += [key.strip() for key in named.split(",")] if isinstance(named, str) else named
    return keys


def ready(env: str) -> None:
    """Stop where nothing can be encrypted yet."""
    keys = ruled_recipients(env)
    if not keys:
        hub.stop(f".sops.yaml names no key for secrets/{env}.yaml: docs/secrets.md says which")
    for key in keys:
        if hub.BLANK in key:
            hub.stop(
                f".sops.yaml: the key of {env} is still '{key}'. docs/secrets.md has the commands that make one;"
                " put its name there, then run `make secrets` again"
            )


def nested(values: dict[Key, str]) -> dict:
    """Mappings and lists from paths; the paths of a list come in its order."""
    tree: dict = {}
    for path, value in values.items():
        node: dict | list = tree
        for key, following in zip(path, (*path[1:], None), strict=True):
            if isinstance(node, list) and key == len(node):
                node.append(None)
            child = node[key] if isinstance(node, list) or key in node else None
            if following is None:
                child = value
            elif child is None:
                child = [] if isinstance(following, int) else {}
            node[key] = child
            node = child
    return tree


def put(env: str, path: Key, value: str) -> None:
    """Set one value in an encrypted file; the others keep their ciphertext."""
    index = "".join(f"[{json.dumps(key)}]" for key in path)
    sops("set", "--value-stdin", hub.secrets_file(env), index, text=json.dumps(value))


def make(env: str) -> None:
    """Make what is missing in an environment's secrets, and ask for what is blank; nothing else changes."""
    file = hub.secrets_file(env)
    label = file.relative_to(hub.ROOT)
    if file.exists():
        values = dict(hub.leaves(yaml.safe_load(hub.decrypted(env))))
        missing = [path for path in wanted() if hub.BLANK in str(values.get(path, hub.BLANK))]
        asked = {path: new_value(env, path) for path in missing}
        made = {path: value for path, value in asked.items() if values.get(path) != value}
        for path, value in made.items():
            put(env, path, value)
    else:
        ready(env)
        made = asked = {path: new_value(env, path) for path in wanted()}
        plain = yaml.safe_dump({"secretsFor": env, **nested(made)}, sort_keys=False)
        cipher = sops("encrypt", "--filename-override", label, text=plain)
        file.parent.mkdir(exist_ok=True)
        file.write_text(cipher, encoding="utf-8")
    blank = [hub.dotted(path) for path, value in asked.items() if hub.BLANK in value]
    print(f"{label}: {f'{len(made)} made' if made else 'nothing is missing'}")
    if blank:
        print(f"{label}: left blank, and refused by deploys until `make secrets` has asked for it: {', '.join(blank)}")


def find(env: str, name: str) -> Key:
    """The path that a dotted name means, among the wanted and the present ones."""
    paths = [*wanted(), *(path for path, _ in hub.leaves(hub.read(hub.secrets_file(env))) if path[0] != "sops")]
    for path in paths:
        if hub.dotted(path) == name and path != ("secretsFor",):
            return path
    names = "\n  ".join(hub.dotted(path) for path in wanted())
    hub.stop(f"KEY is '{name}', which is no secret of {env}. These are:\n  {names}")


def change(env: str, name: str) -> None:
    """Set one value, from the terminal without showing it, or from a pipe."""
    hub.decrypted(env)
    path = find(env, name)
    value = getpass.getpass(f"{env}: new {name} (not shown): ") if sys.stdin.isatty() else sys.stdin.read()
    value = value.strip()
    if not value:
        hub.stop(f"{name} was not changed: the new value is empty")
    put(env, path, value)
    print(f"secrets/{env}.yaml: {name} is changed; commit the file and deploy")


def edit(env: str) -> None:
    """Open the decrypted file in an editor. sops writes it to a temporary file, which here is in memory."""
    people_only()
    hub.decrypted(env)
    memory = Path("/dev/shm")  # noqa: S108
    if not os.access(memory, os.W_OK):
        hub.stop(
            "an editor needs a file, and this machine has no /dev/shm to keep one in memory:"
            f" change values with `make secrets-set ENV={env} KEY=...`; `make secrets-show ENV={env}` lists them"
        )
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        environ = {**os.environ, "TMPDIR": folder}
        if not {"SOPS_EDITOR", "EDITOR"} & environ.keys():
            # Without a swap file and without the history of registers in the home folder.
            environ["EDITOR"] = "vim -n -i NONE"
        status = subprocess.run([hub.tool("sops"), "edit", hub.secrets_file(env)], cwd=hub.ROOT, env=environ).returncode
    if status == 200:
        print(f"secrets/{env}.yaml: nothing is changed")
    elif status:
        hub.stop(f"secrets/{env}.yaml: not changed, sops says above why")
    for problem in problems(env):
        hub.stop(problem)


def people_only() -> None:
    """Stop in a pipeline."""
    if os.environ.get("CI"):
        hub.stop("a pipeline keeps what it prints: secrets are shown to people only")


def show(env: str, name: str | None) -> None:
    """Print one value, or all."""
    people_only()
    values = yaml.safe_load(hub.decrypted(env))
    wanted_path = find(env, name) if name else None
    for path, value in hub.leaves(values):
        if path == wanted_path:
            print(value)
        elif not name and path != ("secretsFor",):
            print(f"{hub.dotted(path)}: {value}")


def reseal(env: str) -> None:
    """Encrypt for the keys that .sops.yaml names now, with a new data key."""
    if hub.secrets_file(env).exists():
        hub.decrypted(env)
        ready(env)
        sops("updatekeys", "--yes", hub.secrets_file(env))
        sops("rotate", "--in-place", hub.secrets_file(env))


def rotate(env: str, new: list[str]) -> None:
    """A new data key, and new values where they are wanted: 'values' means every random one."""
    paths = [find(env, name) for name in new if name != "values"]
    if "values" in new:
        paths += [path for path, recipe in wanted().items() if recipe["how"]]
    made = {path: new_value(env, path) for path in paths}
    for path, value in made.items():
        if hub.BLANK in value:
            hub.stop(
                f"{hub.dotted(path)} can only be renewed by its provider; then `make secrets-set ENV={env} KEY=...`"
            )
    reseal(env)
    for path, value in made.items():
        put(env, path, value)
    print(f"secrets/{env}.yaml: a new data key, {len(made)} new values; commit the file and deploy")
    effects = {"secretToken": "cuts every student's connection for some seconds", "cookieSecret": "signs everybody out"}
    for key in {path[-1] for path in made} & effects.keys():
        print(f"{env}: the next deploy {effects[key]}")


def problems(env: str) -> list[str]:
    """What is wrong with an environment's file, as far as one sees it without a key."""
    file = hub.secrets_file(env)
    label = f"secrets/{env}.yaml"
    try:
        text = file.read_text(encoding="utf-8")
        content = yaml.safe_load(text)
    except (UnicodeDecodeError, yaml.YAMLError):
        return [f"{label} is no YAML: take a good version (`git log {label}`)"]
    metadata = content.pop("sops", None) if isinstance(content, dict) else None
    if not isinstance(metadata, dict):
        return [hub.plaintext(env)]
    found = []
    plain = [hub.dotted(path) for path, value in hub.leaves(content) if not ENCRYPTED.fullmatch(str(value))]
    if comments := re.findall(r"^\s*#(?!ENC\[).*", text, re.M):
        plain += [f"{len(comments)} comments"]
    if plain := [name for name in plain if name != "secretsFor"]:
        found.append(f"{label} has values in plain text: {', '.join(plain)}. Change it with `make secrets-edit` only")
    if not ENCRYPTED.fullmatch(str(metadata.get("mac"))):
        found.append(f"{label} is not signed (sops.mac): take a good version (`git log {label}`)")
    if content.get("secretsFor") != env:
        found.append(f"{label} has the secrets of '{content.get('secretsFor')}' (secretsFor): it must be '{env}'")
    present, ruled = set(hub.recipients(metadata)), set(ruled_recipients(env))
    if present != ruled:
        only = ", ".join(sorted(present ^ ruled))
        found.append(
            f"{label} is not encrypted for the keys that .sops.yaml names ({only}): `make secrets-rotate ENV={env}`"
        )
    names = {path for path, _ in hub.leaves(content)} - {("secretsFor",)}
    if missing := sorted(hub.dotted(path) for path in wanted().keys() - names):
        found.append(f"{label} has no {', '.join(missing)}: run `make secrets`, which makes it")
    if unknown := sorted(hub.dotted(path) for path in names - wanted().keys()):
        found.append(
            f"{label} has {', '.join(unknown)}, which chart/ci/fake-secrets.yaml has not: add it there, so that the hub"
            " renders without keys as it does with them, or remove it with `make secrets-edit`"
        )
    return found


def misplaced() -> list[str]:
    """Secrets that stand in a file which git has in plain text."""

    def names(path: Key) -> Key:
        return tuple(key for key in path if isinstance(key, str))

    def real(value: object) -> bool:
        return isinstance(value, str) and value != "" and hub.BLANK not in value

    found = []
    for file in [hub.CHART / "values.yaml", *sorted((hub.ROOT / "config").glob("*.yaml"))]:
        env = file.stem if file.stem in hub.ENVIRONMENTS else "prod"
        label = file.relative_to(hub.ROOT)
        values = list(hub.leaves(hub.read(file)))
        for path, value in values:
            key = names(path)
            if CALLED_SECRET.search(hub.dotted(key)) and key not in map(names, wanted()) and real(value):
                fake = f"{hub.FAKE}ask--{re.sub('[^a-z0-9]+', '-', str(key[-1]).lower())}"
                found.append(
                    f"{label}: {hub.dotted(path)} is a secret; take it out there, give the key the value `{fake}` in"
                    " chart/ci/fake-secrets.yaml, and run `make secrets`"
                )
        for secret in wanted():
            # Whatever stands there: a list may have become a text, or a text a list.
            below = (value for path, value in values if names(path)[: len(names(secret))] == names(secret))
            if any(value not in (None, "") and hub.BLANK not in str(value) for value in below):
                found.append(
                    f"{label}: {hub.dotted(names(secret))} is a secret; take it out there and use"
                    f" `make secrets-set ENV={env} KEY={hub.dotted(secret)}`"
                )
    return found


def check() -> None:
    """Refuse what must not be committed or could not be deployed. Needs no key."""
    wanted()
    folder = hub.ROOT / "secrets"
    files = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if not file.is_dir()}
    expected = {f"{env}.yaml" for env in hub.ENVIRONMENTS}
    found = [
        f"secrets/{name} is no file of an environment: only encrypted ones live there, {' and '.join(sorted(expected))}"
        for name in sorted(files - expected)
    ]
    for env in hub.ENVIRONMENTS:
        if f"{env}.yaml" in files:
            found += problems(env)
        elif files:
            found.append(f"secrets/{env}.yaml is not there: run `make secrets`, and commit what it writes")
    found += misplaced()
    if found:
        hub.stop("\n".join(found))
    if blanks := hub.blanks():
        print(f"blanks: refused by deploys until they are filled in: {', '.join(blanks)}")
    if files:
        print("secrets: every one that the hub needs is there, encrypted; `make secrets` asks for those that are blank")
    else:
        print("secrets: there are none yet; `make secrets` makes them before the first deploy")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", choices=["make", "check", "edit", "set", "show", "rotate"])
    parser.add_argument("--env", choices=hub.ENVIRONMENTS, help="only this environment")
    parser.add_argument("--key", help="a secret, by the keys that lead to it")
    parser.add_argument("--new", nargs="*", default=[], help="secrets to make anew; 'values': every random one")
    given = parser.parse_args()
    envs = [given.env] if given.env else hub.ENVIRONMENTS
    if given.action == "check":
        check()
    elif given.action in ("make", "rotate"):
        for env in envs:
            make(env) if given.action == "make" else rotate(env, given.new)
    elif not given.env or (given.action == "set" and not given.key):
        hub.stop(f"say which: `make secrets-{given.action} ENV=prod{' KEY=...' if given.action == 'set' else ''}`")
    elif given.action == "set":
        change(given.env, given.key)
    elif given.action == "show":
        show(given.env, given.key)
    else:
        edit(given.env)


if __name__ == "__main__":
    main()
