"""What `make check` and the hook of pre-commit reject. Needs no key."""

import re

import yaml

from deployer import marks, units
from deployer.paths import CHART_VALUES, CONFIG, ENVIRONMENTS, ROOT, label, secrets_file
from deployer.secrets import generation, identity, rules, sops
from deployer.yaml_files import KeyPath, YamlMapping, join_keys, list_leaves, read_mapping

# What is a secret by its name, whether the template knows it or not.
CALLED_SECRET = re.compile(r"(?i)^jupyterhub\.hub\.(config|services)\..*(secret|password|token)$")
ENCRYPTED = re.compile(r"ENC\[AES256_GCM,data:[^,]*,iv:[^,]+,tag:[^,]+,type:[a-z]+\]")
FOLDER = ROOT / "secrets"


def list_secret_files() -> set[str]:
    """Return the files in secrets/, by their names below it."""
    return {file.relative_to(FOLDER).as_posix() for file in FOLDER.rglob("*") if not file.is_dir()}


def list_problems() -> list[str]:
    """Return what must not be committed or could not be deployed."""
    generation.list_recipes()
    present = list_secret_files()
    expected = {f"{env}.yaml" for env in ENVIRONMENTS}
    lost = find_lost_staging()
    found = (
        [lost]
        if lost
        else [
            f"secrets/{name} is not the file of an environment: only {' and '.join(sorted(expected))} are allowed there"
            for name in sorted(present - expected)
        ]
    )
    for env in ENVIRONMENTS:
        if f"{env}.yaml" in present:
            found += list_file_problems(env)
        elif present:
            found.append(f"secrets/{env}.yaml is missing: run `make secrets`, and commit what it writes")
    return found + list_misplaced()


def find_lost_staging() -> str:
    """Return a message where staging has secrets and no values: it was removed by mistake, or in part."""
    if "staging" in ENVIRONMENTS or not secrets_file("staging").is_file():
        return ""
    return (
        "config/staging.yaml is missing, and secrets/staging.yaml is there. Take it back from git (`git log -- "
        "config/staging.yaml`). If this hub shall have no staging of its own: `git rm secrets/staging.yaml`"
    )


def list_file_problems(env: str) -> list[str]:
    """Return what is wrong with the file of an environment."""
    name = f"secrets/{env}.yaml"
    try:
        text = secrets_file(env).read_text(encoding="utf-8")
        content = yaml.safe_load(text)
    except (UnicodeDecodeError, yaml.YAMLError):
        return [f"{name} is not valid YAML: take a good version (`git log {name}`)"]
    metadata = content.pop("sops", None) if isinstance(content, dict) else None
    if not isinstance(metadata, dict):
        return [sops.describe_plaintext(env, content if isinstance(content, dict) else {})]
    return [
        *list_plain_values(name, text, content),
        *list_metadata_problems(env, content, metadata),
        *list_key_problems(name, content),
    ]


def list_plain_values(name: str, text: str, content: YamlMapping) -> list[str]:
    """Return a message where values or comments of an encrypted file are in plain text."""
    plain = [join_keys(path) for path, value in list_leaves(content) if not ENCRYPTED.fullmatch(str(value))]
    if comments := re.findall(r"^\s*#(?!ENC\[).*", text, re.M):
        plain.append(units.format_count(len(comments), "comment"))
    plain = [value for value in plain if value != "secretsFor"]
    return [f"{name} has values in plain text: {', '.join(plain)}. Change it with `make secrets-edit`"] if plain else []


def list_metadata_problems(env: str, content: YamlMapping, metadata: YamlMapping) -> list[str]:
    """Return what is wrong with what sops has written beside the values."""
    name = f"secrets/{env}.yaml"
    found = []
    if not ENCRYPTED.fullmatch(str(metadata.get("mac"))):
        found.append(f"{name} is not signed (sops.mac): take a good version (`git log {name}`)")
    if problem := identity.find_problem(env, content.get("secretsFor")):
        found.append(problem)
    if differing := set(sops.list_recipients(metadata)) ^ set(rules.list_recipients(env)):
        found.append(
            f"{name} is not encrypted for the keys that .sops.yaml names ({', '.join(sorted(differing))}): "
            f"run `make secrets-rotate ENV={env}`"
        )
    return found


def list_key_problems(name: str, content: YamlMapping) -> list[str]:
    """Return which secrets are missing, and which the chart does not know."""
    wanted = generation.list_recipes().keys()
    present = {path for path, _ in list_leaves(content)} - {generation.OWNER}
    found = []
    if missing := sorted(join_keys(path) for path in wanted - present):
        found.append(f"{name} has no {', '.join(missing)}: run `make secrets`, which generates it")
    if unknown := sorted(join_keys(path) for path in present - wanted):
        found.append(
            f"{name} has {', '.join(unknown)}, which chart/ci/fake-secrets.yaml does not have: add it there, so that "
            "the hub renders without keys as it does with them, or remove it with `make secrets-edit`"
        )
    return found


def drop_indexes(path: KeyPath) -> KeyPath:
    """Return the keys of a path without the indexes of lists."""
    return tuple(key for key in path if isinstance(key, str))


def is_real(value: object) -> bool:
    """Return whether a value is something that must not be read."""
    return value not in (None, "") and marks.BLANK not in str(value)


def list_misplaced() -> list[str]:
    """Return the secrets that are in a file which git has in plain text."""
    found = []
    known = {drop_indexes(path): path for path in generation.list_recipes()}
    for file in [CHART_VALUES, *sorted(CONFIG.glob("*.yaml"))]:
        env = file.stem if file.stem in ENVIRONMENTS else "prod"
        leaves = [(drop_indexes(path), path, value) for path, value in list_leaves(read_mapping(file))]
        for keys, path, value in leaves:
            unknown = CALLED_SECRET.search(join_keys(keys)) and keys not in known
            if unknown and isinstance(value, str) and is_real(value):
                fake = f"{marks.FAKE}ask--{re.sub('[^a-z0-9]+', '-', str(keys[-1]).lower())}"
                found.append(
                    f"{label(file)}: {join_keys(path)} is a secret. Remove it there, give the key the value `{fake}` "
                    "in chart/ci/fake-secrets.yaml, and run `make secrets`"
                )
        for secret, path in known.items():
            # Whatever is there: a list may have become a text, or a text a list.
            if any(keys[: len(secret)] == secret and is_real(value) for keys, _, value in leaves):
                found.append(
                    f"{label(file)}: {join_keys(secret)} is a secret. Remove it there, and use "
                    f"`make secrets-set ENV={env} KEY={join_keys(path)}`"
                )
    return found
